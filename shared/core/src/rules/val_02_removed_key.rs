use serde_json::Value;

use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity, premise, rule,
    values::{decides_about_network, nested, scalar},
};
use crate::{
    chart::{
        ChartValues, Effect, Stray, StrayKind,
        refusals::{Refused, refusals},
    },
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether a key of the Helm values is one that only older or newer charts take: removed,
    /// renamed, or not there yet.
    ///
    /// ## Why it hurts
    /// Some charts refuse such a key. Others take it without a word, and the default stays, which
    /// may be another network: charts 1.15.0 to 1.15.7 and 1.16.0 to 1.16.1 make a vxlan tunnel of
    /// `tunnel: disabled`, charts since 1.19 the pool 10.0.0.0/8 of any `clusterPoolIPv4PodCIDR`,
    /// and 1.20 drops `encryption.strictMode.enabled`.
    ///
    /// ## Fix
    /// Use the key that took its place.
    ///
    /// ## References
    /// - Cilium documentation, "Upgrade Guide": removed options and Helm options of each version
    "VAL-02", Block, Configuration, "a Helm value is one of another version of the chart", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(values) = premise::chart_values(view, out) else { return };
    // What runs was not refused.
    let refused = if view.proposal().is_some() { refusals(&values) } else { Vec::new() };
    for stray in values.strays().shown {
        let lies_in = |refused: &&Refused| refused.keys.iter().any(|of| is_below(&stray.key, of));
        let refused = refused.iter().find(lies_in);
        if let Some(finding) = finding(&values, &stray, refused) {
            out.found(finding);
        }
    }
}

fn is_below(key: &str, of: &str) -> bool {
    key.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn finding(
    values: &ChartValues<'_>,
    Stray { key, kind }: &Stray,
    refused: Option<&Refused>,
) -> Option<Finding> {
    let value = values.given(key)?;
    let (effect, what, instead) = match kind {
        StrayKind::Unknown(_) => return None,
        StrayKind::Gone(last) => {
            (Effect::Ignored, format!("charts after {last} do not take it"), None)
        }
        StrayKind::Later(first) => {
            (Effect::Ignored, format!("charts before {first} do not take it"), None)
        }
        StrayKind::Advised(advice) => {
            let what = match advice.effect {
                Effect::Deprecated => "it still has its effect, and is about to go",
                Effect::Ignored | Effect::Fails => "this version of the chart does not take it",
            };
            (advice.effect, what.to_owned(), Some(advice.instead))
        }
    };
    let version = values.version();
    let (severity, summary, impact) = match (refused, effect) {
        (Some(refused), _) => (
            Severity::Block,
            format!("chart {version} refuses the key `{key}`"),
            format!("Helm stops with: {}", refused.message),
        ),
        (None, Effect::Deprecated) => (
            Severity::Info,
            format!("the key `{key}` is deprecated"),
            "a later chart takes no notice of it, or refuses it".into(),
        ),
        (None, Effect::Ignored | Effect::Fails) => (
            severity_of_silence(key, value),
            format!("chart {version} takes no notice of the key `{key}`"),
            silence(key, value),
        ),
    };
    Some(Finding {
        code: RULE.code,
        severity,
        basis: Basis::Observed,
        subject: key.clone(),
        nodes: Vec::new(),
        summary,
        evidence: vec![Evidence::new(format!("chart {}", values.chart().version()), what)],
        impact,
        remedy: remedy(values, key, value, instead),
    })
}

/// What is switched off, or empty, is what a chart does anyway that does not know the key.
fn severity_of_silence(key: &str, value: &Value) -> Severity {
    let is_off = match value {
        Value::Bool(value) => !value,
        Value::String(text) => text.is_empty() || text == "false",
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Null | Value::Number(_) => false,
    };
    match (is_off, decides_about_network(key)) {
        (true, _) => Severity::Info,
        (false, true) => Severity::Error,
        (false, false) => Severity::Warn,
    }
}

fn silence(key: &str, value: &Value) -> String {
    match key {
        "tunnel" if value == "disabled" => {
            "it has no effect: packets between nodes go through a vxlan tunnel".into()
        }
        "routingMode" if value == "native" => {
            "it has no effect: packets between nodes go through a vxlan tunnel".into()
        }
        "ipam.operator.clusterPoolIPv4PodCIDR" => {
            "it has no effect: unless the list is given, the pool is 10.0.0.0/8".into()
        }
        _ if key.starts_with("encryption.strictMode.") => {
            "it has no effect: packets that ought to be encrypted may go out in clear".into()
        }
        _ => "it has no effect; the chart's default stays".into(),
    }
}

fn remedy(values: &ChartValues<'_>, key: &str, value: &Value, instead: Option<&str>) -> Remedy {
    let Some(instead) = instead else { return Remedy::text("leave it out") };
    let text = Remedy::text(if let Some(nothing) = instead.strip_prefix("nothing") {
        format!("leave it out{nothing}")
    } else {
        format!("use {instead}")
    });
    let word = value.as_str().unwrap_or_default();
    let paste = match key {
        "tunnel" if word == "disabled" => "routingMode: native\n".into(),
        "tunnel" if matches!(word, "vxlan" | "geneve") => {
            format!("routingMode: tunnel\ntunnelProtocol: {word}\n")
        }
        "routingMode" if word == "native" => "tunnel: disabled\n".into(),
        "routingMode" => "tunnel: vxlan\n".into(),
        "tunnelProtocol" if matches!(word, "vxlan" | "geneve") => format!("tunnel: {word}\n"),
        "ipam.operator.clusterPoolIPv4PodCIDR" | "ipam.operator.clusterPoolIPv6PodCIDR" => {
            match scalar(value) {
                Some(pool) => nested(&format!("{key}List"), &format!("[{pool}]")),
                None => String::new(),
            }
        }
        _ => renamed(values, value, instead),
    };
    text.with_values(paste)
}

/// The value under its new name, where that is all there is to it.
fn renamed(values: &ChartValues<'_>, value: &Value, instead: &str) -> String {
    let name = instead.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
    if let Some((key, value)) = name.and_then(|name| name.split_once(": ")) {
        return nested(key, value);
    }
    let name = name.filter(|name| values.chart().entry(name).is_some());
    match (name, scalar(value)) {
        (Some(name), Some(value)) => nested(name, &value),
        _ => String::new(),
    }
}
