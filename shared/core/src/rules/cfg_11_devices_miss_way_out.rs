use serde_json::Value;

use super::{
    Finding, Judgement, Remedy, Severity,
    devices::{Attached, attached, ways_out},
    finding::merged,
    premise, rule,
};
use crate::{
    facts::{CiliumConfig, Family, LinkName, ProxyReplacement},
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// Where Cilium masquerades in BPF or does kube-proxy's work: whether agents attach to the
    /// device by which packets leave the node. Running agents say which devices they have; else it
    /// goes by `devices`, or by what agents choose: devices that are up and have an address and a
    /// route, but no bridges, nothing below a bridge or bond, and pairs (veth) only with the default
    /// route.
    ///
    /// ## Why it hurts
    /// Packets that leave by another device keep the pod's address, and answers find no way back.
    /// Without masquerade in BPF it is a warning: Services are not answered on that device, which
    /// may be meant. Often it is a bridge, such as `br0` or `vmbr0`.
    ///
    /// ## Fix
    /// Name the devices in `devices`; there a bridge may stand too.
    ///
    /// ## References
    /// - Cilium source: `pkg/datapath/linux/devices_controller.go`
    /// - Cilium documentation, "Kubernetes Without kube-proxy": devices
    "CFG-11", Error, Configuration, "agents leave out the device that packets leave by", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    let masquerades = config.masquerading.bpf && config.masquerades(Family::V4);
    if !masquerades && config.kube_proxy_replacement != ProxyReplacement::Full {
        out.not_applicable("agents attach to no device for masquerade or Services");
        return;
    }
    premise::has_nodes(view, out);
    let mut found = Vec::new();
    for node in view.nodes() {
        let ways = ways_out(node, out);
        if ways.is_empty() {
            continue;
        }
        let Some(config) = premise::of_node(view, node.name(), config, out) else { continue };
        let Some(attached) = attached(view, node, &config) else {
            out.unknown_on(node.name(), "devices", "which ones agents choose cannot be told");
            continue;
        };
        let missed = ways.iter().filter(|link| !attached.links.contains(link));
        found.extend(missed.map(|link| finding(&config, node, link, &attached)));
    }
    merged(found).for_each(|finding| out.found(finding));
}

fn finding(
    config: &CiliumConfig,
    node: &NodeView<'_>,
    link: &LinkName,
    attached: &Attached,
) -> Finding {
    let (severity, impact) = if config.masquerading.bpf && config.masquerades(Family::V4) {
        (Severity::Error, "pods reach nothing outside the cluster")
    } else {
        (Severity::Warn, "Services of type NodePort and LoadBalancer are not answered on it")
    };
    let all: Vec<&str> = attached.links.iter().map(LinkName::as_str).collect();
    let names = if all.is_empty() { "no device".into() } else { all.join(" ") };
    let mut finding = Finding::about(RULE.code, severity, "devices")
        .saying(format!("packets leave by {link}, and agents attach to {names}"), impact)
        .seen(node.name().as_str(), format!("the way to the internet leaves by {link}"))
        .seen(attached.source.clone(), names);
    if node.is_bridge(link) {
        finding = finding.seen(node.name().as_str(), format!("{link} is a bridge"));
    }
    // Names come from snapshots of other people: JSON quotes whatever is in them.
    let wanted: Vec<&str> = all.into_iter().chain([link.as_str()]).collect();
    finding.on(node.name()).mended_by(
        Remedy::text("name all devices that agents shall attach to; one list is for all nodes")
            .with_values(format!("devices: {}\n", Value::from(wanted.join(" ")))),
    )
}
