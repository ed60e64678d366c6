//! What is written is byte for byte what Helm's `toYaml` writes.

use kubectl_cilium_render::{
    emit,
    layers::{Map, Node, Number, Origin, Value, yaml},
};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

use crate::{
    ambiguous,
    helm::{Chart, VERSIONS},
};

fn node(value: Value) -> Node {
    Node::new(value, Origin::ChartDefault)
}

fn value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        (-1i64 << 53..1 << 53).prop_map(Number::Int),
        (-1000i64..1000).prop_map(Number::Int),
        prop::num::f64::NORMAL.prop_map(Number::Float),
        (-1e7..1e7).prop_map(Number::Float),
        Just(Number::Float(-0.0)),
        Just(Number::Float(1e20)),
        Just(Number::Float(1e21)),
    ];
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        2 => number.prop_map(Value::Number),
        8 => ambiguous::text().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5)
                .prop_map(|items| Value::List(items.into_iter().map(node).collect())),
            map(inner).prop_map(Value::Map),
        ]
    })
}

fn map(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Map> {
    // Where digits and letters follow each other, go-yaml's order goes in circles, and what Helm
    // prints changes from run to run.
    let without_digits = |text: String| text.replace(|c: char| c.is_ascii_digit(), "");
    let key = prop_oneof![
        ambiguous::text().prop_map(without_digits),
        "[a-zA-Z_-]{1,6}",
        "[a-z][0-9]{1,3}",
    ];
    prop::collection::btree_map(key, inner.prop_map(node), 0..6)
}

/// Texts that Helm's `toYaml` gives up on: they hold what go-yaml does not read in JSON.
fn is_for_helm(json: &str) -> bool {
    !json.contains(|c| matches!(c, '\u{7f}'..='\u{9f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'))
}

fn samples(count: usize) -> Vec<Map> {
    let mut runner = TestRunner::deterministic();
    let strategy = map(value());
    std::iter::repeat_with(|| strategy.new_tree(&mut runner).unwrap().current())
        .filter(|map| is_for_helm(&serde_json::to_string(map).unwrap()))
        .take(count)
        .collect()
}

#[test]
fn is_byte_for_byte_the_same() {
    let mut cases: Vec<Map> = ambiguous::SCALARS
        .iter()
        .filter(|text| is_for_helm(text))
        .flat_map(|text| {
            let string = || node(Value::String((*text).to_owned()));
            [
                Map::from([("a".to_owned(), string())]),
                Map::from([((*text).to_owned(), string())]),
                Map::from([("a".to_owned(), node(Value::List(vec![string(), string()])))]),
            ]
        })
        .collect();
    cases.extend(samples(500));
    // `<<` as a key and U+2028 are written more carefully than by Helm.
    let is_careful = |map: &Map| emit::to_yaml(map).contains("\"<<\":");
    cases.retain(|map| !is_careful(map));
    let chart = Chart::writing();
    let json = serde_json::json!({ "cases": cases });
    chart.file("values.json", json.to_string().as_bytes());
    for version in VERSIONS {
        let written = chart.render(version, &["-f", "values.json"]).unwrap();
        assert_eq!(written.len(), cases.len());
        for (map, written) in cases.iter().zip(written) {
            let ours = emit::to_yaml(map);
            let map = serde_json::to_string(map).unwrap();
            assert_eq!(ours.trim_end_matches('\n'), written.trim_end_matches('\n'), "{map}");
        }
    }
}

#[test]
fn helm_and_we_read_it_back() {
    let cases = samples(500);
    let texts: Vec<String> = cases.iter().map(emit::to_yaml).collect();
    let chart = Chart::reading();
    let json = serde_json::json!({ "cases": texts });
    chart.file("values.json", json.to_string().as_bytes());
    for version in VERSIONS {
        let read = chart.render(version, &["-f", "values.json"]).unwrap();
        for ((map, text), read) in cases.iter().zip(&texts).zip(read) {
            let expected = rounded(map);
            let read: serde_json::Value = serde_json::from_str(&read).unwrap();
            assert_eq!(read, expected, "{text}");
            let ours = yaml::read("ours", text.as_bytes()).unwrap();
            assert_eq!(serde_json::to_value(&ours.values).unwrap(), expected, "{text}");
        }
    }
}

/// The same after a way through a file, where every number becomes a float64.
fn rounded(map: &Map) -> serde_json::Value {
    fn round(value: &mut Value) {
        match value {
            #[expect(clippy::cast_precision_loss, reason = "the way Helm goes")]
            Value::Number(Number::Int(number)) => {
                *value = Value::Number(Number::Float(*number as f64));
            }
            Value::List(items) => items.iter_mut().for_each(|item| round(&mut item.value)),
            Value::Map(map) => map.values_mut().for_each(|node| round(&mut node.value)),
            _ => {}
        }
    }
    let mut value = Value::Map(map.clone());
    round(&mut value);
    serde_json::to_value(&value).unwrap()
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(map in map(value())) {
        let text = emit::to_yaml(&map);
        let read = yaml::read("ours", text.as_bytes()).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(serde_json::to_value(&read.values).unwrap(), rounded(&map), "{}", text);
        prop_assert!(read.notices.iter().all(|n| !n.to_string().contains("already")));
        prop_assert_eq!(emit::to_yaml(&read.values), text);
    }
}
