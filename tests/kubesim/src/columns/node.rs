//! Nodes.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{AGE, NAME, name, old, or_none, shown, wide};
use crate::{
    object::{list, text},
    table::Column,
};

pub(super) const NODE: &[Column] = &[
    NAME,
    shown("Status"),
    shown("Roles"),
    AGE,
    shown("Version"),
    wide("Internal-IP"),
    wide("External-IP"),
    wide("OS-Image"),
    wide("Kernel-Version"),
    wide("Container-Runtime"),
];

pub(super) fn node(object: &Value, now: Timestamp) -> Vec<Value> {
    let ready = list(object, &["status", "conditions"])
        .iter()
        .find(|condition| condition["type"] == "Ready")
        .map_or(
            "Unknown",
            |condition| {
                if condition["status"] == "True" { "Ready" } else { "NotReady" }
            },
        );
    let mut status = ready.to_owned();
    if object["spec"]["unschedulable"] == json!(true) {
        status.push_str(",SchedulingDisabled");
    }
    let roles: BTreeSet<&str> = crate::object::labels(object)
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| match key.as_str() {
            "kubernetes.io/role" => value.as_str(),
            key => key.strip_prefix("node-role.kubernetes.io/"),
        })
        .filter(|role| !role.is_empty())
        .collect();
    let address = |kind: &str| {
        list(object, &["status", "addresses"])
            .iter()
            .find(|address| address["type"] == kind)
            .map_or("<none>", |address| text(address, &["address"]))
    };
    let info = |field: &str| match text(object, &["status", "nodeInfo", field]) {
        "" => json!("<unknown>"),
        text => json!(text),
    };
    vec![
        name(object),
        json!(status),
        or_none(&roles.into_iter().collect::<Vec<_>>().join(",")),
        old(object, now),
        json!(text(object, &["status", "nodeInfo", "kubeletVersion"])),
        json!(address("InternalIP")),
        json!(address("ExternalIP")),
        info("osImage"),
        info("kernelVersion"),
        info("containerRuntimeVersion"),
    ]
}
