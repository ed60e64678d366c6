use std::collections::HashSet;

use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity,
    node_taints::{self, NetworkTaint, names},
    pods::quote,
    premise, rule,
};
use crate::{
    facts::{Condition, NodeName},
    view::View,
};

rule! {
    /// ## What it checks
    /// Nodes with a ready agent whose condition NetworkUnavailable still holds, or that keep its
    /// taint.
    ///
    /// ## Why it hurts
    /// Pods are not scheduled to such a node. Agents or the operator clear the condition; the route
    /// controller of a cloud provider sets it, and waits for routes that nobody makes under Cilium.
    ///
    /// ## Fix
    /// Switch the route controller off (`--configure-cloud-routes=false`), and see whether the operator
    /// runs (OP-01).
    ///
    /// ## References
    /// - cilium/cilium issue 16846
    "SCH-02", Error, State, "nodes stay unavailable for the network", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(agents) = premise::agents(view, out) else { return };
    let Some(nodes) = premise::known(view, &view.facts.cluster.nodes, "nodes", out) else { return };
    let ready: HashSet<&NodeName> =
        agents.iter().filter(|agent| agent.ready).map(|agent| &agent.node).collect();
    let mut found: Vec<NodeName> = Vec::new();
    let mut evidence: Vec<Evidence> = Vec::new();
    for node in nodes.iter().filter(|node| ready.contains(&node.name)) {
        let is_unavailable = |it: &&Condition| it.kind == "NetworkUnavailable" && it.holds();
        let condition = node.conditions.iter().find(is_unavailable);
        let taint = node_taints::of(view, node, NetworkTaint::NetworkUnavailable);
        if condition.is_none() && taint.is_none() {
            continue;
        }
        found.push(node.name.clone());
        if let Some(condition) = condition.filter(|_| evidence.len() < 3) {
            evidence.push(Evidence::new(
                format!("condition NetworkUnavailable of {}", node.name),
                format!("{}: {}", condition.reason, quote(&condition.message)),
            ));
        }
    }
    if found.is_empty() {
        return;
    }
    found.sort_unstable();
    evidence.push(Evidence::new("agents", format!("ready on {}", names(&found))));
    out.found(Finding {
        code: RULE.code,
        severity: Severity::Error,
        basis: Basis::Observed,
        subject: "network-unavailable".into(),
        summary: format!("the condition NetworkUnavailable stays on {}, although the agent is ready", names(&found)),
        evidence,
        nodes: found,
        impact: "pods are not scheduled to these nodes".into(),
        remedy: Remedy::text(
            "switch off the route controller of the cloud provider (--configure-cloud-routes=false), and see whether \
             Cilium's operator runs (OP-01)",
        ),
    });
}
