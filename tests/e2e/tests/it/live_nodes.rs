//! Which nodes are looked at from inside.

use kubesim::{Fault, Kind};

use crate::doctor::Run;
use crate::stage::Stage;

/// What a run complained of, as if its lines had no end.
fn complaint(run: &Run, code: i32) -> String {
    assert_eq!((run.code, &*run.stdout), (Some(code), ""), "{}", run.stderr);
    run.stderr.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_selector_that_no_node_fits_is_an_error() {
    let stage = Stage::of_objects("homelab-clash").await;
    let run = stage.doctor(&["--node-selector", "zone=moon"]).await;
    let text = complaint(&run, 3);
    assert!(text.contains("no node has the labels `zone=moon`"), "{text}");
    assert!(text.contains("hint: `kubectl get nodes --show-labels`"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_selector_is_wrong_usage() {
    let stage = Stage::of_objects("homelab-clash").await;
    let text = complaint(&stage.doctor(&["--node-selector", "zone in"]).await, 2);
    assert!(text.contains("`zone in` does not select nodes: "), "{text}");
    let both = ["--nodes", "node1", "--node-selector", "a=b"];
    let text = complaint(&stage.doctor(&both).await, 2);
    assert!(text.contains("--node-selector"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_selector_that_cannot_be_asked_leaves_nodes_unknown() {
    let stage = Stage::of_objects("homelab-healthy").await;
    let selected = "/api/v1/nodes?*labelSelector*";
    stage.sim().faults().add(Fault::new(selected, Kind::Forbidden));
    let run = stage.doctor(&["--node-selector", "kubernetes.io/os=linux"]).await;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let text = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = "nodes with the labels kubernetes.io/os=linux: forbidden: needs list nodes";
    assert!(text.contains(words), "{text}");
    let execs = stage.sim().journal().entries();
    assert!(!execs.iter().any(|entry| entry.route.contains("/exec")), "{execs:#?}");
    let strict =
        stage.doctor(&["--node-selector", "kubernetes.io/os=linux", "--fail-on", "unknown"]).await;
    assert_eq!(strict.code, Some(1), "{}", strict.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_selector_chooses_and_a_wrong_name_is_told() {
    let stage = Stage::of_objects("homelab-clash").await;
    let selector = "kubernetes.io/hostname=node2";
    let run = stage.doctor(&["--node-selector", selector, "-o", "json"]).await;
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["examined"]["nodes"], serde_json::json!(["node2"]));
    let run = stage.doctor(&["--nodes", "nobody"]).await;
    assert!(run.stdout.contains("the cluster has no node of this name"), "{}", run.stdout);
}
