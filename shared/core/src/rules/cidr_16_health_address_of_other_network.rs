use std::net::IpAddr;

use super::{Finding, Judgement, Remedy, Severity, command, premise, rule};
use crate::{
    facts::{CiliumConfig, CiliumNode, Family, IpamMode, NodeAddressKind},
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether the addresses that an agent took for itself, that of its health endpoint and that of
    /// `cilium_host`, are of its node's pod CIDRs. Pods with other addresses are CNI-05's.
    ///
    /// ## Why it hurts
    /// Agents take both out of the node's own block. Another network there is one of an earlier
    /// installation, or of another IPAM mode: nobody has a route to it, so that health checks fail
    /// ("endpoint unreachable") and answers to the node's own packets get lost.
    ///
    /// ## Fix
    /// Restart the agent of the node: it then takes addresses of its block. Where they stay, delete
    /// the CiliumNode first, and let the agent make it anew.
    ///
    /// ## References
    /// - Cilium documentation, "IP Address Management (IPAM)"
    "CIDR-16", Error, State, "an agent's own addresses are not of its node's pod CIDR", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    if view.proposal().is_some() {
        return;
    }
    let Some(config) = premise::config(view, out) else { return };
    if let IpamMode::Other(mode) = &config.ipam {
        out.not_applicable(format!("in IPAM mode {mode} nodes have no pod CIDRs of their own"));
        return;
    }
    let cluster = &view.facts.cluster;
    let Some(nodes) = premise::known(view, &cluster.cilium_nodes, "CiliumNodes", out) else {
        return;
    };
    for node in nodes {
        let strays: Vec<(&str, IpAddr)> =
            own_addresses(node, config).filter(|(_, address)| is_stray(node, *address)).collect();
        if !strays.is_empty() {
            out.found(finding(view, node, &strays));
        }
    }
}

fn own_addresses<'n>(
    node: &'n CiliumNode,
    config: &CiliumConfig,
) -> impl Iterator<Item = (&'static str, IpAddr)> + use<'n> {
    // An address that the user gave `cilium_host` is meant to be of no block.
    let is_given = config.local_router_v4.as_deref().is_some_and(|text| !text.trim().is_empty());
    let routers = node
        .addresses
        .iter()
        .filter(move |own| own.kind == NodeAddressKind::CiliumInternalIP)
        .filter(move |own| !(is_given && own.address.is_ipv4()))
        .map(|own| ("cilium_host", own.address));
    node.health.iter().map(|address| ("health endpoint", *address)).chain(routers)
}

/// A family without a block has nothing to compare with.
fn is_stray(node: &CiliumNode, address: IpAddr) -> bool {
    let family = Family::of(address);
    let mut blocks =
        node.pod_cidrs.iter().filter(|block| Family::of_prefix(**block) == family).peekable();
    blocks.peek().is_some() && !blocks.any(|block| block.contains(&address))
}

fn finding(view: &View<'_>, node: &CiliumNode, strays: &[(&str, IpAddr)]) -> Finding {
    let blocks: Vec<String> = node.pod_cidrs.iter().map(ToString::to_string).collect();
    let words: Vec<String> =
        strays.iter().map(|(what, address)| format!("{what} {address}")).collect();
    Finding::about(RULE.code, Severity::Error, format!("CiliumNode {}", node.name))
        .on(&node.name)
        .saying(
            format!("{} of {} is not of the node's pod CIDR", words.join(" and "), node.name),
            "nobody has a route to it: health checks of the node fail, and answers get lost",
        )
        .seen(
            format!("CiliumNode {}", node.name),
            format!("{}; pod CIDRs {}", words.join(", "), blocks.join(", ")),
        )
        .mended_by(
            Remedy::text(
                "restart the agent of the node; where the address stays, delete the CiliumNode and \
                 restart it again (pods of the node keep their addresses until they are restarted)",
            )
            .with_commands([command::restart_agent(view.namespace(), &node.name)]),
        )
}
