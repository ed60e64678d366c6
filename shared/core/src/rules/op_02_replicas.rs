use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity,
    operator::{self, Operator},
    premise, rule,
};
use crate::view::View;

rule! {
    /// ## What it checks
    /// Whether the operator is to have more replicas than the cluster has nodes.
    ///
    /// ## Why it hurts
    /// It does not, much: operators keep away from each other (and take a port of the host), so those
    /// beyond the number of nodes stay Pending, and whoever waits for the release waits in vain
    /// (`helm --wait`).
    ///
    /// ## Fix
    /// Set `operator.replicas` to 1 on clusters of one node.
    ///
    /// ## References
    /// - cilium/cilium issue 14089
    "OP-02", Info, State, "the operator has more replicas than nodes", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(Operator::There(workload)) = operator::find(view, out) else { return };
    let Some(nodes) = premise::known(view, &view.facts.cluster.nodes, "nodes", out) else { return };
    let wanted = workload.pods.desired;
    if nodes.is_empty() || usize::try_from(wanted).is_ok_and(|wanted| wanted <= nodes.len()) {
        return;
    }
    out.found(Finding {
        code: RULE.code,
        severity: Severity::Info,
        basis: Basis::Observed,
        subject: "operator.replicas".into(),
        nodes: Vec::new(),
        summary: format!(
            "the operator wants {wanted} replicas, and there are {} nodes",
            nodes.len()
        ),
        evidence: vec![Evidence::new(
            format!("deployment {}", workload.name),
            format!("{wanted} replicas"),
        )],
        impact: "replicas beyond the number of nodes stay Pending".into(),
        remedy: Remedy::text(
            "as many as there are nodes are enough; one works, two take over from each other",
        )
        .with_values(format!("operator:\n  replicas: {}", nodes.len())),
    });
}
