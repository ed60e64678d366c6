use serde_json::Value;

use super::{Finding, Judgement, Remedy, Severity, premise, rule, spelling};
use crate::{
    chart::ChartValues,
    facts::{CiliumConfig, ProxyReplacement},
    view::View,
};

rule! {
    /// ## What it checks
    /// Old names of values about masquerade and Services that the chart takes without a word:
    /// `nativeRoutingCIDR`, `masquerade`, `hostServices.enabled`, `installIptablesRules` (since
    /// 1.13), `externalIPs.enabled` (1.17), `hostPort.enabled` (1.18), `nodePort.enabled` (1.19). It
    /// speaks where the cluster does otherwise than the value asks for.
    ///
    /// ## Why it hurts
    /// Packets are masqueraded that should not be, or Services of these kinds are not answered.
    ///
    /// ## Fix
    /// Use the name of the version.
    ///
    /// ## References
    /// - Cilium documentation, "Upgrade Guide": removed and renamed Helm options
    "CFG-17", Warn, Configuration, "a value has no effect under its old name", judge
}

struct OldName {
    key: &'static str,
    /// The first chart that takes no notice of it.
    dead: (u64, u64, u64),
    /// Whether the cluster does otherwise than the value asks for.
    matters: fn(&Value, &CiliumConfig, &ChartValues<'_>) -> bool,
    /// What it does instead.
    instead: &'static str,
    values: fn(&Value, &CiliumConfig) -> String,
}

const NAMES: &[OldName] = &[
    OldName {
        key: "nativeRoutingCIDR",
        dead: (1, 12, 0),
        matters: |value, config, _| value.as_str() != config.native_routing_cidr_v4.as_deref(),
        instead: "another network, or none, is left out of masquerade; agents that route natively \
                  and masquerade do not start without one",
        values: |value, _| match value.as_str() {
            Some(network) => format!("ipv4NativeRoutingCIDR: {network}\n"),
            None => String::new(),
        },
    },
    OldName {
        key: "masquerade",
        dead: (1, 12, 0),
        matters: |value, config, _| *value == false && config.masquerade_v4,
        instead: "packets of pods that leave the cluster have the node's address",
        values: |_, _| "enableIPv4Masquerade: false\n".into(),
    },
    OldName {
        key: "hostServices.enabled",
        dead: (1, 12, 0),
        matters: |value, config, values| {
            *value == true && does_not_replace(config) && !values.is_truthy("socketLB.enabled")
        },
        instead: "Services are answered by kube-proxy, not at the socket",
        values: |_, _| "socketLB:\n  enabled: true\n".into(),
    },
    OldName {
        key: "installIptablesRules",
        dead: (1, 13, 0),
        matters: |value, config, _| *value == false && config.iptables_rules,
        instead: "agents write their iptables rules",
        values: |_, _| "extraConfig:\n  install-iptables-rules: \"false\"\n".into(),
    },
    OldName {
        key: "externalIPs.enabled",
        dead: (1, 17, 0),
        matters: is_asked_in_vain,
        instead: "Cilium does not answer external addresses of Services",
        values: |_, config| spelling::proxy_replacement(config),
    },
    OldName {
        key: "hostPort.enabled",
        dead: (1, 18, 0),
        matters: is_asked_in_vain,
        instead: "Cilium does not answer host ports of pods",
        values: |_, config| spelling::proxy_replacement(config),
    },
    OldName {
        key: "nodePort.enabled",
        dead: (1, 19, 0),
        matters: is_asked_in_vain,
        instead: "Cilium does not answer node ports of Services",
        values: |_, config| spelling::proxy_replacement(config),
    },
];

fn is_asked_in_vain(value: &Value, config: &CiliumConfig, _: &ChartValues<'_>) -> bool {
    *value == true && does_not_replace(config)
}

/// Whoever does all of kube-proxy's work does these parts of it.
fn does_not_replace(config: &CiliumConfig) -> bool {
    config.kube_proxy_replacement != ProxyReplacement::Full
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    let Some(values) = premise::values(view, out) else { return };
    for name in NAMES {
        let given = values.given(name.key).filter(|value| !value.is_null());
        if let Some(value) = given
            && values.version().is_at_least(name.dead)
            && (name.matters)(value, config, &values)
        {
            out.found(finding(config, &values, name, value));
        }
    }
}

fn finding(
    config: &CiliumConfig,
    values: &ChartValues<'_>,
    name: &OldName,
    value: &Value,
) -> Finding {
    let OldName { key, instead, .. } = name;
    Finding::about(RULE.code, Severity::Warn, *key)
        .saying(
            format!("what {key} asks for does not happen with chart {}", values.version()),
            *instead,
        )
        .seen(config.origin.clone(), format!("{key} {value}"))
        .mended_by(
            Remedy::text(format!("leave `{key}` out, and say it in the words of this version"))
                .with_values((name.values)(value, config)),
        )
}
