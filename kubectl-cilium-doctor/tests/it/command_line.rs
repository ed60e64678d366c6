//! Help, the catalogue of rules, and wrong usage.

use insta::assert_snapshot;

use crate::doctor::{CLASH, HEALTHY, run};

#[test]
fn help_is_complete() {
    assert_snapshot!("help", run(&["--help"]).printed(0));
    assert_snapshot!("help_short", run(&["-h"]).printed(0));
    assert_snapshot!("help_explain_log", run(&["explain-log", "--help"]).printed(0));
    assert_snapshot!("help_snapshot", run(&["snapshot", "--help"]).printed(0));
}

#[test]
fn help_fits_the_terminal() {
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["snapshot", "--help"],
        &["explain", "--help"],
        &["explain-log", "--help"],
    ] {
        for line in run(arguments).printed(0).lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn the_rules_are_listed() {
    assert_snapshot!("rules", run(&["rules"]).printed(0));
}

#[test]
fn a_rule_is_explained() {
    assert_snapshot!("explain", run(&["explain", "CIDR-01"]).printed(0));
    assert_eq!(run(&["explain", "cidr-01"]).stdout, run(&["explain", "CIDR-01"]).stdout);
}

#[test]
fn every_listed_rule_is_explained_within_the_terminal() {
    let codes = run(&["rules", "-o", "short"]).printed(0);
    assert!(codes.lines().count() >= 19, "{codes}");
    for code in codes.lines() {
        let text = run(&["explain", code]).printed(0);
        for heading in ["What it checks", "Why it hurts", "Fix"] {
            assert!(text.lines().any(|line| line == heading), "{code} lacks `{heading}`");
        }
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{code}: {line}");
            assert_eq!(line, line.trim_end(), "{code}");
        }
    }
}

#[test]
fn the_version_is_told() {
    let expected = format!("kubectl cilium-doctor {}\n", env!("CARGO_PKG_VERSION"));
    for arguments in [["-V"], ["--version"]] {
        assert_eq!(run(&arguments).printed(0), expected, "{arguments:?}");
    }
    let told = run(&["version"]).printed(0);
    assert!(told.starts_with(&expected), "{told}");
    for part in ["commit", "Cilium charts", "node agent"] {
        assert!(told.lines().any(|line| line.starts_with(part)), "{part}: {told}");
    }
}

#[test]
fn wrong_usage_is_explained() {
    assert_snapshot!("no_source", run(&[]).complaint(3));
    assert_snapshot!("usage_unknown_code", run(&["explain", "CIDR-99"]).complaint(2));
    assert_snapshot!("usage_unknown_flag", run(&["--nonsense"]).complaint(2));
    assert_snapshot!("usage_two_sources", run(&["--local", "--from", CLASH]).complaint(2));
    // A snapshot does not change, and a page is no answer to a script.
    run(&["--watch", "--from", CLASH]).complaint(2);
    let complaint = run(&["--watch", "--local", "-o", "html"]).complaint(2);
    assert!(complaint.contains("--watch has no use for -o html"), "{complaint}");
    assert!(run(&["--interval", "3s"]).complaint(2).contains("--watch"));
    assert_snapshot!(
        "usage_pod_cidr",
        run(&["--from", HEALTHY, "--pod-cidr", "10.0.0.0/33"]).complaint(2)
    );
}

#[test]
fn kubectls_flags_stand_before_a_subcommand_too() {
    for arguments in
        [["--context", "nowhere", "snapshot", "-"], ["snapshot", "-", "--context", "nowhere"]]
    {
        let complaint = run(&arguments).complaint(3);
        assert!(complaint.contains("nowhere"), "{complaint}");
    }
    let complaint = run(&["--protect", "10.0.0.1", "snapshot", "-"]).complaint(2);
    assert!(complaint.contains("--protect"), "{complaint}");
}

#[test]
fn wrong_values_are_named_with_their_flag() {
    let cases: [(&[&str], &str, &str); 8] = [
        (&["--pod-cidr", "10.0.0.0"], "--pod-cidr", "10.0.0.0"),
        (&["--pod-cidr", "10.0.0.0/8,nonsense"], "--pod-cidr", "nonsense"),
        (&["--service-cidr", "::/129"], "--service-cidr", "::/129"),
        (&["--protect", "gateway"], "--protect", "gateway"),
        (&["--only", "CIDR-1"], "--only", "CIDR-1"),
        (&["--ignore", "RT-99"], "--ignore", "RT-99"),
        (&["--fail-on", "info"], "--fail-on", "info"),
        (&["-o", "xml"], "--output", "xml"),
    ];
    for (arguments, flag, value) in cases {
        let complaint = run(&[&["--from", HEALTHY], arguments].concat()).complaint(2);
        assert!(complaint.starts_with("error: "), "{complaint}");
        assert!(complaint.contains(flag) && complaint.contains(value), "{complaint}");
    }
}

#[test]
fn a_root_that_is_no_folder_is_wrong_usage() {
    let complaint = run(&["--local", "--root", CLASH]).complaint(2);
    assert!(complaint.contains("--root") && complaint.contains(CLASH), "{complaint}");
}

#[test]
fn documents_name_codes_that_there_are() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/troubleshooting.md");
    let text = std::fs::read_to_string(docs).unwrap();
    let words = text.split(|it: char| !it.is_ascii_alphanumeric() && it != '-');
    let is_code = |word: &&str| {
        let (group, number) = word.split_once('-').unwrap_or_default();
        group.len() >= 2
            && group.chars().all(|it| it.is_ascii_uppercase())
            && number.parse::<u8>().is_ok()
    };
    let codes: std::collections::BTreeSet<&str> = words.filter(is_code).collect();
    assert!(codes.len() > 20, "{codes:?}");
    for code in codes {
        run(&["explain", code]).printed(0);
    }
}
