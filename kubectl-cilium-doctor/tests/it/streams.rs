//! Readers that leave, disks that are full, Ctrl-C.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;

use crate::doctor::{CLASH, Run, workspace};

fn doctor(arguments: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin!("kubectl-cilium_doctor"));
    command
        .args(arguments)
        .current_dir(workspace())
        .env("NO_COLOR", "1")
        .env("COLUMNS", "80")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Command lines that print a result, and how they end when somebody reads it.
const PRINTING: [(&[&str], i32); 5] = [
    (&["--from", CLASH], 1),
    (&["--from", CLASH, "-o", "yaml"], 1),
    (&["snapshot", "-", "--from", CLASH], 0),
    (&["rules"], 0),
    (&["--help"], 0),
];

#[test]
fn a_reader_that_has_gone_is_no_failure_and_changes_no_verdict() {
    for (arguments, code) in PRINTING {
        // The pipe has no reader before the first byte is written.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = doctor(arguments).stdout(writer).output().unwrap();
        let run = Run::of(output);
        assert_eq!((run.code, &*run.stderr), (Some(code), ""), "{arguments:?}");
    }
}

#[test]
fn the_first_line_alone_may_be_read() {
    let mut child = doctor(&["--from", CLASH]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap().split(' ').next(), Some("Examined:"));
    drop(lines);
    let run = Run::of(child.wait_with_output().unwrap());
    assert_eq!((run.code, &*run.stderr), (Some(1), ""));
}

#[test]
fn closed_streams_do_no_harm() {
    for (arguments, code) in PRINTING {
        for redirection in [">&-", "2>&-", "<&-", ">&- 2>&- <&-"] {
            let mut command = Command::new("sh");
            command.args(["-c", &format!(r#"exec "$@" {redirection}"#), "sh"]);
            command.arg(cargo_bin!("kubectl-cilium_doctor")).args(arguments);
            let run = Run::of(command.current_dir(workspace()).output().unwrap());
            assert_eq!(run.stderr, "", "{arguments:?} {redirection}");
            assert_eq!(run.code, Some(code), "{arguments:?} {redirection}");
        }
    }
}

#[test]
fn a_full_disk_is_told() {
    for (arguments, _) in PRINTING {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let run = Run::of(doctor(arguments).stdout(full).output().unwrap());
        assert_eq!(run.code, Some(3), "{arguments:?}");
        assert!(run.stderr.starts_with("error: cannot write"), "{}", run.stderr);
        assert!(run.stderr.contains("No space left on device"), "{}", run.stderr);
    }
}

#[test]
fn standard_error_that_is_full_changes_nothing() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = doctor(&["--from", "none.json"]).stderr(full).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
}

/// How a child ended: its own code, or the signal. Kills it when it does not.
fn ending(mut child: Child) -> (Option<i32>, Option<i32>) {
    use std::os::unix::process::ExitStatusExt as _;
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code(), status.signal());
        }
        if begun.elapsed() > Duration::from_secs(10) {
            child.kill().unwrap();
            panic!("it does not end");
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn ctrl_c_ends_a_run_that_waits_for_its_input() {
    const SIGINT: i32 = 2;
    for beginning in ["", "{\"schemaVersion\": \"1.0\", \"nodes\": ["] {
        let mut child = doctor(&["--from", "-"]).stdin(Stdio::piped()).spawn().unwrap();
        // Held open: the end of the input never comes.
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(beginning.as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(200));
        assert!(child.try_wait().unwrap().is_none(), "it waits");
        let kill = Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let ending = ending(child);
        assert!(ending == (Some(130), None) || ending == (None, Some(SIGINT)), "{ending:?}");
    }
}
