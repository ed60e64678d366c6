//! Exit codes, and which rules are asked.

use serde_json::Value;

use crate::doctor::{CLASH, HEALTHY, NO_MASQUERADE, run};

fn code(file: &str, arguments: &[&str]) -> Option<i32> {
    run(&[&["--from", file, "-o", "short"], arguments].concat()).code
}

/// Codes of the rules that found something.
fn found(arguments: &[&str]) -> Vec<String> {
    let run = run(&[&["--from", CLASH, "-o", "json"], arguments].concat());
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let mut codes: Vec<String> =
        findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[test]
fn a_clash_fails_whatever_the_threshold() {
    for threshold in ["warn", "error", "block", "unknown"] {
        assert_eq!(code(CLASH, &["--fail-on", threshold]), Some(1), "{threshold}");
    }
    assert_eq!(code(CLASH, &[]), Some(1));
}

#[test]
fn healthy_nodes_pass_whatever_the_threshold() {
    for threshold in ["warn", "error", "block", "unknown"] {
        assert_eq!(code(HEALTHY, &["--fail-on", threshold]), Some(0), "{threshold}");
    }
}

#[test]
fn a_question_is_a_warning_and_something_unknown() {
    for (threshold, expected) in [("warn", 1), ("error", 0), ("block", 0), ("unknown", 1)] {
        let code = code(NO_MASQUERADE, &["--fail-on", threshold]);
        assert_eq!(code, Some(expected), "{threshold}");
    }
}

#[test]
fn the_threshold_decides_about_what_is_less_than_it() {
    // CIDR-05 warns on this one, and nothing else does.
    let only = ["--only", "CIDR-05"];
    assert_eq!(found(&only), ["CIDR-05"]);
    let code_at = |threshold| code(CLASH, &[&only[..], &["--fail-on", threshold]].concat());
    assert_eq!(code_at("warn"), Some(1));
    assert_eq!(code_at("error"), Some(0));
    assert_eq!(code_at("block"), Some(0));
    assert_eq!(code_at("unknown"), Some(1));
}

#[test]
fn information_never_fails() {
    assert_eq!(found(&["--only", "CIDR-12"]), ["CIDR-12"]);
    for threshold in ["warn", "unknown"] {
        let arguments = ["--only", "CIDR-12", "--fail-on", threshold];
        assert_eq!(code(CLASH, &arguments), Some(0), "{threshold}");
    }
}

#[test]
fn what_is_not_known_fails_only_on_demand() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("little.json");
    // A node of which only the rules and the addresses are known.
    let snapshot = r#"{"schemaVersion": "1.0", "nodes": [{"name": "n", "rules": {"known": []},
        "addresses": {"known": []}}]}"#;
    std::fs::write(&file, snapshot).unwrap();
    let file = file.to_str().unwrap();
    for threshold in ["warn", "error", "block"] {
        let code = code(file, &["--only", "RT-02,CIDR-07", "--fail-on", threshold]);
        assert_ne!(code, Some(1), "{threshold}");
    }
    assert_eq!(code(file, &["--only", "RT-02,CIDR-07", "--fail-on", "unknown"]), Some(1));
}

#[test]
fn where_nothing_could_be_judged_the_run_has_failed() {
    let folder = tempfile::tempdir().unwrap();
    for nodes in [r#"[{"name": "node1"}]"#, "[]"] {
        let file = folder.path().join("nothing.json");
        std::fs::write(&file, format!(r#"{{"schemaVersion": "1.0", "nodes": {nodes}}}"#)).unwrap();
        let run = run(&["--from", file.to_str().unwrap()]);
        assert_eq!(run.code, Some(3), "{}", run.stdout);
        assert!(run.stdout.contains("Nothing could be judged"), "{}", run.stdout);
    }
}

#[test]
fn only_the_named_rules_are_asked() {
    assert_eq!(found(&["--only", "RT-01"]), ["RT-01"]);
    assert_eq!(found(&["--only", "RT-01,cidr-04"]), ["CIDR-04", "RT-01"]);
    assert_eq!(found(&["--only", "RT-01", "--only", "CIDR-04"]), ["CIDR-04", "RT-01"]);
    assert_eq!(found(&["--only", "RT-01", "--ignore", "RT-01"]), [""; 0]);
}

#[test]
fn ignored_rules_are_not_asked() {
    let all = found(&[]);
    let rest = found(&["--ignore", "RT-01,CIDR-01"]);
    let expected: Vec<&String> =
        all.iter().filter(|code| !["RT-01", "CIDR-01"].contains(&code.as_str())).collect();
    assert_eq!(rest.iter().collect::<Vec<_>>(), expected);
    assert_eq!(all.len(), rest.len() + 2);
}

#[test]
fn what_is_declared_adds_to_what_was_seen() {
    let clash = ["--from", HEALTHY, "-o", "json", "--pod-cidr", "10.0.0.0/24"];
    let run_ = run(&clash);
    assert_eq!(run_.code, Some(1));
    assert!(run_.stdout.contains("CIDR-01"));
    assert_eq!(code(HEALTHY, &["--pod-cidr", "10.244.0.0/16"]), Some(0));
    assert_eq!(code(HEALTHY, &["--protect", "10.24.0.77"]), Some(0));
}
