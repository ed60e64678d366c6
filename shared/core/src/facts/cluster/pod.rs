//! Pods, one at a time.

use std::{net::IpAddr, sync::Arc};

use semver::Version;
use serde::{Deserialize, Serialize};

use super::{Component, Condition, ObjectReference, workload::image_version};
use crate::facts::NodeName;

/// A pod of Cilium's DaemonSet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentPod {
    /// Node that it runs on.
    pub node: NodeName,
    /// Pod name.
    pub name: String,
    /// Whether the pod's Ready condition holds.
    #[serde(default)]
    pub ready: bool,
    /// Namespace.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Image of the container `cilium-agent`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub image: String,
    /// When the pod started, RFC 3339: what changed in `cilium-config` since then it has not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
}

impl AgentPod {
    /// An agent of which nothing but name and node are known; it is not ready.
    pub fn named(name: impl Into<String>, node: impl Into<NodeName>) -> Self {
        Self {
            node: node.into(),
            name: name.into(),
            ready: false,
            namespace: String::new(),
            image: String::new(),
            started: None,
        }
    }

    /// The version that the image's tag says.
    pub fn version(&self) -> Option<Version> {
        image_version(&self.image)
    }
}

/// What `kubectl get pods -o wide` says of a pod. There may be 150 000 of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodRow {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Box<str>,
    /// Node that it is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeName>,
    /// Its address, of dual-stack pods the first. A pod in the host's network has the node's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// `STATUS` as kubectl prints it: `Running`, `CrashLoopBackOff`, `Init:0/1` …
    pub status: Arc<str>,
    /// Containers that are ready.
    #[serde(default)]
    pub ready: u16,
    /// All containers.
    #[serde(default)]
    pub containers: u16,
    /// How often containers were restarted.
    #[serde(default, skip_serializing_if = "crate::facts::is_zero")]
    pub restarts: u32,
}

impl PodRow {
    /// Whether the pod does what it should: it runs and is ready, or it is done.
    pub fn is_well(&self) -> bool {
        match &*self.status {
            "Running" => self.ready == self.containers,
            "Completed" | "Succeeded" => true,
            _ => false,
        }
    }
}

/// A pod in more detail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodDetail {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// What it belongs to, as far as that is known by labels and containers.
    pub component: Component,
    /// Node that it is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeName>,
    /// `status.phase`.
    pub phase: String,
    /// `STATUS` as kubectl prints it.
    pub status: String,
    /// `status.reason`, such as `Evicted`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// `status.message`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Whether it is in the host's network.
    pub host_network: bool,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// What made it: a ReplicaSet, a DaemonSet, a Node for static pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<ObjectReference>,
    /// When it was made, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// When the kubelet took it, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// When it is to be gone, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion: Option<String>,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
    /// Containers, init containers first, in the order of the pod's spec.
    pub containers: Vec<ContainerStatus>,
}

/// A container of a pod, and how it does. Before the kubelet has said anything only the name and
/// the image are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    /// Name.
    pub name: String,
    /// Image, as written in the pod's spec.
    pub image: String,
    /// Whether it runs before the others.
    #[serde(skip_serializing_if = "crate::facts::is_zero")]
    pub init: bool,
    /// Whether it is ready.
    pub ready: bool,
    /// How often it was restarted.
    pub restarts: u32,
    /// When it began to run, RFC 3339; none where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running_since: Option<String>,
    /// Why it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminated: Option<Termination>,
    /// How it ended the time before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_terminated: Option<Termination>,
}

/// Why a container waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Waiting {
    /// Such as `ErrImagePull`.
    pub reason: String,
    /// In prose, redacted.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Termination {
    /// Exit code.
    pub exit_code: i32,
    /// Signal; 0 for none.
    #[serde(skip_serializing_if = "crate::facts::is_zero")]
    pub signal: i32,
    /// Such as `Error` or `OOMKilled`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Its last words, redacted; for agents the end of their log.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// When, RFC 3339.
    #[serde(rename = "finishedAt", skip_serializing_if = "Option::is_none")]
    pub finished: Option<String>,
}
