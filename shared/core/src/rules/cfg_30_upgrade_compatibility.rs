use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    chart::{ChartValues, ChartVersion},
    facts::{CiliumConfig, ProxyReplacement},
    view::View,
};

rule! {
    /// ## What it checks
    /// What `upgradeCompatibility`, the version with which an installation began, changes for the
    /// network where the values themselves say nothing: kube-proxy replacement, masquerade in BPF,
    /// masquerade in ENI mode.
    ///
    /// ## Why it hurts
    /// The defaults are those of the old version, without a word. Some of them the chart then
    /// refuses: with 1.9 to 1.13, charts 1.16 and 1.17 want `kubeProxyReplacement` said; so do
    /// charts 1.14 and 1.15 with 1.8 to 1.11, whose default was `probe`.
    ///
    /// ## Fix
    /// Write these values out. A new installation does without `upgradeCompatibility`.
    ///
    /// ## References
    /// - Cilium documentation, "Upgrade Guide": `upgradeCompatibility`
    /// - `templates/cilium-configmap.yaml` of the chart
    "CFG-30", Block, Configuration, "upgradeCompatibility brings old defaults", judge
}

const KEY: &str = "upgradeCompatibility";
const REPLACEMENT: &str = "kubeProxyReplacement";

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    let Some(values) = premise::values(view, out) else { return };
    let Some(first) = values.text(KEY).and_then(|text| text.parse::<ChartVersion>().ok()) else {
        out.not_applicable("upgradeCompatibility is not given, or no version");
        return;
    };
    // What runs was not refused.
    if view.proposal().is_some() {
        out_of_replacement(&values, config, &first, out);
    }
    let is_given = |key| values.text(key).is_some_and(|text| !text.is_empty());
    if config.masquerading.bpf && !is_given("bpf.masquerade") && !first.is_at_least((1, 10, 0)) {
        out.found(info(
            config,
            &first,
            "masquerades in BPF",
            "agents that do not answer Services of type NodePort do not start with it",
            "bpf:\n  masquerade: false\n",
        ));
    }
    if values.is_truthy("eni.enabled")
        && values.version().is_at_least((1, 18, 0))
        && !is_given("enableIPv4Masquerade")
        && !first.is_at_least((1, 18, 0))
        && config.masquerade_v4
    {
        out.found(info(
            config,
            &first,
            "masquerades in ENI mode",
            "packets of pods that leave the cluster have the node's address; new installations \
             since 1.18 leave them theirs",
            "enableIPv4Masquerade: true\n",
        ));
    }
}

/// The chart takes its own default for a value that the user gave, and checks that.
fn out_of_replacement(
    values: &ChartValues<'_>,
    config: &CiliumConfig,
    first: &ChartVersion,
    out: &mut Judgement,
) {
    let is_given = values.text(REPLACEMENT).is_some_and(|text| !text.is_empty());
    let version = values.version();
    if is_given || !version.is_at_least((1, 14, 0)) || version.is_at_least((1, 18, 0)) {
        return;
    }
    let is_refused = match &config.kube_proxy_replacement {
        ProxyReplacement::Probe => true,
        ProxyReplacement::Off => version.is_at_least((1, 16, 0)) && !first.is_at_least((1, 14, 0)),
        _ => false,
    };
    if !is_refused {
        return;
    }
    let default = match config.kube_proxy_replacement {
        ProxyReplacement::Probe => "probe",
        _ => "disabled",
    };
    out.found(
        Finding::about(RULE.code, Severity::Block, KEY)
            .saying(
                format!(
                    "with upgradeCompatibility {first} the default of {REPLACEMENT} is \
                     `{default}`, which chart {version} does not take"
                ),
                format!("the chart stops, and installs nothing, until {REPLACEMENT} is said"),
            )
            .seen(config.origin.clone(), format!("{KEY} {first}, no {REPLACEMENT}"))
            .mended_by(
                Remedy::text("say what the cluster does today; without kube-proxy that is true")
                    .with_values(format!("{REPLACEMENT}: false\n# or: {REPLACEMENT}: true\n")),
            ),
    );
}

fn info(
    config: &CiliumConfig,
    first: &ChartVersion,
    what: &str,
    impact: &str,
    values: &str,
) -> Finding {
    Finding::about(RULE.code, Severity::Info, KEY)
        .saying(format!("upgradeCompatibility {first} alone decides that Cilium {what}"), impact)
        .seen(config.origin.clone(), format!("{KEY} {first}"))
        .mended_by(Remedy::text("write the value out, so that it stays").with_values(values))
}
