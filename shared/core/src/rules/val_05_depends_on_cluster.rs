use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    chart::refusals::{Refused, refusals},
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether the chart refuses the Helm values unless the cluster has something that values do
    /// not tell: CRDs of the Prometheus operator for ServiceMonitors, a version of Kubernetes.
    ///
    /// ## Why it hurts
    /// Rendered without the cluster (`helm template`, GitOps) the same values can fail that `helm
    /// install` takes, or the other way round.
    ///
    /// ## Fix
    /// Bring what the chart looks for first, or tell the chart to trust that it is there.
    ///
    /// ## References
    /// - Helm documentation, "Built-in Objects": Capabilities
    "VAL-05", Warn, Configuration, "what the chart renders depends on the cluster", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(values) = premise::proposed_values(view, out) else { return };
    for Refused { message, key, depends, fix, values, .. } in refusals(&values) {
        let Some(depends) = depends else { continue };
        out.found(Finding {
            code: RULE.code,
            severity: Severity::Warn,
            basis: Basis::Observed,
            subject: key.into(),
            nodes: Vec::new(),
            summary: format!("whether the chart takes `{key}` depends on {depends}"),
            evidence: vec![Evidence::new("chart", message.clone())],
            impact: format!("where that is missing, Helm stops with: {message}"),
            remedy: Remedy::text(fix).with_values(values),
        });
    }
}
