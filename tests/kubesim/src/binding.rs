//! `pods/binding`: what a scheduler does to a pod.

use serde_json::{Value, json};

use crate::{
    object::{list, meta, now, terminating, text},
    status::{ApiError, ApiResult, Cause, Subject},
};

/// Binds the pod to the node that the Binding names.
pub(crate) fn bind(pod: &mut Value, binding: &Value) -> ApiResult<()> {
    let name = meta(pod, "name").to_owned();
    let node = text(binding, &["target", "name"]);
    let mut causes = Vec::new();
    if !matches!(text(binding, &["target", "kind"]), "" | "Node") {
        let kinds = ["Node", "<empty>"];
        causes.push(Cause::unsupported("target.kind", &binding["target"]["kind"], &kinds));
    }
    if node.is_empty() {
        causes.push(Cause::required("target.name", ""));
    }
    if !causes.is_empty() {
        let subject = Subject { group: "", resource: "Binding", name: &name };
        return Err(ApiError::invalid(&subject, &causes));
    }
    let conflict = |why: &str| {
        let subject = Subject { group: "", resource: "pods/binding", name: &name };
        Err(ApiError::conflict(&subject, why))
    };
    if terminating(pod) {
        return conflict(&format!("pod {name} is being deleted, cannot be assigned to a host"));
    }
    let taken = text(pod, &["spec", "nodeName"]);
    if !taken.is_empty() {
        return conflict(&format!("pod {name} is already assigned to node {taken:?}"));
    }
    pod["spec"]["nodeName"] = json!(node);
    let mut conditions = list(pod, &["status", "conditions"]).to_vec();
    conditions.retain(|condition| condition["type"] != "PodScheduled");
    conditions.push(json!({
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": null,
        "lastTransitionTime": now(),
    }));
    pod["status"]["conditions"] = json!(conditions);
    Ok(())
}
