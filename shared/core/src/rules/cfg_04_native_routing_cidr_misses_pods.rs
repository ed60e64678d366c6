use ipnet::IpNet;

use super::{
    Finding, Judgement, Remedy, Severity,
    pod_networks::{PodNetwork, aggregated, pod_networks},
    premise, rule, spelling,
};
use crate::{
    facts::{CiliumConfig, Family, RoutingMode},
    prefix::GivenPrefix,
    view::{View, listing},
};

rule! {
    /// ## What it checks
    /// Whether the native routing CIDR holds every network in which pods live or will: pod CIDRs of
    /// the nodes, the cluster pool, and in IPAM mode `kubernetes` the network out of which the
    /// controller manager gives nodes theirs.
    ///
    /// ## Why it hurts
    /// Packets to pods outside of it get the node's address on their way. The other pod sees a node
    /// where it should see a pod, and its policies drop what they would have let in. Where no pod
    /// lives there yet, it is a warning.
    ///
    /// ## Fix
    /// Set it to the network of all pods, not of one node.
    ///
    /// ## References
    /// - Cilium documentation, "Masquerading"
    /// - Cilium source: `RemoteSNATDstAddrExclusionCIDRv4` in `pkg/datapath/linux/config`
    "CFG-04", Error, Configuration, "the native routing CIDR misses pods", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if config.routing != RoutingMode::Native {
        out.not_applicable(format!("routing {}", config.routing));
        return;
    }
    for family in [Family::V4, Family::V6] {
        let text = config.native_routing_cidr(family).filter(|_| config.masquerades(family));
        // CFG-02 misses it, and CIDR-11 judges what is none.
        let Some(native) = text.and_then(|text| text.parse::<GivenPrefix>().ok()) else { continue };
        if config.masquerading.ip_masq_agent {
            out.unknown("masquerade", "the ip-masq-agent's list is not read");
            continue;
        }
        let networks = pod_networks(view, config, family);
        if networks.is_empty() {
            out.unknown(format!("pod network ({family})"), "nobody tells it");
        }
        let missed = missed_by(native.prefix(), &networks);
        if !missed.is_empty() {
            let mut finding = finding(config, family, &native, &missed, &networks);
            // Nobody of a running cluster is hurt before the first pod lives there.
            if view.proposal().is_none() && !missed.iter().any(|network| network.is_in_use) {
                finding.severity = Severity::Warn;
            }
            out.found(finding);
        }
    }
}

/// Networks that the CIDR does not hold whole: of those where pods live now, else of later pods.
fn missed_by(native: IpNet, networks: &[PodNetwork]) -> Vec<&PodNetwork> {
    let missed = networks.iter().filter(|network| !native.contains(&network.prefix));
    let (in_use, later): (Vec<_>, Vec<_>) = missed.partition(|network| network.is_in_use);
    if in_use.is_empty() { later } else { in_use }
}

fn finding(
    config: &CiliumConfig,
    family: Family,
    native: &GivenPrefix,
    missed: &[&PodNetwork],
    all: &[PodNetwork],
) -> Finding {
    let key = spelling::native_routing_key(family);
    let names: Vec<String> = missed.iter().map(|network| network.prefix.to_string()).collect();
    let mut finding = Finding::about(RULE.code, Severity::Error, key)
        .saying(
            format!("{key} {native} does not hold all pods: {}", listing(&names)),
            "packets to those pods get the node's address: policies take them for a node's",
        )
        .seen(config.origin.clone(), format!("{key} {native}"))
        .mended_by(
            Remedy::text("set it to the network of all pods")
                .with_values(spelling::native_routing_cidr(family, &aggregated(all))),
        );
    for network in missed.iter().take(SHOWN) {
        finding = finding.seen(network.source.clone(), format!("pods in {}", network.prefix));
    }
    finding
}

/// Networks whose sources are shown.
const SHOWN: usize = 3;
