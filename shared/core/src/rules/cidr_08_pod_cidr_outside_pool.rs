use ipnet::IpNet;

use super::{Finding, Judgement, Remedy, Severity, command, premise, rule};
use crate::{
    facts::{CiliumConfig, CiliumNode, Family, IpamMode},
    prefix::GivenPrefix,
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether the blocks that nodes have come from where the configuration says: out of the cluster
    /// pool, or in IPAM mode `kubernetes` from `spec.podCIDRs` of the Node. Of values that are about
    /// to be installed it looks at the blocks that nodes have now.
    ///
    /// ## Why it hurts
    /// A pool that is changed changes nothing: nodes keep their blocks, and no event says so. Pods
    /// stay where the old trouble was, and what goes by the new network (routers, masquerade, peers
    /// in a mesh) misses them.
    ///
    /// ## Fix
    /// Add the new network to the pool and leave the old one in. Or move node by node: drain it,
    /// delete its CiliumNode, restart its agent, and let its pods be made anew.
    ///
    /// ## References
    /// - Cilium documentation, "Cluster Scope": expanding the cluster pool
    /// - cilium/cilium issues 15977, 21188, 28266, 29763, 33861
    "CIDR-08", Error, Configuration, "nodes keep blocks that the pool no longer has", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    let nodes = match view.facts.cluster.cilium_nodes.get() {
        Ok(nodes) => nodes,
        Err(why) => {
            out.missing("CiliumNodes", why);
            return;
        }
    };
    match config.ipam {
        IpamMode::ClusterPool => {
            for family in [Family::V4, Family::V6] {
                out_of_pool(config, family, nodes, out);
            }
        }
        IpamMode::Kubernetes => unlike_node(view, config, out),
        IpamMode::MultiPool | IpamMode::Other(_) => {
            out.not_applicable(format!("IPAM mode {} has no cluster pool", config.ipam));
        }
    }
}

fn of_family(node: &CiliumNode, family: Family) -> impl Iterator<Item = &IpNet> {
    node.pod_cidrs.iter().filter(move |prefix| Family::of_prefix(**prefix) == family)
}

fn out_of_pool(config: &CiliumConfig, family: Family, nodes: &[CiliumNode], out: &mut Judgement) {
    let (elements, _) = config.pool(family);
    let pool: Result<Vec<GivenPrefix>, _> = elements.iter().map(|text| text.parse()).collect();
    // Of a pool that cannot be read CIDR-11 speaks; where a family is off, there is none.
    let Some(pool) = pool.ok().filter(|pool| !pool.is_empty()) else { return };
    let is_in_pool =
        |prefix: &&IpNet| pool.iter().any(|element| element.prefix().contains(*prefix));
    let strays: Vec<(&CiliumNode, &IpNet)> = nodes
        .iter()
        .filter_map(|node| {
            let stray = of_family(node, family).find(|prefix| !is_in_pool(prefix))?;
            Some((node, stray))
        })
        .collect();
    let Some((first, _)) = strays.first() else { return };
    let list = match family {
        Family::V4 => "ipam.operator.clusterPoolIPv4PodCIDRList",
        Family::V6 => "ipam.operator.clusterPoolIPv6PodCIDRList",
    };
    let mut finding = Finding::about(RULE.code, Severity::Error, list)
        .saying(
            format!("nodes keep blocks that are not in the pool {}", elements.join(" ")),
            "what was changed has no effect on nodes that have a block",
        )
        .seen(config.origin.clone(), format!("pool {}", elements.join(" ")))
        .mended_by(move_to(
            config,
            first,
            "add to the pool instead of changing it; or move node by node, as for this one",
        ));
    for (node, stray) in strays.iter().take(SHOWN) {
        finding = finding.seen(format!("CiliumNode {}", node.name), stray.to_string());
    }
    finding.nodes = strays.into_iter().map(|(node, _)| node.name.clone()).collect();
    out.found(finding);
}

/// Nodes whose blocks are shown.
const SHOWN: usize = 5;

fn unlike_node(view: &View<'_>, config: &CiliumConfig, out: &mut Judgement) {
    let known = match view.facts.cluster.nodes.get() {
        Ok(known) => known,
        Err(why) => {
            out.missing("Nodes", why);
            return;
        }
    };
    let sorted = |prefixes: &[IpNet]| {
        let mut prefixes: Vec<IpNet> = prefixes.iter().map(IpNet::trunc).collect();
        prefixes.sort();
        prefixes
    };
    // CIDR-07 speaks of CiliumNodes whose Node is gone, CIDR-14 of Nodes that have no block.
    for own in known.iter().filter(|own| !own.pod_cidrs.is_empty()) {
        let node = view.cilium_node(&own.name).filter(|node| !node.pod_cidrs.is_empty());
        let Some(node) = node else { continue };
        if sorted(&own.pod_cidrs) == sorted(&node.pod_cidrs) {
            continue;
        }
        let words = |prefixes: &[IpNet]| {
            prefixes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        let (has, should) = (words(&node.pod_cidrs), words(&own.pod_cidrs));
        let finding = Finding::about(RULE.code, Severity::Error, "ipam.mode")
            .saying(
                format!("node {} keeps {has}, and Kubernetes gave it {should}", node.name),
                "what was changed has no effect on a node that has a block",
            )
            .seen(format!("CiliumNode {}", node.name), has.clone())
            .seen(format!("Node {}", node.name), should.clone())
            .mended_by(move_to(config, node, "move the node"));
        out.found(finding.on(&node.name));
    }
}

fn move_to(config: &CiliumConfig, node: &CiliumNode, text: &str) -> Remedy {
    let name = command::quoted(node.name.as_str()).into_owned();
    Remedy::text(text).with_commands([
        format!("kubectl drain {name} --ignore-daemonsets --delete-emptydir-data"),
        format!("kubectl delete ciliumnode {name}"),
        command::restart_agent(&config.namespace, &node.name),
        format!("# then let every pod of {name} that is still there be made anew, and"),
        format!("kubectl uncordon {name}"),
    ])
}
