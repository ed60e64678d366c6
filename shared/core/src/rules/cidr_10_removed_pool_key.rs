use serde_json::Value;

use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    chart::{ChartValues, Effect, advice},
    facts::{CiliumConfig, IpamMode},
    prefix::GivenPrefix,
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether the pool is given by its old name, `ipam.operator.clusterPoolIPv4PodCIDR`, or the same
    /// for IPv6.
    ///
    /// ## Why it hurts
    /// Until 1.13 it works. Charts 1.14 to 1.18 refuse it. From 1.19 on they take no notice of it,
    /// and the pool is 10.0.0.0/8: an upgrade with old values moves new nodes into what may be the
    /// LAN (CIDR-04), without a word.
    ///
    /// ## Fix
    /// Rename it to `clusterPoolIPv4PodCIDRList`, a list.
    ///
    /// ## References
    /// - Cilium Helm chart: `templates/validate.yaml`
    "CIDR-10", Block, Configuration, "the pool is given by a name that charts no longer take", judge
}

/// Old key, new key, the switch of its family.
const KEYS: [[&str; 3]; 2] = [
    [
        "ipam.operator.clusterPoolIPv4PodCIDR",
        "ipam.operator.clusterPoolIPv4PodCIDRList",
        "ipv4.enabled",
    ],
    [
        "ipam.operator.clusterPoolIPv6PodCIDR",
        "ipam.operator.clusterPoolIPv6PodCIDRList",
        "ipv6.enabled",
    ],
];

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if config.ipam != IpamMode::ClusterPool {
        // There it has no effect in any version: CIDR-09.
        out.not_applicable(format!("IPAM mode {} has no cluster pool", config.ipam));
        return;
    }
    let Some(values) = premise::values(view, out) else { return };
    for [old, new, family] in KEYS {
        let given = values.given(old).filter(|value| !value.is_null());
        if let Some(given) = given.filter(|_| values.is_truthy(family)) {
            out.found(finding(config, &values, (old, new), given));
        }
    }
}

fn finding(
    config: &CiliumConfig,
    values: &ChartValues<'_>,
    (old, new): (&str, &str),
    given: &Value,
) -> Finding {
    let chart = values.version();
    let written = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
    // What the new name says counts, wherever it is.
    let is_said = values.given(new).is_some_and(|value| !value.is_null());
    let effect = advice(old, chart).map(|advice| advice.effect);
    let (severity, summary, impact) = match effect {
        None | Some(Effect::Deprecated) => (
            Severity::Info,
            format!("{old} works in {chart}, and not from 1.14 on"),
            "an upgrade to 1.14 is refused".to_owned(),
        ),
        Some(Effect::Fails) => (
            Severity::Block,
            format!("{old} was removed: the chart {chart} refuses it"),
            "Helm installs nothing".to_owned(),
        ),
        Some(Effect::Ignored) if is_said || written.is_empty() => (
            Severity::Warn,
            format!("{old} was removed: the chart {chart} takes no notice of it"),
            "none, as long as the new name says what is meant".to_owned(),
        ),
        Some(Effect::Ignored) => (
            Severity::Block,
            format!("{old} was removed: the chart {chart} takes no notice of it"),
            format!("the pool is {}, not {written}", config.pool_v4.join(" ")),
        ),
    };
    let name = new.rsplit('.').next().unwrap_or(new);
    let remedy = Remedy::text(format!("rename it to {new}, a list"));
    Finding::about(RULE.code, severity, old)
        .saying(summary, impact)
        .seen("values", format!("{old} {written}"))
        .mended_by(if is_said || written.parse::<GivenPrefix>().is_err() {
            remedy
        } else {
            remedy.with_values(format!("ipam:\n  operator:\n    {name}:\n      - {written}\n"))
        })
}
