//! How runs end: by themselves, by order, by their deadline.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kcilium_core::probe::{Ending, Outcome, Summary};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::agent::{Running, agent, start};
use crate::lab::{iptables, world};

/// A probe that nobody answers.
fn lost(index: usize, timeout: u64) -> Value {
    json!({"id": format!("tcp/{index}/with-a-name-that-takes-room"), "kind": "tcp",
           "host": "10.9.0.9", "port": 443, "timeoutMs": timeout})
}

/// Waits for the first line of a run.
fn first_line(running: &mut Running) -> String {
    let mut line = String::new();
    // Byte by byte: the rest is for `end`.
    let stdout = running.child.stdout.as_mut().unwrap();
    BufReader::with_capacity(1, stdout).read_line(&mut line).unwrap();
    line
}

fn signal(running: &Running, signal: Signal) {
    kill_process(Pid::from_child(&running.child), signal).unwrap();
}

#[test]
fn hundreds_of_probes_take_about_one_timeout_and_fit_into_the_message() {
    let Some(world) = world("five hundred") else { return };
    iptables(&world.far, "-A INPUT -p tcp -j DROP");
    let probes: Vec<Value> = (0..500).map(|index| lost(index, 1000)).collect();
    let begin = Instant::now();
    let run = start(&world.near, &json!({"probes": probes}), &[]).end();
    // 256 at a time: two timeouts, and not five hundred.
    assert!(begin.elapsed() < Duration::from_mins(1), "{:?}", begin.elapsed());
    assert_eq!(run.code, Some(0));
    assert_eq!(run.results().len(), 500);
    let summary = run.summary();
    assert_eq!(summary.ending, Ending::Finished);
    assert_eq!(summary.outcomes[&Outcome::Timeout], 500);
    assert_eq!(summary.results.len() + summary.omitted, 500);
    assert!(run.message.len() > Summary::LIMIT * 3 / 4, "{} bytes", run.message.len());
}

#[test]
fn at_the_deadline_all_is_told() {
    let Some(world) = world("deadline") else { return };
    iptables(&world.far, "-A INPUT -p tcp -j DROP");
    let probes: Vec<Value> = (0..300).map(|index| lost(index, 60_000)).collect();
    let begin = Instant::now();
    let run = start(&world.near, &json!({"probes": probes}), &["--deadline", "1"]).end();
    assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    assert_eq!(run.code, Some(124));
    let results = run.results();
    assert_eq!(results.len(), 300);
    for result in results {
        assert_eq!(result.outcome, Outcome::NotRun);
        assert_eq!(result.why.as_deref(), Some("the run's deadline came first"));
    }
    assert_eq!(run.summary().ending, Ending::Deadline);
}

#[test]
fn a_request_that_never_ends_meets_the_deadline() {
    let dir = tempfile::tempdir().unwrap();
    let message = dir.path().join("message");
    let mut child = agent()
        .args(["probe", "--deadline", "1", "--termination-message"])
        .arg(&message)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let stdin = child.stdin.take();
    let status = child.wait().unwrap();
    drop(stdin);
    assert_eq!(status.code(), Some(124));
    let text = std::fs::read_to_string(message).unwrap();
    assert_eq!(Summary::parse(&text).unwrap().ending, Ending::Deadline);
}

#[test]
fn told_to_end_it_waits_for_what_it_has_sent() {
    let Some(world) = world("sigterm") else { return };
    iptables(&world.far, "-A INPUT -p tcp -j DROP");
    let mut probes = vec![json!({"id": "server", "kind": "echo-server", "port": 0,
                                 "timeoutMs": 60_000})];
    probes.extend((0..400).map(|index| lost(index, 1500)));
    for order in [Signal::TERM, Signal::INT] {
        let mut running = start(&world.near, &json!({"probes": probes}), &[]);
        assert!(first_line(&mut running).contains("listening"));
        signal(&running, order);
        let run = running.end();
        assert_eq!(run.code, Some(130), "{}", run.stderr);
        let results = run.results();
        let count = |outcome| results.iter().filter(|result| result.outcome == outcome).count();
        // What had begun was waited for, the rest has not begun.
        assert!(count(Outcome::Timeout) >= 255 && count(Outcome::NotRun) > 0, "{}", run.message);
        assert_eq!(count(Outcome::Timeout) + count(Outcome::NotRun), 400);
        assert_eq!(count(Outcome::Ok), 1);
        let summary = run.summary();
        assert_eq!(summary.ending, Ending::Terminated);
        assert_eq!(summary.outcomes.values().sum::<usize>(), 401);
    }
}

#[test]
fn told_twice_it_waits_for_nothing() {
    let Some(world) = world("sigterm twice") else { return };
    iptables(&world.far, "-A INPUT -p tcp -j DROP");
    let probes = json!([
        {"id": "server", "kind": "echo-server", "port": 0, "timeoutMs": 100},
        lost(0, 120_000),
    ]);
    let begin = Instant::now();
    let mut running = start(&world.near, &json!({"probes": probes}), &[]);
    assert!(first_line(&mut running).contains("listening"));
    signal(&running, Signal::TERM);
    // The server's end shows that the first order was heard.
    assert!(first_line(&mut running).contains(r#""outcome":"ok""#));
    signal(&running, Signal::TERM);
    let run = running.end();
    assert!(begin.elapsed() < Duration::from_mins(1));
    assert_eq!(run.code, Some(130));
    assert_eq!(run.summary().outcomes[&Outcome::NotRun], 1);
}

#[test]
fn a_reader_that_leaves_does_not_keep_the_summary_from_being_written() {
    let dir = tempfile::tempdir().unwrap();
    let (message, request) = (dir.path().join("message"), dir.path().join("request"));
    let probes = json!([{"id": "nothing", "kind": "of-tomorrow"}]);
    std::fs::write(&request, json!({"probes": probes}).to_string()).unwrap();
    let line = r#""$0" probe --request "$1" --termination-message "$2" | true"#;
    let program = env!("CARGO_BIN_EXE_kcilium-node-agent");
    let status = Command::new("sh")
        .args(["-c", line, program])
        .arg(&request)
        .arg(&message)
        .status()
        .unwrap();
    assert!(status.success());
    let text = std::fs::read_to_string(message).unwrap();
    assert_eq!(Summary::parse(&text).unwrap().outcomes[&Outcome::NotRun], 1);
}
