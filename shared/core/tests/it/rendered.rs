//! The configuration of Helm values against what real charts render.
//!
//! `tests/fixtures/rendered/CASE/values.yaml` was rendered with the charts that `VERSION.txt` beside
//! it are named after: the keys of `cilium-config` that the core reads, or why Helm refused.

use std::collections::BTreeMap;

use kcilium_core::{
    chart::{ChartValues, ChartVersion, Effect, advice, refusals::refusals},
    decode::DecodeError,
};
use serde_json::{Value, json};

use crate::fixture;

fn version(text: &str) -> ChartVersion {
    text.parse().unwrap()
}

fn config_map(chart: &str, values: &Value) -> Result<BTreeMap<String, String>, DecodeError> {
    ChartValues::new(values, &version(chart)).config_map()
}

fn yaml(file: &str) -> Value {
    serde_saphyr::from_str(&fixture::text(file)).unwrap()
}

/// Every chart that a case was rendered with, and what it rendered.
fn rendered(case: &str) -> Vec<(String, String)> {
    let files = fixture::names(&format!("rendered/{case}")).into_iter();
    let charts = files.filter_map(|file| file.strip_suffix(".txt").map(str::to_owned));
    charts
        .map(|chart| {
            let text = fixture::text(&format!("rendered/{case}/{chart}.txt"));
            (chart, text)
        })
        .collect()
}

fn lines(data: &BTreeMap<String, String>) -> Vec<String> {
    data.iter().map(|(key, value)| format!("{key}: {value}")).collect()
}

/// What a chart says first when it refuses values.
fn refused(values: &Value, chart: &ChartVersion) -> Option<String> {
    let refused = refusals(&ChartValues::new(values, chart));
    refused.into_iter().map(|refused| refused.message).next()
}

#[test]
fn values_make_what_the_real_chart_renders() {
    let mut compared = 0;
    for case in fixture::names("rendered") {
        let values = yaml(&format!("rendered/{case}/values.yaml"));
        for (chart, text) in rendered(&case) {
            let reason = refused(&values, &version(&chart));
            if let Some(said) = text.strip_prefix("refused: ") {
                let reason = reason.unwrap();
                assert!(reason.starts_with(said.trim_end()), "{case} {chart}: {reason}");
            } else {
                assert_eq!(reason, None, "{case} {chart}");
                let made = lines(&config_map(&chart, &values).unwrap());
                assert_eq!(made, text.lines().collect::<Vec<_>>(), "{case} {chart}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 17);
}

/// A row: the chart, the values, and `key: value` or `key` for one that must not be there.
fn check(chart: &str, values: &Value, expected: &[&str]) {
    let data = config_map(chart, values).unwrap();
    for line in expected {
        let (key, wanted) = match line.split_once(": ") {
            Some((key, value)) => (key, Some(value)),
            None => (*line, None),
        };
        assert_eq!(data.get(key).map(String::as_str), wanted, "{chart} {values} {key}");
    }
}

#[test]
fn routing_by_version() {
    let disabled = json!({"tunnel": "disabled"});
    check("1.13.18", &disabled, &["tunnel: disabled", "routing-mode"]);
    check("1.14.0", &disabled, &["tunnel", "routing-mode: native", "tunnel-protocol"]);
    // The windows in which the old key is ignored without a word.
    for chart in ["1.15.0", "1.15.7", "1.16.0", "1.16.1"] {
        check(chart, &disabled, &["routing-mode: tunnel", "tunnel-protocol: vxlan"]);
        assert_eq!(advice("tunnel", &version(chart)).unwrap().effect, Effect::Ignored);
    }
    let native = json!({"routingMode": "native"});
    check("1.13.18", &native, &["tunnel: vxlan", "routing-mode"]);
    check("1.16.19", &native, &["routing-mode: native", "tunnel-protocol"]);
    check("1.17.18", &native, &["routing-mode: native", "tunnel-protocol: vxlan"]);
    let both = json!({"tunnel": "geneve", "routingMode": "native"});
    check("1.14.19", &both, &["routing-mode: native", "tunnel-protocol"]);
    check(
        "1.14.19",
        &json!({"tunnel": "geneve"}),
        &["routing-mode: tunnel", "tunnel-protocol: geneve"],
    );
    check("1.15.19", &json!({"tunnelProtocol": "geneve"}), &["tunnel-protocol: geneve"]);
}

#[test]
fn clouds_and_other_plugins() {
    let gke = json!({"gke": {"enabled": true}, "installNoConntrackIptablesRules": true});
    check("1.13.18", &gke, &["tunnel: disabled", "enable-endpoint-routes: true"]);
    for chart in ["1.14.19", "1.20.0"] {
        check(
            chart,
            &gke,
            &[
                "routing-mode: native",
                "enable-endpoint-routes: true",
                "install-no-conntrack-iptables-rules: false",
            ],
        );
    }
    let aks = json!({"aksbyocni": {"enabled": true}, "ipam": {"mode": "kubernetes"}});
    check(
        "1.14.19",
        &aks,
        &["ipam: cluster-pool", "routing-mode: tunnel", "cluster-pool-ipv4-cidr"],
    );
    let azure = json!({"azure": {"enabled": true}, "ipam": {"mode": "azure"}});
    check("1.16.19", &azure, &["ipam: azure", "enable-endpoint-routes: true"]);
    let eni = json!({"eni": {"enabled": true}});
    check("1.17.18", &eni, &["routing-mode: tunnel", "ipam: cluster-pool"]);
    check("1.17.18", &eni, &["enable-ipv4-masquerade: true", "enable-endpoint-routes: true"]);
    check("1.18.12", &eni, &["routing-mode: tunnel", "enable-ipv4-masquerade: false"]);
    check("1.19.6", &eni, &["routing-mode: native", "ipam: eni", "cluster-pool-ipv4-cidr"]);
    let old = json!({"eni": {"enabled": true}, "upgradeCompatibility": "1.17"});
    check("1.18.12", &old, &["enable-ipv4-masquerade: true"]);
    let chained = json!({"cni": {"chainingMode": "portmap"}});
    for chart in ["1.12.19", "1.20.0"] {
        check(chart, &chained, &["cni-chaining-mode: portmap", "enable-host-legacy-routing: true"]);
    }
    let target = json!({"cni": {"chainingTarget": "calico"}});
    check("1.13.18", &target, &["cni-chaining-mode"]);
    check("1.14.2", &target, &["cni-chaining-mode: generic-veth"]);
}

#[test]
fn pools_by_version() {
    let single = json!({"ipam": {"operator": {"clusterPoolIPv4PodCIDR": "10.20.0.0/16"}}});
    check("1.13.18", &single, &["cluster-pool-ipv4-cidr: 10.20.0.0/16"]);
    // Since 1.19 without a word.
    check("1.19.6", &single, &["cluster-pool-ipv4-cidr: 10.0.0.0/8"]);
    let both = json!({"ipam": {"operator": {
        "clusterPoolIPv4PodCIDR": "10.20.0.0/16",
        "clusterPoolIPv4PodCIDRList": ["10.30.0.0/16", null, "10.31.0.0/16"],
        "clusterPoolIPv4MaskSize": 25.0,
    }}});
    check(
        "1.13.18",
        &both,
        &["cluster-pool-ipv4-cidr: 10.30.0.0/16 10.31.0.0/16", "cluster-pool-ipv4-mask-size: 25"],
    );
    let six = json!({"ipv6": {"enabled": true}, "ipv4": {"enabled": false}});
    check("1.12.19", &six, &["cluster-pool-ipv6-cidr: fd00::/104", "cluster-pool-ipv4-cidr"]);
    check("1.20.0", &six, &["cluster-pool-ipv6-mask-size: 120", "enable-ipv4: false"]);
    let native = json!({"nativeRoutingCIDRFromClusterPool": true});
    check("1.19.6", &native, &["ipv4-native-routing-cidr"]);
    check("1.20.0", &native, &["ipv4-native-routing-cidr: 10.0.0.0/8", "ipv6-native-routing-cidr"]);
    let given =
        json!({"nativeRoutingCIDRFromClusterPool": true, "ipv4NativeRoutingCIDR": "10.2.0.0/15"});
    check("1.20.0", &given, &["ipv4-native-routing-cidr: 10.2.0.0/15"]);
    check(
        "1.12.19",
        &json!({"ipam": {"mode": "cluster-pool-v2beta"}}),
        &["ipam: cluster-pool-v2beta", "cluster-pool-ipv4-cidr: 10.0.0.0/8"],
    );
}

#[test]
fn defaults_by_the_version_that_was_installed_first() {
    let first = |text: &str| json!({"upgradeCompatibility": text});
    check("1.12.0", &json!({}), &["kube-proxy-replacement: probe"]);
    check("1.12.19", &json!({}), &["kube-proxy-replacement: disabled"]);
    check("1.13.18", &first("1.11"), &["kube-proxy-replacement: probe"]);
    check("1.15.19", &first("1.13"), &["kube-proxy-replacement: disabled"]);
    check("1.15.19", &first("1.9"), &["kube-proxy-replacement: probe"]);
    check("1.15.19", &first("1.14"), &["kube-proxy-replacement: false"]);
    check(
        "1.18.12",
        &first("1.9"),
        &["kube-proxy-replacement: false", "enable-bpf-masquerade: true"],
    );
    check("1.16.19", &first("1.10.3"), &["enable-bpf-masquerade"]);
    // Before 1.14 `false` is as good as nothing.
    let off = json!({"kubeProxyReplacement": false});
    check("1.13.18", &off, &["kube-proxy-replacement: disabled"]);
    check("1.14.2", &off, &["kube-proxy-replacement: false"]);
    // 1.10 without quotes.
    let error = config_map("1.16.19", &json!({"upgradeCompatibility": 1.1})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "value `upgradeCompatibility` is 1.1, not a text: write the version in quotes, such as \"1.14\""
    );
    let error = config_map("1.16.19", &first("latest")).unwrap_err().to_string();
    assert!(
        error.starts_with("value `upgradeCompatibility`: `latest` is not a version"),
        "{error}"
    );
}

#[test]
fn switches() {
    for (values, line) in [
        (json!({"encryption": {"enabled": true}}), "enable-ipsec: true"),
        (json!({"encryption": {"enabled": true, "type": "wireguard"}}), "enable-wireguard: true"),
        (json!({"encryption": {"type": "wireguard"}}), "enable-wireguard"),
        (json!({"gatewayAPI": {"enabled": true}}), "enable-envoy-config: true"),
        (json!({"loadBalancer": {"mode": "dsr"}}), "bpf-lb-mode: dsr"),
        (json!({"devices": ["eth0", "eth1"]}), "devices: eth0 eth1"),
        (json!({"devices": "eth+"}), "devices: eth+"),
        (json!({"policyEnforcementMode": "Always"}), "enable-policy: always"),
        (json!({"hostFirewall": {"enabled": true}}), "enable-host-firewall: true"),
        (json!({"ipMasqAgent": {"enabled": true}}), "enable-ip-masq-agent: true"),
        (json!({"bpf": {"hostLegacyRouting": false}}), "enable-host-legacy-routing: false"),
        (json!({"bpf": {"masquerade": true}}), "enable-bpf-masquerade: true"),
    ] {
        check("1.16.19", &values, &[line]);
    }
    let egress = json!({"egressGateway": {"enabled": true}});
    check("1.17.18", &egress, &["enable-ipv4-egress-gateway: true", "enable-egress-gateway"]);
    check("1.18.12", &egress, &["enable-egress-gateway: true", "enable-ipv4-egress-gateway"]);
    let none = json!({"installIptablesRules": false});
    check("1.12.19", &none, &["install-iptables-rules: false"]);
    check("1.13.18", &none, &["install-iptables-rules"]);
}

#[test]
fn extra_configuration_wins() {
    let values = json!({"extraConfig": {"enable-ipv4-masquerade": false, "x": null}});
    check("1.16.19", &values, &["enable-ipv4-masquerade: false", "x: "]);
}
