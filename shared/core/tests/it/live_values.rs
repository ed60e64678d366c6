//! What rules say of the values of a live release, which fixtures cannot hold.

use kcilium_core::{
    facts::{Fact, Facts, Release},
    rules::{Finding, Severity, registry},
    view::View,
};
use serde_json::{Value, json};

use crate::fixture::Fixture;

/// A healthy cluster of Cilium 1.14.2, installed with these values of a chart.
fn installed(chart: &str, values: &Value) -> Facts {
    let mut facts = Fixture::of_rules("base.txt").facts();
    let release: Release = serde_json::from_value(json!({
        "namespace": "kube-system",
        "name": "cilium",
        "revision": 1,
        "status": "deployed",
        "chart": "cilium",
        "chartVersion": chart,
        "values": values,
    }))
    .unwrap();
    facts.cluster.releases = Fact::Known(vec![release]);
    facts
}

fn found(code: &str, facts: &Facts) -> Vec<Finding> {
    let rule = registry::find(code).unwrap();
    rule.judge(&View::new(facts)).findings().to_vec()
}

#[test]
fn a_chart_of_another_version_than_its_image_is_found() {
    let found = found("CFG-27", &installed("1.13.18", &json!({})));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].subject, "image.tag");
    assert!(found[0].summary.contains("1.13.18"), "{found:#?}");
    assert!(found[0].summary.contains("1.14.2"), "{found:#?}");
}

#[test]
fn a_chart_of_the_same_version_is_fine() {
    assert_eq!(found("CFG-27", &installed("1.14.2", &json!({}))), []);
}

#[test]
fn a_running_tunnel_that_was_meant_to_be_native_is_an_error() {
    let found = found("CFG-16", &installed("1.13.18", &json!({"routingMode": "native"})));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].severity, Severity::Error);
    assert_eq!(found[0].remedy.values, "tunnel: disabled\n");
}

#[test]
fn what_runs_was_not_refused() {
    let values = json!({"tunnel": "disabled", "upgradeCompatibility": "1.13"});
    let facts = installed("1.16.19", &values);
    assert_eq!(found("CFG-16", &facts), []);
    assert_eq!(found("CFG-30", &facts), []);
}
