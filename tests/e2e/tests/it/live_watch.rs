//! `--watch`: a cluster that is looked at until all is well.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, Command, Stdio};

use kubesim::{Fault, Kind};
use tokio::task::block_in_place;

use crate::stage::Stage;

const FLAGS: [&str; 6] = ["--watch", "--interval", "200ms", "--nodes", "none", "--fail-on=warn"];

/// A doctor that watches.
pub(crate) struct Watch {
    child: Child,
    changes: BufReader<ChildStderr>,
}

impl Watch {
    fn of(stage: &Stage, timeout: &str) -> Self {
        Self::by(stage.command(&[&FLAGS[..], &["--timeout", timeout]].concat()))
    }

    /// The command, started.
    pub(crate) fn by(mut command: Command) -> Self {
        command.env("COLUMNS", "80").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let changes = BufReader::new(child.stderr.take().unwrap());
        Self { child, changes }
    }

    /// Reads changes up to one that says so.
    pub(crate) fn until(&mut self, words: &str) -> Vec<String> {
        let mut read = Vec::new();
        loop {
            let mut line = String::new();
            let count = block_in_place(|| self.changes.read_line(&mut line)).unwrap();
            assert_ne!(count, 0, "{words} never comes: {read:#?}");
            let is_last = line.contains(words);
            read.push(line);
            if is_last {
                return read;
            }
        }
    }

    /// Its exit code, its report, and the rest of the changes.
    pub(crate) fn end(mut self) -> (Option<i32>, String, String) {
        let (mut report, mut rest) = (String::new(), String::new());
        block_in_place(|| {
            self.child.stdout.take().unwrap().read_to_string(&mut report).unwrap();
            self.changes.read_to_string(&mut rest).unwrap();
            (self.child.wait().unwrap().code(), report, rest)
        })
    }
}

fn make_ill(stage: &Stage) {
    stage.change("coordination.k8s.io", "leases", "cilium-operator-resource-lock", |lease| {
        lease["spec"]["renewTime"] = "2023-10-08T11:27:07.277253Z".into();
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_is_mended_ends_the_watch_even_if_the_server_was_gone() {
    let stage = Stage::of_objects("homelab-healthy").await;
    make_ill(&stage);
    let mut watch = Watch::of(&stage, "120s");
    let first = watch.until("watch: ");
    assert_eq!(first, ["watch: something is wrong: OP-05\n"]);
    stage.sim().faults().add(Fault::new("*", Kind::Reset));
    watch.until("watch: not known: ");
    stage.renew_lease();
    stage.sim().faults().clear();
    watch.until("watch: all is well");
    let (code, report, rest) = watch.end();
    assert_eq!(code, Some(0), "{report} {rest}");
    assert!(report.contains("No trouble found"), "{report}");
    assert_eq!(rest, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_still_ill_when_the_time_is_over_is_told_so_once() {
    let stage = Stage::of_objects("homelab-healthy").await;
    make_ill(&stage);
    let (code, report, changes) = Watch::of(&stage, "6s").end();
    assert_eq!(code, Some(1), "{report} {changes}");
    assert!(report.contains("OP-05"), "{report}");
    assert_eq!(changes, "watch: something is wrong: OP-05\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_ends_the_watch() {
    let stage = Stage::of_objects("homelab-healthy").await;
    make_ill(&stage);
    let mut watch = Watch::of(&stage, "120s");
    watch.until("something is wrong");
    let pid = watch.child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let (code, report, _) = watch.end();
    assert_eq!((code, &*report), (Some(130), ""));
}
