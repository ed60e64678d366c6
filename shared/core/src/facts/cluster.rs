//! What the API server knows.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{CiliumConfig, Fact, NodeName};

/// Cluster-wide facts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterFacts {
    /// The live configuration (`cilium-config`), normalised.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub config: Fact<CiliumConfig>,
    /// All CiliumNodes.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub cilium_nodes: Fact<Vec<CiliumNode>>,
    /// All Nodes.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub nodes: Fact<Vec<KubeNode>>,
    /// Service CIDRs, as written in the cluster.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub service_cidrs: Fact<Vec<String>>,
    /// API server addresses that the cluster publishes.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub api_servers: Fact<Vec<IpAddr>>,
    /// Agent pods; an empty list says that Cilium's DaemonSet has none or is gone.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub agents: Fact<Vec<AgentPod>>,
}

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
}
