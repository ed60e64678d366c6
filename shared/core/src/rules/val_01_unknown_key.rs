use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity, premise, rule,
    values::decides_about_network,
};
use crate::{
    chart::{ChartValues, Stray, StrayKind},
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether the chart knows every key of the Helm values. Keys that only other versions of the
    /// chart know are VAL-02's.
    ///
    /// ## Why it hurts
    /// Helm takes any key without a word, and the chart's default stays: with `tunnle: disabled`
    /// the cluster gets a tunnel. No version of the chart forbids unknown keys, its schema neither.
    ///
    /// ## Fix
    /// Write the key as the chart has it. What another tool reads there can be ignored with
    /// `--ignore VAL-01`.
    ///
    /// ## References
    /// - `values.yaml` of the chart: `helm show values cilium/cilium --version VERSION`
    "VAL-01", Error, Configuration, "a Helm value has a name that no chart knows", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(values) = premise::chart_values(view, out) else { return };
    let strays = values.strays();
    for Stray { key, kind } in &strays.shown {
        if let StrayKind::Unknown(alike) = kind {
            out.found(finding(&values, key, alike));
        }
    }
    if strays.more > 0 {
        out.found(Finding {
            subject: "values".into(),
            summary: format!("{} more keys are not the chart's", strays.more),
            remedy: Remedy::text("check that this file is meant for Cilium's chart"),
            ..finding(&values, "", &[])
        });
    }
}

fn finding(values: &ChartValues<'_>, key: &str, alike: &[&str]) -> Finding {
    let is_grave =
        decides_about_network(key) || alike.first().is_some_and(|key| decides_about_network(key));
    let wraps = key == "cilium" && values.given(key).is_some_and(serde_json::Value::is_object);
    let text = match alike {
        _ if wraps => "this file is for a chart that contains Cilium's: give what is below \
                       `cilium`"
            .to_owned(),
        [] => "leave it out, or look the name up in the chart's values.yaml".into(),
        [only] => format!("did you mean `{only}`?"),
        several => format!("did you mean `{}`?", several.join("`, `")),
    };
    Finding {
        code: RULE.code,
        severity: if is_grave { Severity::Error } else { Severity::Warn },
        basis: Basis::Observed,
        subject: key.to_owned(),
        nodes: Vec::new(),
        summary: format!("no chart has the key `{key}`"),
        evidence: vec![Evidence::new(
            format!("chart {}", values.chart().version()),
            "its values.yaml has no such key",
        )],
        impact: "Helm takes it without a word; it has no effect".into(),
        remedy: Remedy::text(text),
    }
}
