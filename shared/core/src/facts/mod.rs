//! Facts: everything a run knows, and what it could not learn.
//!
//! The same model is filled from a live cluster, from this host over netlink, from recorded command
//! output and from a snapshot file. It is serialised as JSON with a version of its own
//! ([`snapshot`]); unknown fields are ignored, so that an older tool reads a newer minor version.

mod agent_status;
mod api_server;
mod cluster;
mod config;
mod fact;
mod health;
mod host;
mod iptables;
mod link;
mod load_balancer;
mod name;
mod node;
mod route;
mod rule;
pub mod snapshot;

pub use agent_status::{
    AgentDevice, AgentStatus, ComponentStatus, FailingController, KubeProxyReplacement,
    Masquerading, ProxyStatus,
};
pub use api_server::ApiServer;
pub use cluster::{
    AgentPod, CiliumEndpoint, CiliumNode, CiliumNodeConfig, ClusterFacts, ClusterInfo, Component,
    Condition, ConfigData, Container, ContainerLog, ContainerLogs, ContainerStatus,
    ControlPlaneComponent, ControlPlanePod, Corefile, CustomResource, CustomResourceVersion,
    EnvVar, Event, KubeNode, KubeProxyConfig, Kubeadm, KubeletConfig, KubernetesVersion,
    LabelSelector, Lease, LocalRedirectPolicy, LogSource, NetworkPolicy, NetworkPolicyKind,
    NodeAddress, NodeAddressKind, NodeInfo, ObjectReference, PodCounts, PodDetail, PodRow, Pods,
    Release, Run, SelectorRequirement, ServerCertificate, Service, ServiceEndpoint,
    ServiceEndpoints, ServicePort, ServiceType, Taint, Termination, Toleration, TrafficPolicy,
    Waiting, Workload, WorkloadKind,
};
pub use config::{
    CiliumConfig, Encryption, IpamMode, MasqueradeOptions, PolicyEnforcement, RoutingMode,
    TunnelProtocol,
};
pub use fact::{Fact, Unavailable, UnavailableKind};
pub use health::{HealthReport, PathHealth, SilentNode};
pub use host::{
    DeviceState, DhcpLease, ForeignSetting, HostFacts, HostService, KernelPart, Mount,
    NetworkManager, Networkd, PartState, RuntimeConfig,
};
pub use iptables::{ChainCount, Iptables, IptablesBackend};
pub use link::{Address, Link, LinkFlag, Peer};
pub use load_balancer::{LoadBalancer, LoadBalancerMode, ProxyReplacement};
pub use name::{LinkName, NodeName};
pub use node::{
    AgentProcess, CniFile, HostEndpoint, HostEndpointKind, Kernel, KernelLookup, LookupAnswer,
    LookupRefusal, NodeFacts, PodNetwork, Resolver, ResolverKind,
};
pub use route::{NextHop, NextHopFlag, Route, RouteKind, RouteProtocol, RouteScope, TableId};
pub use rule::{FwMark, RoutingRule, RuleAction, ValueRange};

use serde::{Deserialize, Serialize};
use snapshot::SchemaVersion;

/// An address family. The kernel keeps rules and tables of the two apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: std::net::IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// The family of a prefix.
    pub fn of_prefix(prefix: ipnet::IpNet) -> Self {
        Self::of(prefix.addr())
    }

    /// Number of bits in an address: 32 or 128.
    pub fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// Everything one run knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Facts {
    /// Version of this model, checked before anything else is read.
    pub schema_version: SchemaVersion,
    /// Where and when the facts were collected.
    pub origin: Origin,
    /// What the user said, on the command line.
    #[serde(skip_serializing_if = "is_zero")]
    pub declared: Declared,
    /// Cluster-wide facts, from the API server.
    pub cluster: ClusterFacts,
    /// One entry per node that was looked at; on a sampled fleet not every node of the cluster.
    #[serde(deserialize_with = "snapshot::bounded_nodes")]
    pub nodes: Vec<NodeFacts>,
}

/// Where facts come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Origin {
    /// What was read.
    pub source: Source,
    /// RFC 3339, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collected_at: Option<String>,
    /// Program and version that wrote them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collector: Option<String>,
    /// Which cluster, if it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterOrigin>,
    /// Free text for the reader, such as which story an example tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The cluster that facts were read from, and how much of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterOrigin {
    /// Context of the kubeconfig.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Name of the cluster in the kubeconfig.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// URL of the API server.
    pub server: String,
    /// Nodes that there are.
    pub nodes: usize,
    /// Nodes that were to be looked at from inside.
    pub nodes_chosen: usize,
}

/// The kind of source that facts were read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A live cluster: its API server, and its agents.
    Cluster,
    /// This host, over netlink and from its files.
    LocalHost,
    /// Output of commands, recorded in a folder.
    Recorded,
    /// An archive of `cilium sysdump`.
    Sysdump,
    /// Not said.
    #[default]
    #[serde(other)]
    Unknown,
}

/// What the user declared; it adds to what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Declared {
    /// Pod CIDRs, as written (host bits included).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pod_cidrs: Vec<String>,
    /// Service CIDRs, as written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_cidrs: Vec<String>,
    /// Addresses that must stay reachable over the LAN.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protect: Vec<std::net::IpAddr>,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if passes a reference"
)]
pub(crate) fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
