//! The stories that people told, each with the outcome that it must have. The clash itself is in
//! `seed.rs`, the two values files with older charts in `seed_values.rs`.

use kcilium_core::{
    diagnosis::{Diagnosis, Selection, diagnose, lint},
    facts::{Fact, Facts},
    problems::problems,
    rules::{Finding, Severity},
};

use crate::fixture::{self, Fixture};

/// What the rules say about one of the seed's files and a chart, on the story's cluster.
fn linted(case: &str, chart: &str) -> Vec<Finding> {
    let values = fixture::text(&format!("rendered/{case}/values.yaml"));
    let proposal = fixture::proposal(chart, &values).unwrap();
    let facts = Fixture::of_rules("base.txt").facts();
    let results = lint(&facts, &proposal, &Selection::default());
    results.iter().flat_map(|result| result.judgement.findings().to_vec()).collect()
}

fn has(findings: &[Finding], code: &str, severity: Severity) -> bool {
    findings.iter().any(|finding| finding.code.0 == code && finding.severity == severity)
}

fn judged(facts: &Facts) -> Diagnosis {
    diagnose(facts, &Selection::default())
}

/// F3: the chart reads `tunnel` no more, and says nothing.
#[test]
fn charts_that_take_no_notice_of_tunnel_block() {
    for chart in ["1.15.7", "1.16.1"] {
        let found = linted("seed2", chart);
        assert!(has(&found, "CFG-16", Severity::Block), "{chart}: {found:#?}");
        assert!(has(&found, "CFG-01", Severity::Block), "{chart}: {found:#?}");
    }
}

/// F4: it refuses the key, in words of its own; all that is said of it is one problem.
#[test]
fn charts_that_refuse_tunnel_are_quoted_and_it_is_rewritten() {
    for chart in ["1.15.8", "1.16.2", "1.16.19", "1.18.12"] {
        let found = linted("seed2", chart);
        let problems = problems(&found);
        let of_tunnel: Vec<_> =
            problems.iter().filter(|it| it.lead().worst().subject == "tunnel").collect();
        let [problem] = &of_tunnel[..] else { panic!("{chart}: {of_tunnel:#?}") };
        assert_eq!(problem.severity(), Severity::Block, "{chart}");
        assert!(problem.parts().len() > 1, "{chart}: {problem:#?}");
        let words: Vec<&str> = problem.findings().map(|finding| finding.impact.as_str()).collect();
        assert!(words.iter().any(|it| it.contains("tunnel was deprecated in v1.14")), "{words:?}");
        let remedies: Vec<_> = problem.remedies().collect();
        assert!(remedies[0].values.contains("routingMode: native"), "{chart}: {remedies:#?}");
    }
}

/// F5: the first file passes, then is deprecated, then is refused for one key, then for two.
#[test]
fn the_first_file_ages() {
    for chart in ["1.12.19", "1.13.18", "1.14.2"] {
        let found = linted("seed1", chart);
        let worst = found.iter().map(|finding| finding.severity).max();
        assert!(worst < Some(Severity::Error), "{chart}: {found:#?}");
    }
    // `tunnel` is not read any more, and nothing stops.
    let found = linted("seed1", "1.15.7");
    assert!(has(&found, "VAL-02", Severity::Error), "{found:#?}");
    assert!(found.iter().all(|it| it.severity < Severity::Block), "{found:#?}");
    let at = |found: &[Finding], key: &str| {
        let about = found.iter().filter(|finding| finding.subject == key);
        about.map(|finding| finding.severity).max()
    };
    for chart in ["1.15.8", "1.15.19", "1.16.19", "1.18.12"] {
        let found = linted("seed1", chart);
        assert_eq!(at(&found, "tunnel"), Some(Severity::Block), "{chart}: {found:#?}");
        let strict = at(&found, "kubeProxyReplacement");
        assert_eq!(strict == Some(Severity::Block), chart >= "1.16", "{chart}: {found:#?}");
    }
}

/// F6: a migration with the default pool; nearly all pods are still those of the CNI before, and the
/// cluster's name will not do after an upgrade.
#[test]
fn a_migration_into_the_lan_has_its_causes_named() {
    let mut facts = Fixture::whole("seed/clash.txt").facts();
    let before = Fixture::of_rules("CNI-05.sick.txt").facts().cluster;
    facts.cluster.pods = before.pods;
    facts.cluster.agents = before.agents;
    facts.cluster.cilium_endpoints = before.cilium_endpoints;
    let diagnosis = judged(&facts);
    let causes: Vec<&str> = diagnosis.verdicts.iter().map(|verdict| verdict.cause).collect();
    assert_eq!(causes, ["C-CLASH"]);
    let found: Vec<Finding> = diagnosis.findings().into_iter().cloned().collect();
    assert!(has(&found, "CNI-05", Severity::Warn), "{found:#?}");
    // The clash is not why pods are unmanaged.
    for finding in diagnosis.findings() {
        let is_own = finding.code.0 == "CNI-05";
        assert!(!is_own || diagnosis.explanation_of(finding).is_none(), "{finding:#?}");
    }
    // The name serves until the chart that is installed next.
    let name = "cluster: {name: cluster.local}\nipam: {mode: kubernetes}\n";
    for (chart, severity) in [("1.14.2", Some(Severity::Info)), ("1.17.18", Some(Severity::Block))]
    {
        let proposal = fixture::proposal(chart, name).unwrap();
        let results = lint(&facts, &proposal, &Selection::default());
        let of_name = results.iter().find(|result| result.rule.code.0 == "CFG-19").unwrap();
        let worst = of_name.judgement.findings().iter().map(|finding| finding.severity).max();
        assert_eq!(worst, severity, "{chart}: {:#?}", of_name.judgement);
    }
}

/// F8: pods are where the native routing CIDR, taken over from the CNI before, is not.
#[test]
fn a_native_routing_cidr_of_the_cni_before_is_an_error() {
    let diagnosis = judged(&Fixture::of_rules("CFG-04.sick.txt").facts());
    let found: Vec<Finding> = diagnosis.findings().into_iter().cloned().collect();
    assert!(has(&found, "CFG-04", Severity::Error), "{found:#?}");
}

/// F9: who speaks BGP needs no masquerade.
#[test]
fn no_masquerade_beside_bgp_is_no_more_than_a_remark() {
    let mut facts = Fixture::of_rules("CFG-03.healthy-bird.txt").facts();
    // The agents were recorded while they masqueraded.
    for node in &mut facts.nodes {
        node.agent_status = Fact::default();
    }
    let diagnosis = judged(&facts);
    assert!(diagnosis.worst() <= Some(Severity::Info), "{:#?}", diagnosis.findings());
    assert!(diagnosis.verdicts.is_empty());
}
