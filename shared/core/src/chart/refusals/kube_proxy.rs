//! Whether Cilium replaces kube-proxy.

use super::{EVER, PLAIN, Refusal};
use crate::chart::{ChartValues, advice::kube_proxy_replacement};

pub(super) const REFUSALS: &[Refusal] = &[
    Refusal {
        // The templates compare with texts. They take false for "not given".
        message: "incompatible types for comparison",
        charts: &[((1, 12, 0), (1, 14, 0))],
        refuses: |values| values.get("kubeProxyReplacement").is_some_and(|value| *value == true),
        values: "kubeProxyReplacement: strict\n",
        ..WRONG
    },
    Refusal {
        message: "kubeproxyReplacement must be explicitly set to a valid value (disabled, \
                  partial, probe, or strict) to continue.",
        charts: &[((1, 12, 11), (1, 13, 0))],
        refuses: is_wrong_text,
        values: "kubeProxyReplacement: strict\n",
        ..WRONG
    },
    Refusal {
        message: "kubeproxyReplacement must be explicitly set to a valid value (disabled, \
                  partial, or strict) to continue.",
        charts: &[((1, 13, 4), (1, 14, 0))],
        refuses: is_wrong_text,
        values: "kubeProxyReplacement: strict\n",
        ..WRONG
    },
    Refusal {
        message: "kubeProxyReplacement must be explicitly set to a valid value (true, false, \
                  disabled (deprecated), partial (deprecated), or strict (deprecated)) to \
                  continue.",
        charts: &[((1, 14, 0), (1, 16, 0))],
        refuses: is_wrong,
        ..WRONG
    },
    Refusal {
        message: "kubeProxyReplacement must be explicitly set to a valid value (true or false) to \
                  continue.",
        charts: &[((1, 16, 0), EVER)],
        refuses: is_wrong,
        ..WRONG
    },
];

const WRONG: Refusal = Refusal {
    keys: &["kubeProxyReplacement", "upgradeCompatibility"],
    fix: "say whether Cilium replaces kube-proxy, in this chart's words",
    values: "kubeProxyReplacement: true\n",
    ..PLAIN
};

/// Charts up to 1.13: anything else than a text is not compared here.
fn is_wrong_text(values: &ChartValues<'_>) -> bool {
    let value = values.get("kubeProxyReplacement");
    let text = value.as_ref().and_then(|value| value.as_str()).filter(|text| !text.is_empty());
    text.is_some_and(|text| !kube_proxy_replacement(values.version()).contains(&text))
}

/// Charts since 1.14: `toString`, and where that is empty, what was the default in the release
/// that the installation began with.
fn is_wrong(values: &ChartValues<'_>) -> bool {
    let text = values.text("kubeProxyReplacement").filter(|text| !text.is_empty());
    let text = text.as_deref().unwrap_or_else(|| default(values));
    !kube_proxy_replacement(values.version()).contains(&text)
}

fn default(values: &ChartValues<'_>) -> &'static str {
    if values.version().is_at_least((1, 18, 0)) {
        return "false";
    }
    match first_release(values) {
        (1, 9 | 10) => "probe",
        (1, 11..=13) => "disabled",
        _ => "false",
    }
}

/// The release that an installation began with, as `upgradeCompatibility` says; nothing given
/// means the newest.
pub(super) fn first_release(values: &ChartValues<'_>) -> (u64, u64) {
    let text = values.text("upgradeCompatibility").unwrap_or_default();
    let mut numbers = text.trim_start_matches('v').split('.').map(str::parse::<u64>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor),
        _ => (u64::MAX, 0),
    }
}
