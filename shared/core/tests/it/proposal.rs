//! Helm values as a configuration that is about to be installed.

use kcilium_core::{
    chart::{Chart, known_versions},
    facts::{ApiServer, IpamMode, ProxyReplacement, RoutingMode, TunnelProtocol},
    view::Proposal,
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value, json};

use crate::fixture;

fn propose(chart: &str, values: &Value) -> Result<Proposal, String> {
    Proposal::new(chart.parse().unwrap(), values.clone(), "kube-system")
        .map_err(|error| error.to_string())
}

#[test]
fn extra_arguments_win_over_the_extra_configuration() {
    let values = json!({
        "extraConfig": {"enable-ipv4-masquerade": false, "local-router-ipv4": "169.254.1.1"},
        "extraArgs": ["--enable-ipv6-masquerade=false", "--cluster-id", "7"],
    });
    let config = propose("1.16.19", &values).unwrap().config;
    assert!(!config.masquerade_v4 && !config.masquerade_v6);
    assert_eq!(config.cluster_id, 7);
    assert_eq!(config.local_router_v4.as_deref(), Some("169.254.1.1"));
}

#[test]
fn a_proposal_is_the_normal_form_of_its_values() {
    let values = serde_saphyr::from_str(&fixture::text("rendered/seed1/values.yaml")).unwrap();
    let config = propose("1.14.2", &values).unwrap().config;
    assert_eq!(config.origin, "values");
    assert_eq!(config.namespace, "kube-system");
    assert_eq!(config.version, Some("1.14.2".parse().unwrap()));
    assert_eq!(config.ipam, IpamMode::Kubernetes);
    assert_eq!(config.pool_v4, [""; 0]);
    assert_eq!(config.routing, RoutingMode::Tunnel(TunnelProtocol::Vxlan));
    assert_eq!(config.kube_proxy_replacement, ProxyReplacement::Full);
    let server = ApiServer { host: "10.24.0.2".into(), port: "6443".into(), from: None };
    assert_eq!(config.api_server, Some(server));
}

#[test]
fn the_api_server_of_newer_charts() {
    let server = |chart, values: Value| propose(chart, &values).unwrap().config.api_server;
    let url = json!({"k8s": {"apiServerURLs": "https://10.24.0.2:6443 https://10.24.0.3:6443"}});
    assert_eq!(server("1.17.18", url.clone()), None);
    assert_eq!(server("1.18.12", url).unwrap().host, "10.24.0.2");
    let reference =
        json!({"k8sServiceHostRef": {"name": "api", "key": "host"}, "k8sServicePort": 6443});
    let found = server("1.18.12", reference.clone()).unwrap();
    assert_eq!((found.host.as_str(), found.port.as_str()), ("", "6443"));
    assert_eq!(found.from.as_deref(), Some("ConfigMap api key host"));
    assert_eq!(server("1.17.18", reference), None);
    let elsewhere = json!({"namespaceOverride": "cilium"});
    assert_eq!(propose("1.20.0", &elsewhere).unwrap().config.namespace, "cilium");
    assert_eq!(propose("1.16.19", &elsewhere).unwrap().config.namespace, "kube-system");
}

#[test]
fn values_of_the_wrong_type_are_named() {
    for (values, wanted) in [
        (json!([]), "the values are no map"),
        (json!({"ipam": "kubernetes"}), "value `ipam` is a text where the chart takes a map"),
        (
            json!({"ipam": {"mode": ["kubernetes"]}}),
            "value `ipam.mode` is a list where the chart takes a single value",
        ),
        (
            json!({"devices": [{"name": "eth0"}]}),
            "value `devices` is a map where the chart takes a single value",
        ),
        (
            json!({"extraConfig": ["a"]}),
            "value `extraConfig` is a list where the chart takes a map",
        ),
        (
            json!({"extraConfig": {"a": {"b": 1}}}),
            "value `extraConfig.a` is a map where the chart takes a single value",
        ),
        (
            json!({"ipv4": {"enabled": "yes"}}),
            "the values make a cilium-config of which key `enable-ipv4`: `yes` is neither true nor \
             false",
        ),
    ] {
        assert_eq!(propose("1.16.19", &values).unwrap_err(), wanted, "{values}");
    }
    assert!(propose("1.16.19", &Value::Null).is_ok());
    // What the chart does not have, it does not look at.
    assert!(propose("1.13.18", &json!({"routingMode": ["native"]})).is_ok());
}

/// Any value, of the types and with the words that charts know and with others.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(vec!["", "true", "native", "disabled", "kubernetes", "10.0.0.0/8", "1.9", "--x=y"])
            .prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec(("[a-z0-9.-]{0,8}", inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Puts a value at a dotted path, over what is in its way.
fn put(values: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            values.insert(path.to_owned(), value);
        }
        Some((name, rest)) => {
            let below = values.entry(name).or_insert_with(|| json!({}));
            if let Value::Object(below) = below {
                put(below, rest, value);
            }
        }
    }
}

/// Values at keys that some chart has.
fn any_values() -> impl Strategy<Value = Value> {
    let mut keys: Vec<&'static str> = known_versions()
        .iter()
        .flat_map(|version| Chart::of(version).keys().collect::<Vec<_>>())
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let telling = |key: &&str| {
        let words =
            ["ipam", "unnel", "outing", "asquerade", "kubeProxy", "k8s", "enabled", "extra"];
        words.iter().any(|word| key.contains(word))
    };
    let telling: Vec<&str> = keys.iter().copied().filter(telling).collect();
    let key = prop_oneof![3 => select(telling), 1 => select(keys)];
    let values = vec((key, any_value()), 0..8).prop_map(|entries| {
        let mut values = Map::new();
        for (key, value) in entries {
            put(&mut values, key, value);
        }
        Value::Object(values)
    });
    prop_oneof![9 => values, 1 => any_value()]
}

proptest! {
    /// No values make it panic, and what cannot be is said of a value or of a key.
    #[test]
    fn any_values_give_a_configuration_or_an_error_that_names_the_key(
        values in any_values(),
        chart in select(known_versions().to_vec()),
    ) {
        if let Err(error) = Proposal::new(chart, values.clone(), "kube-system") {
            let error = error.to_string();
            let is_named = error.starts_with("value `") || error.contains(" key `");
            prop_assert!(is_named || !values.is_object(), "{}", error);
        }
    }
}
