//! The shapes of a fleet's objects, read from the templates in `tests/kubesim/fleet`.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::serial::{Use, hex};
use crate::{
    load,
    object::{meta, text},
    patch::{Manager, Shape, track},
};

/// The image's digest, the same wherever it is named.
pub(super) fn image_id(image: &str) -> String {
    let (name, tag) = image.rsplit_once(':').unwrap_or((image, ""));
    let seed = name.bytes().chain(tag.bytes()).fold(0, |sum: usize, byte| {
        sum.wrapping_mul(31).wrapping_add(usize::from(byte)) & 0xffff_ffff
    });
    format!("{name}@sha256:{}", hex(Use::Image, seed, 64))
}

/// Notes in `managedFields` that `manager` wrote what `object` has and `old` has not.
pub(super) fn sign(old: Option<&Value>, object: &mut Value, manager: &str, subresource: &str) {
    let writer = Manager {
        name: manager.to_owned(),
        operation: "Update".to_owned(),
        api_version: text(object, &["apiVersion"]).to_owned(),
        subresource: subresource.to_owned(),
        time: meta(object, "creationTimestamp").to_owned(),
        fields: std::collections::BTreeSet::new(),
    };
    let kind = text(object, &["kind"]).to_owned();
    track(old, object, writer, Shape::Builtin(&kind));
}

/// Signs an object whose status is another's than the rest.
fn signed(mut object: Value, manager: &str, status_manager: &str) -> Value {
    let status = object.as_object_mut().and_then(|object| object.remove("status"));
    sign(None, &mut object, manager, "");
    let bare = object.clone();
    object["status"] = status.unwrap_or_default();
    sign(Some(&bare), &mut object, status_manager, "status");
    object
}

/// The cluster around the fleet, its gaps filled.
pub(super) fn cluster(fillings: &[(&str, &str)]) -> Result<Vec<Value>> {
    let (gaps, fillings): (Vec<_>, Vec<_>) = fillings.iter().copied().unzip();
    let mut text = String::new();
    crate::template::Template::parse(include_str!("../../fleet/cluster.yaml"), &gaps)?
        .write(&fillings, &mut text);
    load::read(&text)
}

/// The Deployment of a team, but for its replicas and its status.
pub(super) fn workload() -> Result<Value> {
    one(include_str!("../../fleet/workload.yaml"))
}

/// The gaps of [`node`].
pub(super) const NODE_GAPS: &[&str] =
    &["name", "uid", "zone", "ip", "cidr", "internal", "health", "boot", "machine"];

/// A worker.
pub(super) fn node() -> Result<Value> {
    let mut node = one(include_str!("../../fleet/node.yaml"))?;
    let images = include_str!("../../fleet/images.txt").lines().enumerate().map(|(i, image)| {
        // Kubelets list the largest first.
        json!({"names": [image_id(image), image], "sizeBytes": 506_318_274 / (i + 1)})
    });
    node["status"]["images"] = images.collect();
    Ok(signed(node, "kube-controller-manager", "kubelet"))
}

/// The gaps of a [`CiliumObjects::node`].
pub(super) const CILIUM_NODE_GAPS: &[&str] =
    &["name", "uid", "node_uid", "zone", "ip", "cidr", "internal", "health"];
/// The gaps of a [`CiliumObjects::endpoint`].
pub(super) const ENDPOINT_GAPS: &[&str] = &[
    "name",
    "namespace",
    "uid",
    "pod_uid",
    "app",
    "hash",
    "id",
    "endpoint",
    "identity",
    "ip",
    "host",
];
/// The gaps of a [`CiliumObjects::identity`].
pub(super) const IDENTITY_GAPS: &[&str] = &["identity", "uid", "namespace", "app"];

/// What Cilium keeps of a fleet in the cluster.
pub(super) struct CiliumObjects {
    pub node: Value,
    endpoint: Value,
    pub identity: Value,
}

impl CiliumObjects {
    /// Reads the templates.
    pub(super) fn read() -> Result<Self> {
        let read = load::read(include_str!("../../fleet/cilium-objects.yaml"))?;
        let [node, endpoint, identity] =
            <[Value; 3]>::try_from(read).ok().context("a node, an endpoint and an identity")?;
        Ok(Self { node, endpoint, identity })
    }

    /// An endpoint of that age.
    pub(super) fn endpoint(&self, created: &str) -> Value {
        let mut endpoint = self.endpoint.clone();
        endpoint["metadata"]["creationTimestamp"] = json!(created);
        endpoint
    }
}

fn one(text: &str) -> Result<Value> {
    load::read(text)?.into_iter().next().context("one object")
}

/// How many pods a Deployment wants, and how many of them are ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Replicas {
    pub wanted: usize,
    pub ready: usize,
}

/// The Deployment at work.
pub(super) fn deployment(workload: &Value, replicas: Replicas, created: &str) -> Value {
    let Replicas { wanted, ready } = replicas;
    let mut deployment = workload.clone();
    deployment["metadata"]["creationTimestamp"] = json!(created);
    deployment["spec"]["replicas"] = json!(wanted);
    // Up to a quarter may be missing.
    let enough = wanted - ready <= wanted / 4;
    let (status, reason, message) = if enough {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    deployment["status"] = json!({
        "observedGeneration": 1,
        "replicas": wanted,
        "updatedReplicas": wanted,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "conditions": [{
            "type": "Available",
            "status": status,
            "reason": reason,
            "message": message,
            "lastTransitionTime": created,
            "lastUpdateTime": created,
        }],
    });
    if ready < wanted {
        deployment["status"]["unavailableReplicas"] = json!(wanted - ready);
    }
    signed(deployment, "kubectl-client-side-apply", "kube-controller-manager")
}

/// The gaps of a [`replica_set`].
pub(super) const REPLICA_SET_GAPS: &[&str] = &["app", "namespace", "uid", "owner_uid", "hash"];

/// The one ReplicaSet of a Deployment.
pub(super) fn replica_set(deployment: &Value, replicas: Replicas) -> Value {
    let Replicas { wanted, ready } = replicas;
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"]["pod-template-hash"] = json!("{{hash}}");
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"]["pod-template-hash"] = json!("{{hash}}");
    let set = json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": "{{app}}-{{hash}}",
            "namespace": deployment["metadata"]["namespace"],
            "uid": "{{uid}}",
            "generation": 1,
            "creationTimestamp": deployment["metadata"]["creationTimestamp"],
            "labels": template["metadata"]["labels"],
            "annotations": {
                "deployment.kubernetes.io/desired-replicas": wanted.to_string(),
                "deployment.kubernetes.io/revision": "1",
            },
            "ownerReferences": [{
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": "{{app}}",
                "uid": "{{owner_uid}}",
                "controller": true,
                "blockOwnerDeletion": true,
            }],
        },
        "spec": {"replicas": wanted, "selector": selector, "template": template},
        "status": {
            "observedGeneration": 1,
            "replicas": wanted,
            "fullyLabeledReplicas": wanted,
            "readyReplicas": ready,
            "availableReplicas": ready,
        },
    });
    signed(set, "kube-controller-manager", "kube-controller-manager")
}
