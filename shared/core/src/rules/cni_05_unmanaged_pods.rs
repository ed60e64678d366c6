use std::{collections::HashSet, net::IpAddr};

use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity,
    pods::{self, Group},
    premise, rule,
};
use crate::{
    facts::{CiliumEndpoint, PodRow},
    view::View,
};

rule! {
    /// ## What it checks
    /// Pods with an address of their own that is not of their node's pod CIDRs, and for which there
    /// is no CiliumEndpoint: they run on the network of another CNI plugin. Pods on the host's
    /// network are never Cilium's and do not count, nor do nodes without a CiliumNode.
    ///
    /// ## Why it hurts
    /// Pods that started before Cilium keep the network that they got. Cilium's pods cannot reach
    /// them, or only by luck; policies do not hold for them; and the same address may be there once
    /// on each node. `cilium status` only counts them, and calls that OK.
    ///
    /// ## Fix
    /// Restart exactly these pods; what made them makes them again, under Cilium. A pod that nothing
    /// made does not come back.
    ///
    /// ## References
    /// - Cilium documentation, "Troubleshooting: ensure pod is managed by Cilium"
    /// - cri-o/packaging issue 201
    "CNI-05", Error, State, "pods are not managed by Cilium", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let cluster = &view.facts.cluster;
    if premise::agents(view, out).is_none() {
        return;
    }
    let Some(pods) = premise::known(view, &cluster.pods, "pods", out) else { return };
    if premise::known(view, &cluster.cilium_nodes, "pod CIDRs of the nodes", out).is_none() {
        return;
    }
    let strangers: Vec<&PodRow> = pods.rows().iter().filter(|row| is_stranger(view, row)).collect();
    if strangers.is_empty() {
        return;
    }
    let has_switch = |key: &str| {
        let config = cluster.config_data.known();
        config.and_then(|config| config.data.get(key)).is_some_and(|value| value == "true")
    };
    if has_switch("disable-endpoint-crd") {
        out.unknown("CiliumEndpoints", "switched off (disable-endpoint-crd)");
        return;
    }
    let Some(endpoints) = premise::known(view, &cluster.cilium_endpoints, "CiliumEndpoints", out)
    else {
        return;
    };
    let managed: HashSet<(&str, &str)> = endpoints.iter().map(name).collect();
    let dns: HashSet<&str> =
        cluster.dns_endpoints.items().iter().filter_map(|it| it.pod.as_deref()).collect();
    let (mut of_dns, mut others) = (Group::default(), Group::default());
    for row in strangers {
        if !managed.contains(&(&*row.namespace, &*row.name)) {
            let is_dns = &*row.namespace == "kube-system" && dns.contains(&*row.name);
            if is_dns { &mut of_dns } else { &mut others }.push(row, "");
        }
    }
    if !of_dns.is_empty() {
        out.found(finding("the cluster's DNS", Severity::Error, &of_dns));
    }
    if !others.is_empty() {
        out.found(finding("pods", Severity::Warn, &others));
    }
}

fn name(endpoint: &CiliumEndpoint) -> (&str, &str) {
    (&endpoint.namespace, &endpoint.name)
}

/// Whether a pod that runs has an address of its own which its node's pod CIDRs do not hold.
fn is_stranger(view: &View<'_>, row: &PodRow) -> bool {
    let (Some(node), Some(address)) = (&row.node, row.address) else { return false };
    let Some(owner) = view.cilium_node(node) else { return false };
    let is_over = matches!(
        &*row.status,
        "Completed" | "Succeeded" | "Failed" | "Evicted" | "Terminating" | "Unknown"
    );
    !is_over
        && !view.is_node_address(address)
        && !owner.pod_cidrs.iter().any(|cidr| cidr.contains(&address))
}

/// Networks that other plugins give pods when nobody says otherwise.
fn usual_plugin(address: IpAddr) -> Option<&'static str> {
    let IpAddr::V4(address) = address else { return None };
    Some(match address.octets() {
        [10, 85, ..] => "CRI-O's bridge",
        [10, 88, ..] => "the default bridge of containerd or Podman",
        [10, 244, ..] => "flannel's usual network",
        [10, 42, ..] => "the usual network of k3s and RKE2",
        [192, 168, ..] | [10, 233, ..] => "Calico's usual network",
        [172, 17, ..] => "Docker's bridge",
        _ => return None,
    })
}

fn finding(what: &str, severity: Severity, group: &Group<'_>) -> Finding {
    let mut evidence = group.evidence();
    let mut sample: Vec<String> = Vec::new();
    for row in group.rows() {
        let (Some(address), Some(node)) = (row.address, &row.node) else { continue };
        let whose = usual_plugin(address).map_or_else(String::new, |it| format!(" ({it})"));
        if sample.len() < 3 {
            sample.push(format!("{} on {node} has {address}{whose}", pods::name(row)));
        }
    }
    evidence.push(Evidence::new("addresses", sample.join(", ")));
    evidence.push(Evidence::new("CiliumEndpoints", "none for these pods"));
    let of = if severity == Severity::Error { "of the cluster's DNS " } else { "" };
    Finding {
        code: RULE.code,
        severity,
        basis: Basis::Observed,
        subject: what.into(),
        nodes: group.nodes(),
        summary: group.sentence(&format!("{of}runs on another network than Cilium's"), &format!("{of}run on another network than Cilium's")),
        evidence,
        impact: "Cilium's pods and theirs do not reach each other; policies do not hold for them".into(),
        remedy: Remedy::text(
            "restart exactly these pods; one that nothing made (no ReplicaSet, no DaemonSet) does not come back by itself",
        )
        .with_commands(group.commands("delete pod")),
    }
}
