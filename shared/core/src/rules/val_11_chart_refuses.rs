use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    chart::{
        Effect, advice,
        refusals::{Refused, refusals},
    },
    view::View,
};

rule! {
    /// ## What it checks
    /// The conditions under which the chart stops with an error of its own: options that need each
    /// other, words that it does not take, a name of the cluster that agents refuse. They are
    /// those of the chart's templates, version by version. Keys that were removed are VAL-02's,
    /// what depends on the cluster is VAL-05's.
    ///
    /// ## Why it hurts
    /// Helm shows the first of them only, after everything else is prepared, and says what is wrong
    /// rather than what to do.
    ///
    /// ## Fix
    /// Beside each message.
    ///
    /// ## References
    /// - `templates/validate.yaml` and `templates/cilium-configmap.yaml` of the chart
    "VAL-11", Block, Configuration, "the chart refuses the Helm values", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    // What runs was not refused.
    let Some(values) = premise::proposed_values(view, out) else { return };
    let version = values.version();
    if !version.is_at_least((1, 12, 0)) {
        out.unknown(format!("what chart {version} refuses"), "that chart is not known here");
        return;
    }
    let is_removed = |refused: &Refused| {
        advice(refused.key, version).is_some_and(|advice| advice.effect == Effect::Fails)
    };
    for refused in refusals(&values) {
        if refused.depends.is_none() && !is_removed(&refused) {
            out.found(finding(refused));
        }
    }
    if version.is_at_least((1, 21, 0)) {
        out.unknown(format!("what else chart {version} refuses"), "that chart is not known here");
    }
}

fn finding(refused: Refused) -> Finding {
    Finding {
        code: RULE.code,
        severity: Severity::Block,
        basis: Basis::Observed,
        subject: refused.key.into(),
        nodes: Vec::new(),
        summary: refused.message.trim_end_matches('.').to_owned(),
        evidence: vec![Evidence::new("chart", refused.message)],
        impact: "Helm stops with this message, and installs nothing".into(),
        remedy: Remedy::text(refused.fix).with_values(refused.values),
    }
}
