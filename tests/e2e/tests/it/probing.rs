//! The doctor sends packets from nodes, if it may.

use kubesim::GroupResource;
use netlab::require_root_netns;
use serde_json::Value;

use crate::{packets::agent, stage::Stage};

/// Nothing of a run is in the store.
pub(crate) fn assert_nothing_is_left(stage: &Stage) {
    let store = stage.sim().store();
    for plural in ["namespaces", "pods", "configmaps", "secrets", "serviceaccounts"] {
        let id = GroupResource::new("", plural);
        let is_staged = |text: &str| text.starts_with("kcilium-probe-");
        let left: Vec<String> = store
            .all(&id)
            .filter(|(key, _)| is_staged(&key.namespace) || is_staged(&key.name))
            .map(|(key, _)| format!("{plural} {key:?}"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// How many namespaces somebody asked for.
pub(crate) fn namespaces_created(stage: &Stage) -> usize {
    let is_one = |entry: &kubesim::Entry| {
        entry.method == "POST" && entry.route.split('?').next() == Some("/api/v1/namespaces")
    };
    stage.sim().journal().entries().iter().filter(|entry| is_one(entry)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healthy_cluster_is_probed_and_nothing_is_left() {
    if !require_root_netns() {
        return;
    }
    let stage = Stage::with_nodes("homelab-healthy").await;
    let agent = agent(&stage);
    let flags = [
        "--probe=always",
        "--no-internet",
        "--node-agent",
        agent.to_str().unwrap(),
        "--nodes",
        "node1",
    ];
    let run = stage.doctor(&[&["snapshot", "-"], &flags[..]].concat()).await;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("creates, and removes at the end"), "{}", run.stderr);
    assert_nothing_is_left(&stage);
    assert_eq!(namespaces_created(&stage), 1);
    let snapshot: Value = serde_json::from_str(&run.stdout).unwrap();
    let probes = &snapshot["nodes"][0]["probes"];
    let ids: Vec<&str> = probes["known"]
        .as_array()
        .unwrap_or_else(|| panic!("{probes:#}\n{}", run.stderr))
        .iter()
        .map(|result| result["id"].as_str().unwrap())
        .collect();
    for vantage in ["host/", "pod/"] {
        assert!(ids.iter().any(|id| id.starts_with(vantage)), "{ids:?}");
    }
    assert!(!ids.iter().any(|id| id.contains("internet")), "{ids:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_terminal_and_a_word_nothing_is_created() {
    if !require_root_netns() {
        return;
    }
    let stage = Stage::with_nodes("homelab-healthy").await;
    let agent = agent(&stage);
    let agent = ["--no-internet", "--node-agent", agent.to_str().unwrap()];

    let report = stage.doctor(&[&["-o", "json"], &agent[..]].concat()).await;
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    assert_eq!(report["notTested"], serde_json::json!(["pod egress"]));

    // What is for probes alone is not passed over in silence.
    let run = stage.doctor(&[&["--allow-policy"], &agent[..]].concat()).await;
    assert!(run.stderr.contains("--probe probes without asking"), "{}", run.stderr);

    assert_eq!(namespaces_created(&stage), 0);
    assert_nothing_is_left(&stage);
}
