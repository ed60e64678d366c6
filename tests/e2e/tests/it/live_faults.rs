//! Requests that fail on the way, one after the other, and execs that are cut.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use kubesim::{Fault, Kind};
use netlab::require_root_netns;

use crate::stage::Stage;

/// Runs that are under way at once. They wait more than they work.
const AT_ONCE: u64 = 12;

/// Whatever fails, a run ends by its `--timeout`, and by half a minute on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(4 + 30);

const FLAGS: [&str; 6] = ["--timeout", "4s", "--request-timeout", "1s", "--nodes", "none"];

/// All tries of one request.
const TRIES: u64 = 3;

/// Tries a fault that befalls so many requests from every position on.
async fn at_every_position(kind: Kind, times: u64) {
    let stage = Stage::of_objects("homelab-healthy").await;
    let healthy = stage.report(&FLAGS).await;
    assert_eq!(healthy.code, Some(0), "{healthy:#?}");
    let asked = stage.sim().journal().entries().len() as u64;
    assert!(asked > 20, "{asked} requests");

    let workers = (0..AT_ONCE).map(|worker| {
        let positions = (1 + worker..=asked).step_by(usize::try_from(AT_ONCE).unwrap());
        at_positions(positions, &kind, times)
    });
    join_all(workers).await;
}

async fn at_positions(positions: impl Iterator<Item = u64>, kind: &Kind, times: u64) {
    // A fault counts the requests of one server.
    let stage = Stage::of_objects("homelab-healthy").await;
    for position in positions {
        stage.sim().faults().clear();
        stage.sim().faults().add(Fault::new("*", kind.clone()).requests(position, times));
        let start = Instant::now();
        let run = stage.doctor(&FLAGS).await;
        let what = format!("{kind:?} at {position}: {} {}", run.stdout, run.stderr);
        assert!(matches!(run.code, Some(0 | 1 | 3)), "{what}");
        // Either there is a report, or it is said why there is none.
        assert!(!run.stdout.is_empty() || run.stderr.starts_with("error: "), "{what}");
        assert!(start.elapsed() < PATIENCE, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_request_hangs_there_is_a_report_in_time() {
    at_every_position(Kind::Hang, TRIES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_request_is_reset_there_is_a_report() {
    at_every_position(Kind::Reset, TRIES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_answer_is_cut_there_is_a_report() {
    at_every_position(Kind::Cut(20), TRIES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_answer_stalls_there_is_a_report_in_time() {
    at_every_position(Kind::Stall(20), TRIES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_request_fails_there_is_a_report() {
    at_every_position(Kind::Status { code: 500, retry_after: None }, TRIES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_token_runs_out_there_is_a_report() {
    at_every_position(Kind::ExpiredToken, u64::MAX).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exec_that_is_cut_keeps_what_had_come() {
    if !require_root_netns() {
        return;
    }
    let stage = Stage::with_nodes("homelab-clash").await;
    let mut found = Vec::new();
    for bytes in [1, 600, 4_000, 9_000, 10_000_000] {
        stage.sim().faults().clear();
        stage.sim().faults().add(Fault::new("*/exec?*", Kind::Cut(bytes)));
        let run = stage.doctor(&["-o", "json", "--timeout", "30s"]).await;
        let report = run.report();
        assert!(matches!(run.code, Some(0 | 1)), "{bytes}: {} {}", run.stdout, run.stderr);
        let unknown = report.unknown();
        let is_cut = unknown.iter().any(|line| line.contains("node"));
        assert_eq!(is_cut, bytes < 10_000_000, "{bytes}: {unknown:#?}");
        found.push(!report.verdicts().is_empty());
    }
    // The earlier the cut, the less is known; what is whole is judged.
    assert!(found.is_sorted(), "{found:?}");
    assert_eq!((found[0], found.last()), (false, Some(&true)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exec_that_stalls_ends_with_the_run() {
    if !require_root_netns() {
        return;
    }
    let stage = Stage::with_nodes("homelab-clash").await;
    stage.sim().faults().add(Fault::new("*/exec?*", Kind::Stall(3_000)));
    let start = Instant::now();
    let run = stage.doctor(&["--timeout", "4s"]).await;
    assert!(start.elapsed() < PATIENCE);
    let text = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("it took too long"), "{text} {}", run.stderr);
}
