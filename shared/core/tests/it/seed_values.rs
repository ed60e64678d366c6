//! The two values files of the story, for the charts that people would install them with.

use kcilium_core::{
    diagnosis::{Selection, diagnose, lint},
    facts::{Fact, Release},
    rules::Severity,
};

use crate::fixture::{self, Fixture};

/// Codes with severities of what is found for a file on the story's cluster, of the rules about
/// routing, masquerade and pools.
fn found(case: &str, chart: &str) -> Vec<String> {
    let values = fixture::text(&format!("rendered/{case}/values.yaml"));
    let proposal = fixture::proposal(chart, &values).unwrap();
    let facts = Fixture::of_rules("base.txt").facts();
    let results = lint(&facts, &proposal, &Selection::default());
    let judgements = results.iter().filter(|result| {
        let code = result.rule.code.0;
        ("CFG-01"..="CFG-15").contains(&code) || code.starts_with("CIDR-")
    });
    let findings = judgements.flat_map(|result| result.judgement.findings());
    findings
        .filter(|finding| finding.severity > Severity::Info)
        .map(|finding| format!("{} {}", finding.code, finding.severity))
        .collect()
}

/// The list is decoration in both: the mode is `kubernetes`.
const DECORATION: &str = "CIDR-09 warn";

#[test]
fn the_first_file_works_wherever_it_installs() {
    for chart in ["1.12.19", "1.13.18", "1.14.2", "1.14.19", "1.15.0", "1.15.7"] {
        assert_eq!(found("seed1", chart), [DECORATION], "{chart}");
    }
}

#[test]
fn the_second_file_leaves_pods_without_a_way_back() {
    for chart in ["1.12.19", "1.13.18", "1.14.2", "1.14.19"] {
        assert_eq!(found("seed2", chart), ["CFG-03 error", DECORATION], "{chart}");
    }
}

#[test]
fn where_the_chart_takes_no_notice_of_tunnel_no_agent_starts_either() {
    for chart in ["1.15.0", "1.15.7", "1.16.0", "1.16.1"] {
        let expected = ["CFG-01 block", "CFG-03 error", DECORATION];
        assert_eq!(found("seed2", chart), expected, "{chart}");
    }
}

/// A cluster that was installed with the first file is well.
#[test]
fn decoration_of_a_release_is_only_mentioned() {
    let mut facts = Fixture::of_rules("base.txt").facts();
    let text = fixture::text("rendered/seed1/values.yaml");
    let mut values: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    // The recording has no proxy.
    values["l7Proxy"] = false.into();
    facts.cluster.releases = Fact::Known(vec![Release {
        status: "deployed".into(),
        chart: "cilium".into(),
        chart_version: "1.14.2".into(),
        values,
        ..Release::default()
    }]);
    let diagnosis = diagnose(&facts, &Selection::default());
    let found: Vec<_> = diagnosis.findings().iter().map(|it| (it.code.0, it.severity)).collect();
    // `tunnel` works in 1.14, and is gone from 1.15 on.
    assert_eq!(found, [("CIDR-09", Severity::Info)]);
}
