//! Streams, exit codes and signals.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use super::{sample_plugin, stderr, stdout};

#[test]
fn the_result_goes_to_standard_output() {
    let output = sample_plugin(&["print", "2"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stdout(&output), "line 0\nline 1\n");
    assert_eq!(stderr(&output), "");
}

#[test]
fn colours_are_written_only_where_they_are_wanted() {
    let coloured = |arguments: &[&str], variable: Option<(&str, &str)>| {
        let output = sample_plugin(arguments).envs(variable).output().unwrap();
        stdout(&output).contains('\x1b')
    };
    assert!(!coloured(&["print", "1"], None));
    assert!(coloured(&["print", "1", "--color=always"], None));
    assert!(coloured(&["print", "1", "--color=always"], Some(("NO_COLOR", "1"))));
    assert!(coloured(&["print", "1"], Some(("CLICOLOR_FORCE", "1"))));
    assert!(!coloured(&["print", "1", "--color=never"], Some(("CLICOLOR_FORCE", "1"))));
    assert!(coloured(&["--help", "--color=always"], None));
    assert!(!coloured(&["--help"], None));
}

#[test]
fn an_empty_no_color_counts() {
    let mut command = sample_plugin(&["print", "1"]);
    let output = command.env("NO_COLOR", "").env("CLICOLOR_FORCE", "1").output().unwrap();
    assert_eq!(stdout(&output), "line 0\n");
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    for arguments in [&["print", "200000"][..], &["write", "-", "--nodes=20000"]] {
        let mut command = sample_plugin(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(stderr(&output), "");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn a_closed_standard_output_is_no_failure() {
    let plugin = env!("CARGO_BIN_EXE_sample-plugin");
    let script = format!("exec {plugin} print 1 >&-");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
}

#[test]
fn a_full_disk_is_a_failure() {
    let cases: [&[&str]; 4] = [&["print", "1"], &["print", "200000"], &["--help"], &["write", "-"]];
    for arguments in cases {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = sample_plugin(arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(stderr(&output).contains("cannot write"), "{}", stderr(&output));
        assert!(stderr(&output).contains("No space left on device"), "{}", stderr(&output));
    }
}

#[test]
fn failures_are_explained_on_standard_error() {
    let output = sample_plugin(&["fail"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stdout(&output), "so far, so good\n");
    assert_eq!(stderr(&output), "error: nothing was given\n\nhint: give something\n");
}

#[test]
fn findings_have_their_own_code() {
    assert_eq!(sample_plugin(&["find"]).status().unwrap().code(), Some(1));
}

#[test]
fn usage_errors_exit_with_two() {
    for arguments in [&["--nonsense"][..], &[], &["print", "many"], &["--color=pink", "find"]] {
        let output = sample_plugin(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(stdout(&output), "");
        assert!(!stderr(&output).is_empty());
    }
}

#[test]
fn the_first_signal_stops_the_work() {
    for signal in ["INT", "TERM"] {
        let mut child = spawn(&["wait"]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "waiting");
        send(signal, &child);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130));
        assert_eq!(stderr(&output), "error: interrupted\n");
    }
}

#[test]
fn the_second_signal_ends_the_process_at_once() {
    let mut child = spawn(&["wait", "--stubborn"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "waiting");
    send("INT", &child);
    assert_eq!(lines.next().unwrap().unwrap(), "cleaning up");
    send("INT", &child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

fn spawn(arguments: &[&str]) -> Child {
    let mut command = sample_plugin(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn send(signal: &str, child: &Child) {
    let status =
        Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}
