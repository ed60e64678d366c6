//! Cilium's configuration, normalised: the one form that rules see.

use semver::Version;
use serde::{Deserialize, Serialize};

use super::Family;

/// What Helm values and the live `cilium-config` have in common, for the version in question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of Cilium's own")]
pub struct CiliumConfig {
    /// Where it was read, such as `ConfigMap kube-system/cilium-config`.
    pub origin: String,
    /// Namespace of the installation.
    pub namespace: String,
    /// Cilium's version, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// How pod addresses are allocated.
    pub ipam: IpamMode,
    /// IPv4 cluster pool, each element as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pool_v4: Vec<String>,
    /// IPv6 cluster pool, each element as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pool_v6: Vec<String>,
    /// Prefix length of a node's IPv4 block.
    pub node_mask_v4: u8,
    /// Prefix length of a node's IPv6 block.
    pub node_mask_v6: u8,
    /// How packets get from node to node.
    pub routing: RoutingMode,
    /// Whether agents install a route to each other node's pod CIDR.
    #[serde(default)]
    pub auto_direct_node_routes: bool,
    /// Whether packets of pods that leave the cluster get the node's address, IPv4.
    #[serde(default)]
    pub masquerade_v4: bool,
    /// The same for IPv6.
    #[serde(default)]
    pub masquerade_v6: bool,
    /// `ipv4-native-routing-cidr`, as written: within it nothing is masqueraded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_routing_cidr_v4: Option<String>,
    /// `cluster-id`; 0 for a cluster that is in no mesh.
    #[serde(default)]
    pub cluster_id: u32,
    /// Whether the L7 proxy is on; agents then move the `local` rule and add one for the proxy.
    #[serde(default)]
    pub l7_proxy: bool,
    /// Whether IPv4 is on.
    pub ipv4: bool,
    /// Whether IPv6 is on.
    #[serde(default)]
    pub ipv6: bool,
}

impl CiliumConfig {
    /// Default IPv4 pool of every chart from 1.12 to 1.20.
    pub const DEFAULT_POOL_V4: &str = "10.0.0.0/8";
    /// Default prefix length of a node's IPv4 block.
    pub const DEFAULT_NODE_MASK_V4: u8 = 24;
    /// Default prefix length of a node's IPv6 block.
    pub const DEFAULT_NODE_MASK_V6: u8 = 120;

    /// The cluster pool of a family, each element as written, and the prefix length of a node's
    /// block.
    pub fn pool(&self, family: Family) -> (&[String], u8) {
        match family {
            Family::V4 => (&self.pool_v4, self.node_mask_v4),
            Family::V6 => (&self.pool_v6, self.node_mask_v6),
        }
    }

    /// What `helm install` gives when no value is set: cluster pool, tunnel.
    pub fn chart_defaults() -> Self {
        Self {
            origin: "chart defaults".into(),
            namespace: "kube-system".into(),
            version: None,
            ipam: IpamMode::ClusterPool,
            pool_v4: vec![Self::DEFAULT_POOL_V4.into()],
            pool_v6: Vec::new(),
            node_mask_v4: Self::DEFAULT_NODE_MASK_V4,
            node_mask_v6: Self::DEFAULT_NODE_MASK_V6,
            routing: RoutingMode::Tunnel(TunnelProtocol::Vxlan),
            auto_direct_node_routes: false,
            masquerade_v4: true,
            masquerade_v6: true,
            native_routing_cidr_v4: None,
            cluster_id: 0,
            l7_proxy: true,
            ipv4: true,
            ipv6: false,
        }
    }
}

/// `ipam`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum IpamMode {
    /// `cluster-pool`: the operator cuts blocks out of Cilium's own pool.
    ClusterPool,
    /// `kubernetes`: each node uses its `spec.podCIDRs`.
    Kubernetes,
    /// `multi-pool`.
    MultiPool,
    /// `eni`, `azure`, `alibabacloud`, `crd`, `delegated-plugin`, or of a newer version.
    Other(String),
}

impl From<String> for IpamMode {
    fn from(text: String) -> Self {
        match text.as_str() {
            // 1.12 and 1.13 had a beta of the same mode under a name of its own.
            "cluster-pool" | "cluster-pool-v2beta" => Self::ClusterPool,
            "kubernetes" => Self::Kubernetes,
            "multi-pool" => Self::MultiPool,
            _ => Self::Other(text),
        }
    }
}

impl From<IpamMode> for String {
    fn from(mode: IpamMode) -> Self {
        mode.to_string()
    }
}

impl std::fmt::Display for IpamMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ClusterPool => "cluster-pool",
            Self::Kubernetes => "kubernetes",
            Self::MultiPool => "multi-pool",
            Self::Other(text) => text,
        })
    }
}

/// `routing-mode`, or `tunnel` before 1.14.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RoutingMode {
    /// Packets between nodes are encapsulated.
    Tunnel(TunnelProtocol),
    /// The network between the nodes routes pod addresses.
    Native,
    /// A value that Cilium does not know.
    Unknown(String),
}

/// `tunnel-protocol`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TunnelProtocol {
    /// VXLAN, UDP 8472.
    Vxlan,
    /// Geneve, UDP 6081.
    Geneve,
    /// A value that Cilium does not know.
    Unknown(String),
}

impl std::fmt::Display for RoutingMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tunnel(TunnelProtocol::Vxlan) => f.write_str("tunnel (vxlan)"),
            Self::Tunnel(TunnelProtocol::Geneve) => f.write_str("tunnel (geneve)"),
            Self::Tunnel(TunnelProtocol::Unknown(text)) => write!(f, "tunnel ({text}?)"),
            Self::Native => f.write_str("native"),
            Self::Unknown(text) => write!(f, "{text}?"),
        }
    }
}
