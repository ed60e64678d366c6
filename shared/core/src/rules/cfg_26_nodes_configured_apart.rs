use super::{Finding, Judgement, Remedy, Severity, finding::merged, rule};
use crate::{
    facts::{CiliumConfig, NodeName, UnavailableKind},
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether a `CiliumNodeConfig` makes a node differ from `cilium-config` in the routing mode, in
    /// masquerade, or in where pods get their addresses from.
    ///
    /// ## Why it hurts
    /// A node that encapsulates and one that does not cannot talk to each other. A node with its
    /// own IPAM mode gives out addresses that the others do not expect. And what every other check
    /// says of the configuration does not hold for such a node.
    ///
    /// ## Fix
    /// Remove these keys from the CiliumNodeConfig, and restart the agent of the node.
    ///
    /// ## References
    /// - Cilium documentation, "Per-node configuration"
    "CFG-26", Error, State, "a node is configured apart from the others", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let cluster = &view.facts.cluster;
    let (config, nodes) = match (cluster.config.get(), cluster.nodes.get()) {
        (Ok(config), Ok(nodes)) => (config, nodes),
        (Err(why), _) => {
            out.missing("configuration", why);
            return;
        }
        (_, Err(why)) => {
            out.missing("nodes", why);
            return;
        }
    };
    if let Err(why) = cluster.config_data.get() {
        // Snapshots of older versions hold the normal form only.
        if why.kind == UnavailableKind::NotCollected {
            out.not_applicable("configurations of nodes were not read in this run");
        } else {
            out.missing("keys of cilium-config", why);
        }
        return;
    }
    let mut found = Vec::new();
    for node in nodes {
        match view.node_config(&node.name) {
            Ok(own) => found.extend(differences(config, &own, &node.name)),
            Err(why) => out.missing_on(&node.name, "configuration of the node", &why),
        }
    }
    for finding in merged(found) {
        out.found(finding);
    }
}

fn differences(config: &CiliumConfig, own: &CiliumConfig, node: &NodeName) -> Vec<Finding> {
    let masquerade = |config: &CiliumConfig| {
        let on = |is_on: bool| if is_on { "on" } else { "off" };
        let place = if config.masquerading.bpf { "BPF" } else { "iptables" };
        format!("IPv4 {}, IPv6 {}, in {place}", on(config.masquerade_v4), on(config.masquerade_v6))
    };
    let compared = [
        (
            Severity::Error,
            "routing mode",
            config.routing.to_string(),
            own.routing.to_string(),
            "pods of these nodes and of the others do not reach each other",
        ),
        (
            Severity::Error,
            "IPAM mode",
            config.ipam.to_string(),
            own.ipam.to_string(),
            "pods of these nodes have addresses from elsewhere",
        ),
        (
            Severity::Warn,
            "masquerade",
            masquerade(config),
            masquerade(own),
            "packets that leave the cluster from these nodes have other source addresses, or are \
             translated elsewhere",
        ),
    ];
    let differing = compared.into_iter().filter(|(_, _, all, own, _)| all != own);
    differing
        .map(|(severity, what, all, ours, impact)| {
            Finding::about(RULE.code, severity, what)
                .on(node)
                .saying(format!("{what} is {ours} there, and {all} for all others"), impact)
                .seen(own.origin.clone(), format!("{what} {ours}"))
                .mended_by(
                    Remedy::text(
                        "remove these keys from the CiliumNodeConfig, and restart the agents of \
                         these nodes",
                    )
                    .with_commands(["kubectl get ciliumnodeconfigs -A -o yaml"]),
                )
        })
        .collect()
}
