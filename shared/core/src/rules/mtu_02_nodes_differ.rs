use std::collections::BTreeMap;

use super::{Finding, Judgement, Remedy, Severity, devices, premise, rule};
use crate::{
    facts::{LinkName, NodeName},
    view::{View, listing},
};

rule! {
    /// ## What it checks
    /// Whether the devices that have the nodes' InternalIPs have the same MTU on all nodes.
    ///
    /// ## Why it hurts
    /// A node sends packets as large as its own device takes. Where that of another node takes less,
    /// large packets get lost on the way to its pods, unless every router between them answers
    /// ("fragmentation needed") and nobody filters that. In one network nobody answers.
    ///
    /// ## Fix
    /// Give all devices of the network the same MTU, or set the value `MTU` to the smallest.
    ///
    /// ## References
    /// - Cilium documentation, Helm reference: MTU
    /// - hcloud-k8s/terraform-hcloud-kubernetes issue 450
    "MTU-02", Warn, State, "nodes have different MTUs", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    let mut by_mtu: BTreeMap<u32, Vec<(&NodeName, &LinkName)>> = BTreeMap::new();
    for node in view.nodes() {
        match (node.facts.links.get(), node.facts.addresses.get()) {
            (Ok(_), Ok(_)) => match devices::of_internal_address(view, node) {
                Some(device) if device.mtu > 0 => {
                    by_mtu.entry(device.mtu).or_default().push((node.name(), &device.name));
                }
                _ if view.nodes().len() == 1 => {}
                _ => out.unknown_on(
                    node.name(),
                    "MTU",
                    "no device is known to have the node's InternalIP",
                ),
            },
            (Err(why), _) | (_, Err(why)) => out.missing_on(node.name(), "MTU", why),
        }
    }
    if by_mtu.len() < 2 {
        return;
    }
    // A value that all nodes can send is what the fix asks for.
    let given = view.facts.cluster.config_data.known().and_then(|data| data.data.get("mtu"));
    let given = given.and_then(|text| text.trim().parse::<u32>().ok()).filter(|mtu| *mtu > 0);
    let Some((&smallest, of_smallest)) = by_mtu.first_key_value() else { return };
    if given.is_some_and(|given| given <= smallest) {
        return;
    }
    let words: Vec<String> = by_mtu.keys().map(ToString::to_string).collect();
    let mut finding = Finding::about(RULE.code, Severity::Warn, "MTU")
        .saying(
            format!("the nodes' devices have different MTUs: {}", words.join(", ")),
            "large packets to pods of the nodes with the smaller one get lost",
        )
        .mended_by(
            Remedy::text("give all devices the same MTU, or set Cilium's to the smallest")
                .with_values(format!("MTU: {smallest}\n")),
        );
    finding.nodes = of_smallest.iter().map(|(node, _)| (*node).clone()).collect();
    for (mtu, nodes) in &by_mtu {
        let nodes: Vec<String> =
            nodes.iter().map(|(node, link)| format!("{link} of {node}")).collect();
        finding = finding.seen(format!("MTU {mtu}"), listing(&nodes));
    }
    out.found(finding);
}
