use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity,
    node_taints::{self, NetworkTaint},
    pods::{self, Group},
    rule,
};
use crate::view::View;

rule! {
    /// ## What it checks
    /// Pods that no node takes because of taints about the network: `agent-not-ready` of Cilium,
    /// `network-unavailable`, `uninitialized` of cloud providers, `not-ready` of Kubernetes.
    ///
    /// ## Why it hurts
    /// The taints keep pods off a node until its network works. When nobody takes them away, pods
    /// wait for ever.
    ///
    /// ## Fix
    /// See why the taint stays: SCH-01 for Cilium's, SCH-02 for the network's, SCH-03 for that of
    /// the cloud provider, CNI-01 for nodes that are not ready.
    ///
    /// ## References
    /// - Kubernetes documentation, "Taints and Tolerations"
    "POD-06", Warn, State, "pods wait for taints about the network", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(troubles) = pods::in_trouble(view, out) else { return };
    let cilium = node_taints::cilium(view);
    let groups = pods::groups(troubles, |trouble| {
        if trouble.row.node.is_some() {
            return None;
        }
        let message = trouble.messages("FailedScheduling").next()?;
        let taint =
            NetworkTaint::ALL.into_iter().find(|taint| message.contains(taint.key(cilium)))?;
        Some((taint, message))
    });
    for (taint, group) in groups {
        out.found(finding(view, taint, &group));
    }
}

fn finding(view: &View<'_>, taint: NetworkTaint, group: &Group<'_>) -> Finding {
    let key = taint.key(node_taints::cilium(view));
    let nodes = node_taints::nodes_with(view, taint);
    let mut evidence = group.evidence();
    if !nodes.is_empty() {
        evidence.push(Evidence::new(
            "taints of nodes",
            format!("{key} on {}", node_taints::names(&nodes)),
        ));
    }
    Finding {
        code: RULE.code,
        severity: Severity::Warn,
        basis: Basis::Observed,
        subject: key.into(),
        nodes,
        summary: format!("{} for a node without the taint {key}", group.sentence("waits", "wait")),
        evidence,
        impact: "these pods are not scheduled".into(),
        remedy: Remedy::text(format!("find out why the taint stays ({})", taint.rule())),
    }
}
