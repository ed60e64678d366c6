use serde_json::Value;

use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    chart::{ChartVersion, kube_proxy_replacement},
    facts::{CiliumConfig, ProxyReplacement},
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether `kubeProxyReplacement` is a word of the version: until 1.13 `strict`, `partial` and
    /// `disabled` (1.12 also `probe`), as text; 1.14 and 1.15 also `true` and `false`; since 1.16
    /// those two alone. Of a running cluster it judges the key of `cilium-config`.
    ///
    /// ## Why it hurts
    /// No agent starts with another word: "Invalid value for --kube-proxy-replacement". Most charts
    /// refuse it before. Until 1.13 the boolean `true` breaks the chart's template, and `false` is
    /// as good as nothing, so that a default of `probe` stays.
    ///
    /// ## Fix
    /// Write the word of this version that means the same.
    ///
    /// ## References
    /// - Cilium documentation, "Kubernetes Without kube-proxy"
    /// - Cilium source: `initKubeProxyReplacementOptions`
    /// - `templates/validate.yaml` and `templates/cilium-configmap.yaml` of the chart
    "CFG-18", Block, Configuration, "kubeProxyReplacement is no word of this version", judge
}

const KEY: &str = "kubeProxyReplacement";
const OPTION: &str = "kube-proxy-replacement";
/// The first version that takes `true` and `false`.
const BOOLEANS: (u64, u64, u64) = (1, 14, 0);
/// The first whose option is a boolean, read as Go does.
const BOOLEAN_OPTION: (u64, u64, u64) = (1, 19, 0);

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    let Some(version) = premise::version(config, out) else { return };
    let given = view.proposal().and(view.chart_values());
    let given = given.as_ref().and_then(|values| values.given(KEY)).filter(|value| {
        // Words of later versions; numbers and lists are VAL-03's.
        value.is_boolean() || value.as_str().is_some_and(|text| !text.is_empty())
    });
    match given {
        Some(value) => judge_value(config, &version, value, out),
        None => judge_option(view, config, &version, out),
    }
}

fn judge_value(config: &CiliumConfig, version: &ChartVersion, value: &Value, out: &mut Judgement) {
    let text = value
        .as_bool()
        .map_or_else(|| value.as_str().unwrap_or_default().to_owned(), |value| value.to_string());
    if !version.is_at_least(BOOLEANS) && value.is_boolean() {
        if text == "true" {
            out.found(finding(
                config,
                version,
                &text,
                "the template of the chart breaks: it compares texts",
            ));
        } else if config.kube_proxy_replacement != ProxyReplacement::Off {
            out.found(without_effect(config));
        }
    } else if !is_word(version, &text) {
        out.found(finding(config, version, &text, stops(version)));
    }
}

/// Before these patches the chart let every word through to the agents.
fn stops(version: &ChartVersion) -> &'static str {
    let is_checked = version.is_at_least((1, 13, 4))
        || (version.is_at_least((1, 12, 11)) && !version.is_at_least((1, 13, 0)));
    if is_checked {
        "the chart stops, and no agent would start with it"
    } else {
        "no agent starts: Invalid value for --kube-proxy-replacement"
    }
}

fn judge_option(
    view: &View<'_>,
    config: &CiliumConfig,
    version: &ChartVersion,
    out: &mut Judgement,
) {
    // The normal form no longer tells `strict` from `true`.
    let written = view.facts.cluster.config_data.known().filter(|_| view.proposal().is_none());
    let text = match (&config.kube_proxy_replacement, written) {
        (ProxyReplacement::Unknown(text), _) => text.clone(),
        (_, Some(written)) => {
            written.data.get(OPTION).map(|text| text.trim().to_owned()).unwrap_or_default()
        }
        // What the chart itself chose.
        (_, None) => return,
    };
    if !text.is_empty() && !is_word(version, &text) {
        let why = "no agent starts: Invalid value for --kube-proxy-replacement";
        out.found(finding(config, version, &text, why));
    }
}

fn is_word(version: &ChartVersion, text: &str) -> bool {
    const BOOLEAN_WORDS: [&str; 12] =
        ["1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE", "False"];
    kube_proxy_replacement(version).contains(&text)
        || (version.is_at_least(BOOLEAN_OPTION) && BOOLEAN_WORDS.contains(&text))
}

fn finding(config: &CiliumConfig, version: &ChartVersion, text: &str, impact: &str) -> Finding {
    let words = kube_proxy_replacement(version).join(", ");
    let summary = format!("{KEY} is `{text}`; {version} knows {words}");
    Finding::about(RULE.code, Severity::Block, KEY)
        .saying(summary, impact)
        .seen(config.origin.clone(), format!("{OPTION} {text}"))
        .mended_by(remedy(version, text))
}

fn remedy(version: &ChartVersion, text: &str) -> Remedy {
    let on = kube_proxy_replacement(version)[0];
    let off = if version.is_at_least(BOOLEANS) { "false" } else { "disabled" };
    match ProxyReplacement::from(text.to_owned()) {
        ProxyReplacement::Full => Remedy::text("Cilium does all of kube-proxy's work: say it so")
            .with_values(format!("{KEY}: {on}\n")),
        ProxyReplacement::Off => Remedy::text("kube-proxy does its work itself: say it so")
            .with_values(format!("{KEY}: {off}\n")),
        ProxyReplacement::Partial | ProxyReplacement::Probe | ProxyReplacement::Unknown(_) => {
            Remedy::text(
                "say whether Cilium does all of kube-proxy's work; without kube-proxy it must",
            )
            .with_values(format!("{KEY}: {on}\n# or, beside kube-proxy: {KEY}: {off}\n"))
        }
    }
}

fn without_effect(config: &CiliumConfig) -> Finding {
    let mode = String::from(config.kube_proxy_replacement.clone());
    Finding::about(RULE.code, Severity::Warn, KEY)
        .saying(
            format!("{KEY}: false is as good as nothing: the mode is {mode}"),
            "agents replace kube-proxy as far as the kernel allows",
        )
        .seen(config.origin.clone(), format!("{OPTION} {mode}"))
        .mended_by(
            Remedy::text("say it in the words of this version")
                .with_values(format!("{KEY}: disabled\n")),
        )
}
