//! Files of findings that are known: set aside and counted.

use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::doctor::{CLASH, HEALTHY, doctor, finish, run};

/// A file that is kept as long as its folder.
fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("known.txt");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

#[test]
fn what_is_known_is_counted_and_fails_nothing() {
    let (_folder, path) = file("CIDR-05:10.0.0.0/8 # cannot be rebuilt\n");
    let file = path.to_str().unwrap();
    let only = ["--from", CLASH, "--only", "CIDR-05", "--fail-on", "warn"];
    assert_eq!(run(&only).code, Some(1));
    let arguments = [&only[..], &["--ignore-file", file]].concat();
    let text = run(&arguments).printed(0);
    assert!(text.contains("1 finding left out by the ignore file: CIDR-05."), "{text}");
    assert!(!text.contains("warn  CIDR-05"), "{text}");
    let json = run(&[&arguments[..], &["-o", "json"]].concat()).printed(0);
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["ignored"][0]["code"], "CIDR-05");
    assert_eq!(report["summary"]["ignored"], 1);
    assert_eq!(report["findings"].as_array().unwrap().len(), 0);
    let xml = run(&[&arguments[..], &["-o", "junit"]].concat()).printed(0);
    assert!(xml.contains("skipped message=\"1 finding left out by the ignore file"), "{xml}");
}

#[test]
fn a_code_alone_means_all_that_its_rule_finds() {
    let (_folder, path) = file("CIDR-02\n");
    let arguments = ["--from", CLASH, "-o", "short", "--ignore-file", path.to_str().unwrap()];
    let short = run(&arguments).printed(1);
    assert!(short.contains("5 findings left out by the ignore file: CIDR-02 (5×)"), "{short}");
    assert!(!short.contains("block      CIDR-02"), "{short}");
    assert!(short.contains("block      CIDR-01"), "{short}");
}

#[test]
fn entries_of_no_use_are_named_with_their_line() {
    let (_folder, path) = file("\nCFG-3\nRT-01:1.2.3.4\nCIDR-04\n");
    let file = path.to_str().unwrap();
    let run_ = run(&["--from", HEALTHY, "--only", "RT-01", "--ignore-file", file]);
    assert_eq!(run_.code, Some(0), "{}", run_.stdout);
    // CIDR-04 was not asked.
    let expected = format!(
        "warning: {file}:2: no rule has the code CFG-3; did you mean CFG-03?\n\
         note: {file}:3: nothing was found for RT-01:1.2.3.4\n"
    );
    assert_eq!(run_.stderr, expected);
}

#[test]
fn the_environment_may_name_the_file_and_the_flag_wins() {
    let (_folder, path) = file("CIDR-05\n");
    let only = ["--from", CLASH, "--only", "CIDR-05", "--fail-on", "warn"];
    let mut command = doctor(&only);
    assert_eq!(finish(command.env("KCILIUM_IGNORE", &path)).code, Some(0));
    let mut command = doctor(&only);
    assert_eq!(finish(command.env("KCILIUM_IGNORE", "")).code, Some(1));
    let mut command = doctor(&[&only[..], &["--ignore-file", "/dev/null"]].concat());
    assert_eq!(finish(command.env("KCILIUM_IGNORE", &path)).code, Some(1));
}

#[test]
fn a_file_that_cannot_be_read_ends_the_run() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("nowhere");
    let run = run(&["--from", HEALTHY, "--ignore-file", missing.to_str().unwrap()]);
    assert_eq!((run.code, &*run.stdout), (Some(3), ""));
    assert!(run.stderr.contains("cannot read the ignore file"), "{}", run.stderr);
    assert!(run.stderr.contains("CODE:SUBJECT"), "{}", run.stderr);
}
