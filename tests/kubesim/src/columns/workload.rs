//! Workloads: what makes pods.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{AGE, NAME, count, name, old, or_none, plain_selector, selector, shown, wide};
use crate::{
    object::{at, list, number, terminating, text},
    table::{Column, duration},
};

pub(super) const DEPLOYMENT: &[Column] = &[
    NAME,
    shown("Ready"),
    count("Up-to-date"),
    count("Available"),
    AGE,
    wide("Containers"),
    wide("Images"),
    wide("Selector"),
];
pub(super) const DAEMON_SET: &[Column] = &[
    NAME,
    count("Desired"),
    count("Current"),
    count("Ready"),
    count("Up-to-date"),
    count("Available"),
    shown("Node Selector"),
    AGE,
    wide("Containers"),
    wide("Images"),
    wide("Selector"),
];
pub(super) const REPLICA_SET: &[Column] = &[
    NAME,
    count("Desired"),
    count("Current"),
    count("Ready"),
    AGE,
    wide("Containers"),
    wide("Images"),
    wide("Selector"),
];
pub(super) const STATEFUL_SET: &[Column] =
    &[NAME, shown("Ready"), AGE, wide("Containers"), wide("Images")];
pub(super) const JOB: &[Column] = &[
    NAME,
    shown("Status"),
    shown("Completions"),
    shown("Duration"),
    AGE,
    wide("Containers"),
    wide("Images"),
    wide("Selector"),
];

/// The last three or two wide columns of workloads.
fn template(object: &Value, cells: &mut Vec<Value>) {
    let containers = list(object, &["spec", "template", "spec", "containers"]);
    for field in ["name", "image"] {
        let words: Vec<_> = containers.iter().map(|container| text(container, &[field])).collect();
        cells.push(json!(words.join(",")));
    }
}

pub(super) fn deployment(object: &Value, now: Timestamp) -> Vec<Value> {
    let status = &object["status"];
    let ready =
        format!("{}/{}", number(status, &["readyReplicas"]), number(object, &["spec", "replicas"]));
    let mut cells = vec![
        name(object),
        json!(ready),
        json!(number(status, &["updatedReplicas"])),
        json!(number(status, &["availableReplicas"])),
        old(object, now),
    ];
    template(object, &mut cells);
    cells.push(json!(selector(&object["spec"]["selector"])));
    cells
}

pub(super) fn daemon_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let mut cells = vec![name(object)];
    for field in [
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    ] {
        cells.push(json!(number(object, &["status", field])));
    }
    cells.push(or_none(&plain_selector(&object["spec"]["template"]["spec"]["nodeSelector"])));
    cells.push(old(object, now));
    template(object, &mut cells);
    cells.push(json!(selector(&object["spec"]["selector"])));
    cells
}

pub(super) fn replica_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let mut cells = vec![
        name(object),
        json!(number(object, &["spec", "replicas"])),
        json!(number(object, &["status", "replicas"])),
        json!(number(object, &["status", "readyReplicas"])),
        old(object, now),
    ];
    template(object, &mut cells);
    cells.push(json!(selector(&object["spec"]["selector"])));
    cells
}

pub(super) fn stateful_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let ready = number(object, &["status", "readyReplicas"]);
    let ready = format!("{ready}/{}", number(object, &["spec", "replicas"]));
    let mut cells = vec![name(object), json!(ready), old(object, now)];
    template(object, &mut cells);
    cells
}

pub(super) fn job(object: &Value, now: Timestamp) -> Vec<Value> {
    let condition = |kind: &str| {
        list(object, &["status", "conditions"])
            .iter()
            .any(|condition| condition["type"] == kind && condition["status"] == "True")
    };
    let status = [("Complete", "Complete"), ("Failed", "Failed"), ("Suspended", "Suspended")]
        .into_iter()
        .find(|(kind, _)| condition(kind))
        .map_or(if terminating(object) { "Terminating" } else { "Running" }, |(_, word)| word);
    let done = number(object, &["status", "succeeded"]);
    let wanted = at(object, &["spec", "completions"]).and_then(Value::as_i64).unwrap_or(1);
    let start = text(object, &["status", "startTime"]).parse::<Timestamp>();
    let end = text(object, &["status", "completionTime"]).parse::<Timestamp>().unwrap_or(now);
    let took = start.map(|start| duration(end.as_second() - start.as_second())).unwrap_or_default();
    let mut cells = vec![
        name(object),
        json!(status),
        json!(format!("{done}/{wanted}")),
        json!(took),
        old(object, now),
    ];
    template(object, &mut cells);
    cells.push(json!(selector(&object["spec"]["selector"])));
    cells
}
