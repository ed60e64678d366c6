use std::collections::HashMap;

use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, pods::Group, premise, rule};
use crate::{facts::PodRow, view::View};

rule! {
    /// ## What it checks
    /// CiliumEndpoints that are not ready although their pods run. Pods that are just starting do
    /// not count.
    ///
    /// ## Why it hurts
    /// An endpoint that waits for its identity has that of `init`: policies treat it as a stranger,
    /// and its traffic is dropped where they are enforced.
    ///
    /// ## Fix
    /// See whether the agent of that node reaches the API server (AG-04) and the operator runs
    /// (OP-01); then restart the pods.
    ///
    /// ## References
    /// - Cilium documentation, "Endpoint Lifecycle"
    "AG-09", Error, State, "endpoints of running pods are not ready", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let cluster = &view.facts.cluster;
    if premise::agents(view, out).is_none() {
        return;
    }
    let Some(endpoints) = premise::known(view, &cluster.cilium_endpoints, "CiliumEndpoints", out)
    else {
        return;
    };
    let Some(pods) = premise::known(view, &cluster.pods, "pods", out) else { return };
    let stuck: HashMap<(&str, &str), &str> = endpoints
        .iter()
        .filter(|it| matches!(it.state.as_str(), "waiting-for-identity" | "not-ready" | "invalid"))
        .map(|it| ((it.namespace.as_str(), it.name.as_str()), it.state.as_str()))
        .collect();
    if stuck.is_empty() {
        return;
    }
    let mut group = Group::default();
    let mut states: Vec<&str> = Vec::new();
    for row in pods.rows().iter().filter(|row| runs(row)) {
        if let Some(state) = stuck.get(&(&*row.namespace, &*row.name)) {
            group.push(row, "");
            states.push(state);
        }
    }
    if group.is_empty() {
        return;
    }
    states.sort_unstable();
    states.dedup();
    let mut evidence = group.evidence();
    evidence.push(Evidence::new("CiliumEndpoints", format!("state {}", states.join(", "))));
    out.found(Finding {
        code: RULE.code,
        severity: Severity::Error,
        basis: Basis::Observed,
        subject: "endpoints".into(),
        nodes: group.nodes(),
        summary: group.sentence(
            "runs, and its endpoint is not ready",
            "run, and their endpoints are not ready",
        ),
        evidence,
        impact: "policies take these pods for strangers, and drop what they send".into(),
        remedy: Remedy::text(
            "see why agents do not get on (AG-04, OP-01); then restart these pods",
        )
        .with_commands(group.commands("delete pod")),
    });
}

/// The CNI plugin lets a pod run only once its endpoint was ready.
fn runs(row: &PodRow) -> bool {
    &*row.status == "Running" && row.is_well()
}
