//! The values of a Helm release, held against what runs.

use kcilium_core::{
    diagnosis::{Selection, diagnose},
    facts::{Fact, Facts, Release},
};
use serde_json::{Value, json};

use crate::fixture::Fixture;

fn release(revision: u32, version: &str, values: Value) -> Release {
    Release {
        name: "cilium".into(),
        revision,
        status: "deployed".into(),
        chart: "cilium".into(),
        chart_version: version.into(),
        app_version: version.into(),
        values,
        ..Release::default()
    }
}

/// The story's cluster, installed by Helm.
fn installed(releases: Vec<Release>) -> Facts {
    let mut facts = Fixture::of_rules("base.txt").facts();
    facts.cluster.releases = Fact::Known(releases);
    facts
}

/// Values of which the chart makes the ConfigMap that the story's cluster has.
fn values() -> Value {
    json!({
        "ipam": {"mode": "kubernetes"},
        "cluster": {"name": "kubernetes"},
        "ipv4NativeRoutingCIDR": "10.244.0.0/16",
        "kubeProxyReplacement": "strict",
        "l7Proxy": false,
    })
}

fn said(facts: &Facts, code: &str) -> Vec<String> {
    let diagnosis = diagnose(facts, &Selection::default());
    let mut findings = diagnosis.findings();
    findings.retain(|finding| finding.code.0 == code);
    findings.iter().map(|it| format!("{} {}", it.severity, it.summary)).collect()
}

#[test]
fn a_configmap_that_helm_wrote_is_what_the_values_say() {
    let facts = installed(vec![release(1, "1.14.2", values())]);
    assert_eq!(said(&facts, "CFG-25"), [""; 0]);
}

#[test]
fn a_configmap_that_was_edited_says_otherwise() {
    let mut edited = values();
    edited["l7Proxy"] = json!(true);
    edited["devices"] = json!("eth1");
    let facts = installed(vec![release(1, "1.14.2", edited)]);
    let expected =
        "warn cilium-config says otherwise than release cilium: devices, enable-l7-proxy";
    assert_eq!(said(&facts, "CFG-25"), [expected]);
}

#[test]
fn what_means_the_same_is_no_edit() {
    let mut same = values();
    same["kubeProxyReplacement"] = json!("true");
    same["debug"] = json!({"enabled": true});
    let facts = installed(vec![release(1, "1.14.2", same)]);
    assert_eq!(said(&facts, "CFG-25"), [""; 0]);
}

#[test]
fn while_an_upgrade_is_under_way_nothing_is_compared() {
    let pending = Release {
        status: "pending-upgrade".into(),
        ..release(2, "1.14.2", json!({"l7Proxy": true}))
    };
    let facts = installed(vec![release(1, "1.14.2", values()), pending]);
    let diagnosis = diagnose(&facts, &Selection::default());
    let result = diagnosis.results.iter().find(|result| result.rule.code.0 == "CFG-25").unwrap();
    assert_eq!(result.judgement.findings(), []);
    let unknown = result.judgement.unknowns();
    assert!(unknown.iter().any(|it| it.why.contains("under way")), "{unknown:?}");
}
