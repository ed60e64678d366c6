//! Command lines and requests that make no sense.

use std::process::{Command, Stdio};

use crate::agent::{agent, start_command};

fn refused(arguments: &[&str]) -> String {
    let output = agent().args(arguments).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn wrong_command_lines_are_refused() {
    let first_lines = [
        (&[][..], "error: say what to do: facts, probe, plan or clean"),
        (&["tidy"], "error: unexpected argument \"tidy\""),
        (&["clean"], "error: clean needs --apply FILE: nothing is removed without a plan"),
        (&["plan", "--apply", "x"], "error: --apply is for clean"),
        (&["clean", "--apply", "-", "--request", "x"], "error: --request is for probe and plan"),
        (&["facts", "probe"], "error: unexpected argument \"probe\""),
        (&["facts", "--request", "x"], "error: --request is for probe and plan"),
        (&["probe", "--node-name", "x"], "error: --node-name and --look-up are for facts"),
        (&["probe", "--deadline"], "error: missing argument for option '--deadline'"),
        (
            &["facts", "--host-namespaces", "--network-namespace", "x"],
            "error: --host-namespaces and --network-namespace exclude each other",
        ),
    ];
    for (arguments, expected) in first_lines {
        let stderr = refused(arguments);
        assert_eq!(stderr.lines().next(), Some(expected), "{stderr}");
        assert!(stderr.ends_with("\n\nhint: kcilium-node-agent --help lists all options\n"));
    }
    assert!(refused(&["facts", "--look-up", "nowhere"]).contains("nowhere"));
    assert!(refused(&["probe", "--deadline", "-1"]).contains("-1"));
}

#[test]
fn help_and_version_need_nothing() {
    for flag in ["-h", "--help"] {
        let output = agent().arg(flag).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("\nExit codes:\n"));
    }
    let output = agent().arg("--version").output().unwrap();
    let expected = format!("kcilium-node-agent {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

#[test]
fn garbage_on_standard_input_is_refused_and_the_summary_says_so() {
    let deep = "[".repeat(200_000);
    let long = "x".repeat(5_000_000);
    let garbage = [
        "",
        "\u{0}",
        "[]",
        "{}",
        "{\"probes\": []}",
        "{\"probes\": [{\"id\": \"a\"}]}",
        "{\"probes\": [{\"id\": \"a\", \"kind\": \"tcp\", \"host\": \"\", \"port\": 1}]}",
        &deep,
        &long,
    ];
    for text in garbage {
        let mut command = agent();
        command.arg("probe");
        let run = start_command(command, text).end();
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(2), ""),
            "{}",
            &text[..text.len().min(80)]
        );
        assert!(run.stderr.starts_with("error: standard input: "), "{}", run.stderr);
        assert!(run.summary().error.unwrap().starts_with("standard input: "));
    }
}

#[test]
fn a_request_that_cannot_be_read_is_an_error() {
    let output = agent().args(["probe", "--request", "/nowhere"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: cannot read /nowhere: "), "{stderr}");

    let line = r#"printf '\377' | "$0" probe"#;
    let program = env!("CARGO_BIN_EXE_kcilium-node-agent");
    let output = Command::new("sh").args(["-c", line, program]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        stderr.lines().next(),
        Some("error: standard input: the request is not text in UTF-8")
    );
}

#[test]
fn a_termination_message_that_cannot_be_written_is_an_error() {
    let mut command = agent();
    command.args(["facts", "--termination-message", "/nowhere/message"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: --termination-message /nowhere/message: "), "{stderr}");
}
