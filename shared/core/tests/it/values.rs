//! Helm values that nobody means well with, before every rule about values.

use kcilium_core::{
    chart::{ChartVersion, known_versions},
    diagnosis::{Selection, lint},
    facts::{CiliumConfig, Facts},
    view::Proposal,
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value, json};

/// Keys that rules and charts look at, whole and cut off, and keys that nobody has.
const KEYS: [&str; 16] = [
    "tunnel",
    "routingMode",
    "kubeProxyReplacement",
    "upgradeCompatibility",
    "k8sServiceHost",
    "ipam",
    "ipam.operator",
    "ipam.operator.clusterPoolIPv4PodCIDR",
    "hubble",
    "hubble.ui.backend.image.tag",
    "cluster.name",
    "cluster.id",
    "envoy.baseID",
    "clustermesh.apiserver.tls.ca.cert",
    "extraEnv",
    "no such.key",
];

const TEXTS: [&str; 9] =
    ["", "auto", "disabled", "strict", "1.13", "1..", "v0.8@", "\u{1b}[31m", "ä-ö"];

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(&TEXTS[..]).prop_map(Value::from),
        vec(select(&TEXTS[..]).prop_map(|name| json!({ "name": name })), 0..3)
            .prop_map(Value::from),
        Just(json!({ "enabled": true, "": {} })),
    ]
}

fn put(map: &mut Map<String, Value>, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            map.insert(key.to_owned(), value);
        }
        Some((first, rest)) => {
            let below = map.entry(first).or_insert_with(|| json!({}));
            if let Some(below) = below.as_object_mut() {
                put(below, rest, value);
            }
        }
    }
}

fn version() -> impl Strategy<Value = ChartVersion> {
    let known = known_versions().to_vec();
    prop_oneof![select(known), (0..3u64, 0..30u64).prop_map(|(a, b)| ChartVersion::new(a, b, 0))]
}

proptest! {
    #[test]
    fn no_values_bring_a_rule_down(
        given in vec((select(&KEYS[..]), value()), 0..8),
        chart in version(),
    ) {
        let mut values = Map::new();
        for (key, value) in given {
            put(&mut values, key, value);
        }
        let config = CiliumConfig::chart_defaults();
        let proposal = Proposal { chart, values: values.into(), config };
        for result in lint(&Facts::default(), &proposal, &Selection::default()) {
            for finding in result.judgement.findings() {
                prop_assert!(!finding.summary.is_empty() && !finding.impact.is_empty());
                prop_assert!(!finding.remedy.text.is_empty());
            }
        }
    }
}
