//! Nodes, as Kubernetes and as Cilium keep them.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::facts::NodeName;

/// A CiliumNode, trimmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CiliumNode {
    /// Name, the same as the node's.
    pub name: NodeName,
    /// `spec.ipam.podCIDRs`, and the CIDRs of `spec.ipam.pools.allocated`.
    #[serde(default)]
    pub pod_cidrs: Vec<IpNet>,
    /// `spec.addresses`.
    #[serde(default)]
    pub addresses: Vec<NodeAddress>,
    /// `spec.health.ipv4` and `.ipv6`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health: Vec<IpAddr>,
    /// `status.ipam.operator-status.error`; empty when the operator is content.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub operator_error: String,
}

/// A Node, trimmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KubeNode {
    /// Name.
    pub name: NodeName,
    /// `spec.podCIDRs`: what the controller manager allocated.
    #[serde(default)]
    pub pod_cidrs: Vec<IpNet>,
    /// `status.addresses` that are IP addresses.
    #[serde(default)]
    pub addresses: Vec<NodeAddress>,
    /// `status.capacity.pods`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_pods: Option<u32>,
    /// Labels, which CiliumNodeConfigs and DaemonSets choose nodes by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Cilium's annotations: `network.cilium.io/…`, before 1.13 `io.cilium.network.…`; and with
    /// which flags K3s and RKE2 run, redacted: `k3s.io/node-args`, `rke2.io/node-args`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// `spec.taints`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taints: Vec<Taint>,
    /// `spec.unschedulable`: the node is cordoned.
    #[serde(default, skip_serializing_if = "crate::facts::is_zero")]
    pub unschedulable: bool,
    /// `status.conditions`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// `status.nodeInfo`.
    #[serde(default, skip_serializing_if = "crate::facts::is_zero")]
    pub info: NodeInfo,
    /// `spec.providerID`; empty where there is no cloud.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub provider_id: String,
    /// Number of images that the kubelet reports, at most 50 by default.
    #[serde(default, skip_serializing_if = "crate::facts::is_zero")]
    pub images: u32,
    /// Names of those whose name has `cilium` in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cilium_images: Vec<String>,
    /// When it joined, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
}

impl CiliumNode {
    /// A CiliumNode of which nothing but the name is known.
    pub fn named(name: impl Into<NodeName>) -> Self {
        Self {
            name: name.into(),
            pod_cidrs: Vec::new(),
            addresses: Vec::new(),
            health: Vec::new(),
            operator_error: String::new(),
        }
    }
}

impl KubeNode {
    /// A Node of which nothing but the name is known.
    pub fn named(name: impl Into<NodeName>) -> Self {
        Self {
            name: name.into(),
            pod_cidrs: Vec::new(),
            addresses: Vec::new(),
            max_pods: None,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            taints: Vec::new(),
            unschedulable: false,
            conditions: Vec::new(),
            info: NodeInfo::default(),
            provider_id: String::new(),
            images: 0,
            cilium_images: Vec::new(),
            created: None,
        }
    }

    /// Whether the kubelet says that it is fit to run pods.
    pub fn is_ready(&self) -> bool {
        self.condition("Ready").is_some_and(Condition::holds)
    }

    /// The condition of a type, such as `Ready`.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }

    /// Names of the labels `node-role.kubernetes.io/…`, such as `control-plane`.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.labels.keys().filter_map(|label| label.strip_prefix("node-role.kubernetes.io/"))
    }
}

/// `status.nodeInfo`, what rules use of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeInfo {
    /// `uname -r`.
    pub kernel_version: String,
    /// Such as `Debian GNU/Linux 12 (bookworm)`.
    pub os_image: String,
    /// Such as `containerd://1.7.24`.
    pub container_runtime_version: String,
    /// Such as `v1.35.0`.
    pub kubelet_version: String,
    /// Such as `amd64`.
    pub architecture: String,
}

/// A taint of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Taint {
    /// Such as `node.cilium.io/agent-not-ready`.
    pub key: String,
    /// Value; mostly empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
    /// When it was set, RFC 3339; only for `NoExecute`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_added: Option<String>,
}

/// A toleration of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Toleration {
    /// Key of the taint; empty for all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// `Exists`, `Equal`, or empty for `Equal`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub operator: String,
    /// Value of the taint, for `Equal`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// Effect of the taint; empty for all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub effect: String,
}

impl Toleration {
    /// Whether a pod with this toleration bears that taint.
    pub fn tolerates(&self, taint: &Taint) -> bool {
        let value_fits = match self.operator.as_str() {
            "" | "Equal" => self.value == taint.value,
            "Exists" => true,
            _ => false,
        };
        (self.effect.is_empty() || self.effect == taint.effect)
            && (self.key.is_empty() || self.key == taint.key)
            && value_fits
    }
}

/// A condition of a node, a pod or a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// Such as `Ready` or `NetworkUnavailable`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, in a word.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Why, in prose.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Since when, RFC 3339.
    #[serde(rename = "lastTransitionTime", skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

impl Condition {
    /// Whether it holds.
    pub fn holds(&self) -> bool {
        self.status == "True"
    }
}

/// An address of a node, with its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeAddress {
    /// `type`.
    pub kind: NodeAddressKind,
    /// The address.
    pub address: IpAddr,
}

/// `type` of a node's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NodeAddressKind {
    /// By which the nodes reach each other.
    InternalIP,
    /// By which the world reaches the node.
    ExternalIP,
    /// The address on `cilium_host`.
    CiliumInternalIP,
    /// Of another type.
    #[serde(other)]
    Other,
}

impl NodeAddress {
    /// Whether other machines use the address to reach the node itself.
    pub fn is_host_address(&self) -> bool {
        matches!(self.kind, NodeAddressKind::InternalIP | NodeAddressKind::ExternalIP)
    }
}
