//! `explain-log`: saved output of `cilium connectivity test`.

use std::{fs, io::Write as _, path::Path};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::doctor::{Run, doctor, finish, run};

/// An excerpt of a real log: pods keep their address on the way out, and nobody answers.
const NO_SNAT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/logs/no-snat.log");

fn explain(log: impl Into<Vec<u8>>, format: &str) -> Run {
    finish(doctor(&["explain-log", "-", "-o", format]).write_stdin(log))
}

fn document(log: impl Into<Vec<u8>>) -> Value {
    serde_json::from_str(&explain(log, "json").printed(1)).unwrap()
}

fn no_snat() -> String {
    fs::read_to_string(NO_SNAT).unwrap()
}

/// What was counted, and the verdicts: all that must not depend on how a log was saved.
fn essence(document: &Value) -> String {
    format!(
        "{} {} {} {}",
        document["failed"], document["passed"], document["log"], document["verdicts"]
    )
}

#[test]
fn egress_without_snat_is_told_with_the_command_that_confirms_it() {
    assert_snapshot!("log_no_snat_text", run(&["explain-log", NO_SNAT]).printed(1));
    let document = document(no_snat());
    assert_eq!((&document["failed"], &document["log"]["refused"]), (&12.into(), &6.into()));
    let codes = document["log"]["legs"].as_array().unwrap().iter().map(|leg| &leg["failed"]);
    assert_eq!(codes.filter(|codes| **codes == json!({"28": 4})).count(), 3);
    let verdict = &document["verdicts"][0];
    assert_eq!((&verdict["cause"], &verdict["confidence"]), (&"C-NOMASQ".into(), &"likely".into()));
    assert!(verdict["title"].as_str().unwrap().starts_with("egress without SNAT"));
    let command = verdict["next"][0]["command"].as_str().unwrap();
    assert!(command.contains("enable-ipv4-masquerade"), "{command}");
}

#[test]
fn a_line_tells_scripts_the_cause() {
    let short = explain(no_snat(), "short").printed(1);
    assert!(short.starts_with("C-NOMASQ likely egress without SNAT"), "{short}");
    assert_eq!(short.lines().count(), 1);
}

#[test]
fn how_a_log_was_saved_makes_no_difference() {
    let log = no_snat();
    let each = |change: &dyn Fn(&str) -> String| log.lines().map(change).collect::<String>();
    let expected = essence(&document(log.clone()));
    for (name, saved) in [
        ("CRLF", each(&|line| format!("{line}\r\n"))),
        ("colours", each(&|line| format!("\x1b[31m{line}\x1b[0m\n"))),
        ("a byte order mark", format!("\u{feff}{log}")),
        ("-t", each(&|line| format!("[2023-10-21T16:03:49+08:00] {line}\n"))),
        ("GitHub Actions", each(&|line| format!("2023-10-21T08:03:49.1234567Z {line}\n"))),
        ("gh run view", each(&|line| format!("kind\tTest\t2023-10-21T08:03:49.1234567Z {line}\n"))),
        (
            "a console without pictographs",
            log.replace(['❌', 'ℹ', '📄', '🏃', '📜', '\u{fe0f}'], "?"),
        ),
        (
            "cilium-cli 0.16.8",
            log.replace("[=] Test [", "[=] [cilium-test-1] Test [")
                .replace("🏃 Running tests", "🏃[x] Running 4 tests "),
        ),
        ("no line feed at the end", log.trim_end().to_owned()),
    ] {
        assert_eq!(essence(&document(saved)), expected, "{name}");
    }
}

#[test]
fn what_cannot_be_a_log_is_refused_with_the_reason() {
    let utf16: Vec<u8> =
        [0xfeff].into_iter().chain(no_snat().encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let random: Vec<u8> = (0..100_000_u32).map(|number| (number * 7 % 251) as u8).collect();
    for (bytes, reason) in [
        (utf16, "UTF-16"),
        (b"\x1f\x8b\x08\0".to_vec(), "compressed"),
        (random, "this is not text"),
        (vec![0xff; 300_000], "no line of it is from `cilium connectivity test`"),
        (b"hello\n".to_vec(), "no line of it is from `cilium connectivity test`"),
        (Vec::new(), "no line of it is from `cilium connectivity test`"),
    ] {
        let complaint = explain(bytes, "text").complaint(3);
        assert!(complaint.starts_with("error: standard input: "), "{complaint}");
        assert!(complaint.contains(reason), "{complaint}");
        assert!(complaint.contains("\nhint: "), "{complaint}");
    }
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path(), &folder.path().join("missing.log")] {
        let complaint = run(&["explain-log", path.to_str().unwrap()]).complaint(3);
        assert!(complaint.starts_with("error: cannot read "), "{complaint}");
        assert!(complaint.contains(path.to_str().unwrap()), "{complaint}");
    }
}

#[test]
fn only_a_log_with_its_report_is_fine() {
    let begun = "🏃 Running tests...\n[=] Test [no-policies]\n......\n[=] Test [health]\n.";
    let all = "\n📋 Test Report\n✅ All 2 tests (7 actions) successful, 0 tests skipped, 0 scenarios skipped.\n";
    let fine = explain(format!("{begun}{all}"), "text").printed(0);
    assert!(fine.ends_with("All that was expected to pass did.\n"), "{fine}");
    let cut_off = explain(begun, "text").printed(3);
    assert!(cut_off.contains("The log ends before its report"), "{cut_off}");
}

#[test]
fn a_junit_file_is_read_as_well() {
    let file = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" disabled="1" errors="0" failures="1" time="9.5">
  <testsuite name="connectivity test" package="cilium" tests="3" failures="1" skipped="1">
    <testcase name="no-policies" classname="connectivity test" status="failed" time="9">
      <failure message="no-policies failed" type="failure">no-policies/pod-to-world/http-to-one-0: cilium-test/client-1 (10.0.0.1) -&gt; one-http (one:80)&#xA;no-policies/pod-to-cidr/external-1111-0: cilium-test/client-1 (10.0.0.1) -&gt; external-1111 (1.1.1.1:443)</failure>
    </testcase>
    <testcase name="health" classname="connectivity test" status="skipped"><skipped message="x"></skipped></testcase>
    <testcase name="dns-only" classname="connectivity test" status="passed" time="0.5"></testcase>
  </testsuite>
</testsuites>
"#;
    let read = document(file);
    assert_eq!((&read["failed"], &read["log"]["report"]["testsFailed"]), (&2.into(), &1.into()));
    assert_eq!(read["log"]["passedTests"], json!(["dns-only"]));
    assert_eq!(read["verdicts"][0]["cause"], "C-NOMASQ");
    assert_eq!(read["verdicts"][0]["confidence"], "undetermined");

    let complaint = explain(&file[..600], "text").complaint(3);
    assert!(complaint.contains("cannot be read as JUnit XML"), "{complaint}");
    let complaint = explain("<html><body>404</body></html>", "text").complaint(3);
    assert!(complaint.contains("no line of it is from"), "{complaint}");
}

#[test]
fn a_log_cannot_repaint_the_terminal() {
    let log = no_snat().replace("cilium-test/client-", "\u{9b}2J\u{202e}client-")
        + "  ❌ \u{9b}31m\u{7}evil/evil/evil \u{202e}\n[=] Test [\u{9b}2J]\n";
    for format in ["text", "short", "json", "yaml"] {
        let text = explain(log.clone(), format).stdout;
        let is_obeyed = |character: char| character.is_control() && character != '\n';
        assert!(!text.contains(is_obeyed), "{format}: {text:?}");
    }
}

#[test]
fn lines_fit_the_terminal() {
    for line in run(&["explain-log", NO_SNAT]).printed(1).lines() {
        let is_verbatim = line.starts_with("  kubectl ") || line.starts_with("  curl ");
        assert!(line.chars().count() <= 80 || is_verbatim, "{line}");
        assert_eq!(line, line.trim_end());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_large_log_is_read_within_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.log");
    write_large(&path, &no_snat());
    // Less than the file's one long line.
    let script = format!(
        "ulimit -v 120000; exec '{}' explain-log '{}' -o json",
        assert_cmd::cargo::cargo_bin!("kubectl-cilium_doctor").display(),
        path.display()
    );
    let run = Run::of(std::process::Command::new("sh").args(["-c", &script]).output().unwrap());
    let document: Value = serde_json::from_str(&run.printed(1)).unwrap();
    assert_eq!(document["failed"], 12);
}

/// 200 MB: one line of 150 MB, and many others.
fn write_large(path: &Path, log: &str) {
    let mut file = fs::File::create(path).unwrap();
    file.write_all(log.as_bytes()).unwrap();
    let block = vec![b'x'; 1 << 20];
    for _ in 0..150 {
        file.write_all(&block).unwrap();
    }
    let lines = b"  some output of a command\n".repeat(40_000);
    for _ in 0..50 {
        file.write_all(&lines).unwrap();
    }
}
