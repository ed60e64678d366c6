//! What kubectl prints of a pod, made from the object.

use kcilium_core::decode::kubernetes::{Pod, page};
use serde_json::{Value, json};

/// `STATUS READY RESTARTS` of a pod with these containers.
fn printed(spec: &Value, status: &Value, is_deleted: bool) -> String {
    let mut metadata = json!({"name": "p", "namespace": "n"});
    if is_deleted {
        metadata["deletionTimestamp"] = json!("2026-11-23T01:00:00Z");
    }
    let pod = json!({"metadata": metadata, "spec": spec, "status": status}).to_string();
    let row = page::<Pod>(pod.as_bytes()).unwrap().items[0].row();
    format!("{} {}/{} {}", row.status, row.ready, row.containers, row.restarts)
}

fn container(name: &str, ready: bool, restarts: u32, state: &Value) -> Value {
    json!({"name": name, "ready": ready, "restartCount": restarts, "state": state, "started": ready})
}

fn running() -> Value {
    json!({"running": {"startedAt": "2026-11-23T01:00:00Z"}})
}

fn terminated(exit_code: i32, reason: &str) -> Value {
    json!({"terminated": {"exitCode": exit_code, "reason": reason}})
}

#[test]
fn phases_and_their_reasons() {
    let one = json!({"containers": [{"name": "a"}]});
    let gated = json!([{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]);
    let runs =
        json!({"phase": "Running", "containerStatuses": [container("a", true, 2, &running())]});
    let is_done = json!({"phase": "Succeeded",
        "containerStatuses": [container("a", false, 0, &terminated(0, "Completed"))]});
    for (status, is_deleted, expected) in [
        (json!({"phase": "Pending"}), false, "Pending 0/1 0"),
        (json!({"phase": "Failed", "reason": "Evicted"}), false, "Evicted 0/1 0"),
        (json!({"phase": "Pending", "conditions": gated}), false, "SchedulingGated 0/1 0"),
        (runs.clone(), false, "Running 1/1 2"),
        (runs, true, "Terminating 1/1 2"),
        (is_done, true, "Completed 0/1 0"),
        (json!({"phase": "Running", "reason": "NodeLost"}), true, "Unknown 0/1 0"),
    ] {
        assert_eq!(printed(&one, &status, is_deleted), expected, "{status}");
    }
}

#[test]
fn containers_that_wait_ended_or_go_on_alone() {
    let spec = json!({"containers": [{"name": "a"}, {"name": "b"}]});
    let signal = json!({"terminated": {"exitCode": 137, "signal": 9}});
    let waiting = json!({"waiting": {"reason": "ImagePullBackOff"}});
    for (a, is_ready, expected) in [
        (&signal, false, "Signal:9 1/2 1"),
        (&terminated(3, ""), false, "ExitCode:3 1/2 1"),
        (&terminated(1, "OOMKilled"), false, "OOMKilled 1/2 1"),
        (&waiting, false, "ImagePullBackOff 1/2 1"),
        (&terminated(0, "Completed"), false, "NotReady 1/2 1"),
        (&terminated(0, "Completed"), true, "Running 1/2 1"),
    ] {
        let ready = if is_ready { "True" } else { "False" };
        let status = json!({"phase": "Running",
            "conditions": [{"type": "Ready", "status": ready}],
            "containerStatuses": [container("a", false, 1, a), container("b", true, 0, &running())]});
        assert_eq!(printed(&spec, &status, false), expected, "{a}");
    }
}

#[test]
fn init_containers_and_sidecars() {
    let spec = json!({
        "initContainers": [{"name": "i"}, {"name": "s", "restartPolicy": "Always"}],
        "containers": [{"name": "a"}],
    });
    let is_done = container("i", false, 5, &terminated(0, "Completed"));
    let waits = |name: &str, reason: &str| {
        container(name, false, 3, &json!({"waiting": {"reason": reason}}))
    };
    for (init, expected) in [
        (json!([waits("i", "CrashLoopBackOff")]), "Init:CrashLoopBackOff 0/2 3"),
        (json!([container("i", false, 1, &terminated(1, "Error"))]), "Init:Error 0/2 1"),
        (json!([container("i", false, 0, &terminated(2, ""))]), "Init:ExitCode:2 0/2 0"),
        (json!([is_done, waits("s", "PodInitializing")]), "Init:1/2 0/2 8"),
    ] {
        let status = json!({"phase": "Pending", "initContainerStatuses": init});
        assert_eq!(printed(&spec, &status, false), expected, "{init}");
    }
    // Restarts of init containers that are done do not count, those of sidecars do.
    let status = json!({"phase": "Running",
        "initContainerStatuses": [is_done, container("s", true, 1, &running())],
        "containerStatuses": [container("a", true, 1, &running())]});
    assert_eq!(printed(&spec, &status, false), "Running 2/2 2");
}
