use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity,
    command::quoted,
    operator::{self, Operator},
    premise, rule,
};
use crate::view::View;

rule! {
    /// ## What it checks
    /// That the leader of the operators renews its lease.
    ///
    /// ## Why it hurts
    /// An operator that runs without holding the lease does nothing. Pods that are ready say
    /// nothing about it.
    ///
    /// ## Fix
    /// Read the operator's log: it does not reach the API server, or may not write leases. If it
    /// hangs, restart it.
    ///
    /// ## References
    /// - Kubernetes documentation, "Leases"
    "OP-05", Warn, State, "no operator renews its lease", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(Operator::There(workload)) = operator::find(view, out) else { return };
    if premise::known(view, &view.facts.cluster.leases, "leases", out).is_none() {
        return;
    }
    let Some(lease) = operator::lease(view) else {
        out.not_applicable("operators hold no lease here");
        return;
    };
    let Some(silence) = operator::silence(view) else {
        out.unknown("age of the operator's lease", "when the facts were read is not known");
        return;
    };
    if !operator::is_stale(silence) {
        return;
    }
    let namespace = quoted(&workload.namespace);
    out.found(Finding {
        code: RULE.code,
        severity: Severity::Warn,
        basis: Basis::Observed,
        subject: lease.name.clone(),
        nodes: Vec::new(),
        summary: format!("the operator's lease was not renewed for {silence} seconds"),
        evidence: vec![Evidence::new(
            format!("lease {}", lease.name),
            format!(
                "held by {}, renewed {}",
                lease.holder,
                lease.renewed.as_deref().unwrap_or("never")
            ),
        )],
        impact: "nobody does the operator's work".into(),
        remedy: Remedy::text("read what the operator says; if it hangs, restart it").with_commands(
            [
                format!(
                    "kubectl -n {namespace} logs deployment/{} --tail=20",
                    quoted(&workload.name)
                ),
                format!(
                    "kubectl -n {namespace} rollout restart deployment/{}",
                    quoted(&workload.name)
                ),
            ],
        ),
    });
}
