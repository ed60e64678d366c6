//! Pods made from a workload's template, as a controller, the admission and a kubelet make them.

use serde_json::{Value, json};

use super::shape::{image_id, sign};
use crate::{
    admission,
    object::{child, list},
};

/// The gaps of all pods.
pub(super) const GAPS: &[&str] = &[
    "name",
    "namespace",
    "uid",
    "node",
    "host",
    "ip",
    "owner",
    "owner_uid",
    "hash",
    "token",
    "id",
    "app",
];

/// What controls the pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    ReplicaSet,
    DaemonSet,
}

impl Owner {
    fn kind(self) -> &'static str {
        match self {
            Self::ReplicaSet => "ReplicaSet",
            Self::DaemonSet => "DaemonSet",
        }
    }
}

/// How the pods are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum State {
    /// All containers run.
    Running,
    /// The node cannot pull the first container's image; the others run.
    Pulling,
}

/// A pod of that template (a Pod's metadata and spec) with gaps for what differs.
pub(super) fn pod(template: &Value, owner: Owner, state: State, created: &str) -> Value {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod"});
    let mut metadata = template["metadata"].clone();
    metadata["name"] = json!("{{name}}");
    metadata["generateName"] = json!("{{owner}}-");
    metadata["namespace"] = json!("{{namespace}}");
    metadata["uid"] = json!("{{uid}}");
    metadata["generation"] = json!(1);
    metadata["creationTimestamp"] = json!(created);
    let labels = child(&mut metadata, "labels");
    match owner {
        Owner::ReplicaSet => labels["pod-template-hash"] = json!("{{hash}}"),
        Owner::DaemonSet => {
            labels["controller-revision-hash"] = json!("{{hash}}");
            labels["pod-template-generation"] = json!("1");
        }
    }
    metadata["ownerReferences"] = json!([{
        "apiVersion": "apps/v1",
        "kind": owner.kind(),
        "name": "{{owner}}",
        "uid": "{{owner_uid}}",
        "controller": true,
        "blockOwnerDeletion": true,
    }]);
    pod["metadata"] = metadata;
    pod["spec"] = template["spec"].clone();
    admission::pod(&mut pod);
    let class = pod["status"]["qosClass"].take();
    pod.as_object_mut().map(|pod| pod.remove("status"));
    sign(None, &mut pod, "kube-controller-manager", "");
    // What admission and the scheduler add is noted as nobody's.
    admit(&mut pod["spec"], owner);
    pod["spec"]["nodeName"] = json!("{{node}}");
    let bare = pod.clone();
    pod["status"] = status(&pod["spec"], state, created);
    pod["status"]["qosClass"] = class;
    sign(Some(&bare), &mut pod, "kubelet", "status");
    pod
}

fn push(value: &mut Value, field: &str, item: Value) {
    match value.get_mut(field).and_then(Value::as_array_mut) {
        Some(items) => items.push(item),
        None => value[field] = json!([item]),
    }
}

/// What admission adds: the service account's token, and patience with lost nodes.
fn admit(spec: &mut Value, owner: Owner) {
    let token = json!("kube-api-access-{{token}}");
    let volume = json!({
        "name": token,
        "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [
                {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}},
            ]}},
        ]},
    });
    push(spec, "volumes", volume);
    let mount = json!({
        "name": token,
        "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
        "readOnly": true,
    });
    for field in ["initContainers", "containers"] {
        for container in spec.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten() {
            push(container, "volumeMounts", mount.clone());
        }
    }
    let all = list(spec, &["tolerations"]).contains(&json!({"operator": "Exists"}));
    if owner == Owner::ReplicaSet && !all {
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            let (operator, effect) = ("Exists", "NoExecute");
            let toleration = json!({"key": key, "operator": operator, "effect": effect, "tolerationSeconds": 300});
            push(spec, "tolerations", toleration);
        }
    }
}

fn status(spec: &Value, state: State, created: &str) -> Value {
    let running = state == State::Running;
    let condition = |kind: &str, holds: bool| {
        let mut condition = json!({
            "type": kind,
            "status": if holds { "True" } else { "False" },
            "observedGeneration": 1,
            "lastProbeTime": null,
            "lastTransitionTime": created,
        });
        if !holds {
            let first = &spec["containers"][0]["name"];
            condition["reason"] = json!("ContainersNotReady");
            let name = first.as_str().unwrap_or_default();
            condition["message"] = json!(format!("containers with unready status: [{name}]"));
        }
        condition
    };
    let mut number = 0;
    let mut containers = |field: &str, init: bool| -> Vec<Value> {
        let one = |(i, container): (usize, &Value)| {
            number += 1;
            container_status(container, number, init, !running && !init && i == 0, created)
        };
        list(spec, &[field]).iter().enumerate().map(one).collect()
    };
    let (inits, all) = (containers("initContainers", true), containers("containers", false));
    // On the network of its host, a pod has its host's address.
    let ip = if spec["hostNetwork"] == json!(true) { "{{host}}" } else { "{{ip}}" };
    let mut status = json!({
        "observedGeneration": 1,
        "phase": if running { "Running" } else { "Pending" },
        "conditions": [
            condition("PodReadyToStartContainers", true),
            condition("Initialized", true),
            condition("Ready", running),
            condition("ContainersReady", running),
            condition("PodScheduled", true),
        ],
        "containerStatuses": all,
        "hostIP": "{{host}}",
        "hostIPs": [{"ip": "{{host}}"}],
        "podIP": ip,
        "podIPs": [{"ip": ip}],
        "startTime": created,
    });
    if !inits.is_empty() {
        status["initContainerStatuses"] = json!(inits);
    }
    status
}

fn container_status(
    container: &Value,
    number: usize,
    init: bool,
    pulling: bool,
    created: &str,
) -> Value {
    let image = &container["image"];
    let mut status = json!({
        "name": container["name"],
        "image": image,
        "imageID": "",
        "lastState": {},
        "ready": !pulling,
        "restartCount": 0,
        "started": !init && !pulling,
    });
    if pulling {
        let image = image.as_str().unwrap_or_default();
        status["state"] = json!({"waiting": {
            "reason": "ImagePullBackOff",
            "message": format!("Back-off pulling image \"{image}\""),
        }});
        return status;
    }
    let id = format!("containerd://{{{{id}}}}{number:02x}");
    status["imageID"] = json!(image_id(image.as_str().unwrap_or_default()));
    status["state"] = if init {
        json!({"terminated": {
            "containerID": id,
            "exitCode": 0,
            "finishedAt": created,
            "reason": "Completed",
            "startedAt": created,
        }})
    } else {
        json!({"running": {"startedAt": created}})
    };
    status["containerID"] = json!(id);
    status["resources"] = container["resources"].clone();
    let mounts = list(container, &["volumeMounts"]).iter().map(|mount| {
        let mut mount = mount.clone();
        if mount["readOnly"] == json!(true) {
            mount["recursiveReadOnly"] = json!("Disabled");
        }
        mount
    });
    status["volumeMounts"] = mounts.collect();
    status
}
