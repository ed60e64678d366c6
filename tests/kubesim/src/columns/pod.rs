//! Pods.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{AGE, NAME, name, old, or_none, shown, wide};
use crate::{
    object::{list, number, terminating, text},
    table::{Column, age},
};

pub(super) const POD: &[Column] = &[
    NAME,
    shown("Ready"),
    shown("Status"),
    shown("Restarts"),
    AGE,
    wide("IP"),
    wide("Node"),
    wide("Nominated Node"),
    wide("Readiness Gates"),
];

pub(super) fn pod(object: &Value, now: Timestamp) -> Vec<Value> {
    let (status, ready, restarts, last) = pod_status(object);
    let total = list(object, &["spec", "containers"]).len() + sidecars(object).count();
    let restarts = if restarts > 0 && !last.is_empty() {
        format!("{restarts} ({} ago)", age(&last, now))
    } else {
        restarts.to_string()
    };
    let ip = list(object, &["status", "podIPs"]).first().map_or_else(
        || text(object, &["status", "podIP"]).to_owned(),
        |ip| text(ip, &["ip"]).to_owned(),
    );
    let gates = list(object, &["spec", "readinessGates"]);
    let gates = if gates.is_empty() {
        json!("<none>")
    } else {
        let holds = |gate: &&Value| {
            list(object, &["status", "conditions"])
                .iter()
                .any(|c| c["type"] == gate["conditionType"] && c["status"] == "True")
        };
        json!(format!("{}/{}", gates.iter().filter(holds).count(), gates.len()))
    };
    vec![
        name(object),
        json!(format!("{ready}/{total}")),
        json!(status),
        json!(restarts),
        old(object, now),
        or_none(&ip),
        or_none(text(object, &["spec", "nodeName"])),
        or_none(text(object, &["status", "nominatedNodeName"])),
        gates,
    ]
}

fn sidecars(object: &Value) -> impl Iterator<Item = &Value> {
    list(object, &["spec", "initContainers"])
        .iter()
        .filter(|container| container["restartPolicy"] == "Always")
}

/// Why a container ended, as the status column says it.
fn ended(state: &Value) -> String {
    let reason = text(state, &["reason"]);
    if !reason.is_empty() {
        return reason.to_owned();
    }
    match number(state, &["signal"]) {
        0 => format!("ExitCode:{}", number(state, &["exitCode"])),
        signal => format!("Signal:{signal}"),
    }
}

/// Status word, ready containers, restarts, and when the last restart's predecessor ended.
fn pod_status(object: &Value) -> (String, usize, i64, String) {
    let phase = text(object, &["status", "phase"]);
    let mut reason = match text(object, &["status", "reason"]) {
        "" => phase.to_owned(),
        reason => reason.to_owned(),
    };
    let gated = list(object, &["status", "conditions"])
        .iter()
        .any(|c| c["type"] == "PodScheduled" && c["reason"] == "SchedulingGated");
    if gated {
        "SchedulingGated".clone_into(&mut reason);
    }
    let (mut restarts, mut last, mut ready) = (0, String::new(), 0);
    let mut note = |status: &Value| {
        restarts += number(status, &["restartCount"]);
        let finished = text(status, &["lastState", "terminated", "finishedAt"]);
        if finished > last.as_str() {
            finished.clone_into(&mut last);
        }
    };
    let mut initialising = false;
    let inits = list(object, &["status", "initContainerStatuses"]);
    for (i, status) in inits.iter().enumerate() {
        note(status);
        let sidecar = sidecars(object).any(|container| container["name"] == status["name"]);
        let state = &status["state"];
        if number(state, &["terminated", "exitCode"]) == 0 && state["terminated"].is_object() {
            continue;
        }
        if sidecar && status["started"] == json!(true) {
            ready += usize::from(status["ready"] == json!(true));
            continue;
        }
        let waiting = text(state, &["waiting", "reason"]);
        reason = if state["terminated"].is_object() {
            format!("Init:{}", ended(&state["terminated"]))
        } else if !waiting.is_empty() && waiting != "PodInitializing" {
            format!("Init:{waiting}")
        } else {
            format!("Init:{i}/{}", list(object, &["spec", "initContainers"]).len())
        };
        initialising = true;
        break;
    }
    if !initialising {
        let mut running = false;
        for status in list(object, &["status", "containerStatuses"]).iter().rev() {
            note(status);
            let state = &status["state"];
            let waiting = text(state, &["waiting", "reason"]);
            if !waiting.is_empty() {
                waiting.clone_into(&mut reason);
            } else if state["terminated"].is_object() {
                reason = ended(&state["terminated"]);
            } else if status["ready"] == json!(true) && state["running"].is_object() {
                running = true;
                ready += 1;
            }
        }
        if reason == "Completed" && running {
            let is_ready = list(object, &["status", "conditions"])
                .iter()
                .any(|c| c["type"] == "Ready" && c["status"] == "True");
            (if is_ready { "Running" } else { "NotReady" }).clone_into(&mut reason);
        }
    }
    if terminating(object) {
        let node_lost = text(object, &["status", "reason"]) == "NodeLost";
        if node_lost {
            "Unknown".clone_into(&mut reason);
        } else if !matches!(phase, "Succeeded" | "Failed") {
            "Terminating".clone_into(&mut reason);
        }
    }
    (reason, ready, restarts, last)
}
