//! Cilium's configuration, normalised: the one form that rules see.

use semver::Version;
use serde::{Deserialize, Serialize};

use super::{ApiServer, Family, LoadBalancer, ProxyReplacement};

/// What Helm values and the live `cilium-config` have in common, for the version in question. What
/// a snapshot does not say has the chart's default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of Cilium's own")]
pub struct CiliumConfig {
    /// Where it was read, such as `ConfigMap kube-system/cilium-config`.
    pub origin: String,
    /// Namespace of the installation.
    pub namespace: String,
    /// Cilium's version, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// How pod addresses are allocated.
    pub ipam: IpamMode,
    /// IPv4 cluster pool, each element as written. Always said in snapshots: the default is not
    /// empty.
    pub pool_v4: Vec<String>,
    /// IPv6 cluster pool, each element as written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pool_v6: Vec<String>,
    /// Prefix length of a node's IPv4 block.
    pub node_mask_v4: u8,
    /// Prefix length of a node's IPv6 block.
    pub node_mask_v6: u8,
    /// How packets get from node to node.
    pub routing: RoutingMode,
    /// `tunnel-protocol`, as written: agents read it in native mode too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tunnel_protocol: Option<String>,
    /// `tunnel-port`; none for the protocol's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tunnel_port: Option<u16>,
    /// Whether agents install a route to each other node's pod CIDR.
    pub auto_direct_node_routes: bool,
    /// `direct-routing-skip-unreachable`: whether nodes behind a router are left out of that.
    pub skip_unreachable_nodes: bool,
    /// Whether packets of pods that leave the cluster get the node's address, IPv4.
    pub masquerade_v4: bool,
    /// The same for IPv6.
    pub masquerade_v6: bool,
    /// How they get it.
    pub masquerading: MasqueradeOptions,
    /// `ipv4-native-routing-cidr`, as written: within it nothing is masqueraded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub native_routing_cidr_v4: Option<String>,
    /// `ipv6-native-routing-cidr`, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub native_routing_cidr_v6: Option<String>,
    /// `kube-proxy-replacement`.
    pub kube_proxy_replacement: ProxyReplacement,
    /// `enable-node-port`: Services of type NodePort without all of `kube-proxy-replacement`; until
    /// 1.18.
    pub node_port: bool,
    /// How Services are answered where Cilium does it.
    pub load_balancer: LoadBalancer,
    /// `devices`; empty where agents choose.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<String>,
    /// Where agents reach the API server, if not through the Service `kubernetes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_server: Option<ApiServer>,
    /// `enable-host-legacy-routing`: whether pods' packets pass the host's netfilter even where BPF
    /// could route them.
    pub host_legacy_routing: bool,
    /// `enable-endpoint-routes`: a route for each pod.
    pub endpoint_routes: bool,
    /// `local-router-ipv4`, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_router_v4: Option<String>,
    /// `cni-chaining-mode`; none where Cilium is the only plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chaining_mode: Option<String>,
    /// `cluster-name`.
    pub cluster_name: String,
    /// `cluster-id`; 0 for a cluster that is in no mesh.
    pub cluster_id: u32,
    /// `enable-local-redirect-policy`: whether CiliumLocalRedirectPolicies are read.
    pub local_redirect_policy: bool,
    /// Encryption between nodes.
    pub encryption: Encryption,
    /// Whether policies apply to the hosts themselves.
    pub host_firewall: bool,
    /// `enable-policy`.
    pub policy_enforcement: PolicyEnforcement,
    /// `policy-audit-mode`: what policies forbid is logged, and passes.
    pub policy_audit: bool,
    /// `install-iptables-rules`.
    pub iptables_rules: bool,
    /// `install-no-conntrack-iptables-rules`.
    pub no_conntrack_rules: bool,
    /// Whether the L7 proxy is on; agents then move the `local` rule and add one for the proxy.
    pub l7_proxy: bool,
    /// Whether Cilium answers Ingresses.
    pub ingress_controller: bool,
    /// Whether Cilium answers the Gateway API.
    pub gateway_api: bool,
    /// Whether CiliumEnvoyConfigs are read.
    pub envoy_config: bool,
    /// Whether Cilium speaks BGP.
    pub bgp_control_plane: bool,
    /// Whether CiliumEgressGatewayPolicies are read.
    pub egress_gateway: bool,
    /// Whether IPv4 is on.
    pub ipv4: bool,
    /// Whether IPv6 is on.
    pub ipv6: bool,
}

impl Default for CiliumConfig {
    fn default() -> Self {
        Self::chart_defaults()
    }
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

    /// Whether packets of pods that leave the cluster get the node's address, in a family that is
    /// on.
    pub fn masquerades(&self, family: Family) -> bool {
        match family {
            Family::V4 => self.ipv4 && self.masquerade_v4,
            Family::V6 => self.ipv6 && self.masquerade_v6,
        }
    }

    /// The native routing CIDR of a family, as written.
    pub fn native_routing_cidr(&self, family: Family) -> Option<&str> {
        match family {
            Family::V4 => self.native_routing_cidr_v4.as_deref(),
            Family::V6 => self.native_routing_cidr_v6.as_deref(),
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
            tunnel_protocol: None,
            tunnel_port: None,
            auto_direct_node_routes: false,
            skip_unreachable_nodes: false,
            masquerade_v4: true,
            masquerade_v6: true,
            masquerading: MasqueradeOptions::default(),
            native_routing_cidr_v4: None,
            native_routing_cidr_v6: None,
            kube_proxy_replacement: ProxyReplacement::Off,
            node_port: false,
            load_balancer: LoadBalancer::default(),
            devices: Vec::new(),
            api_server: None,
            host_legacy_routing: false,
            endpoint_routes: false,
            local_router_v4: None,
            chaining_mode: None,
            cluster_name: "default".into(),
            cluster_id: 0,
            local_redirect_policy: false,
            encryption: Encryption::None,
            host_firewall: false,
            policy_enforcement: PolicyEnforcement::Default,
            policy_audit: false,
            iptables_rules: true,
            no_conntrack_rules: false,
            l7_proxy: true,
            ingress_controller: false,
            gateway_api: false,
            envoy_config: false,
            bgp_control_plane: false,
            egress_gateway: false,
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

/// How packets of pods that leave the cluster get the node's address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MasqueradeOptions {
    /// `enable-bpf-masquerade`: in BPF, not in iptables.
    pub bpf: bool,
    /// `egress-masquerade-interfaces`; empty for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<String>,
    /// `enable-masquerade-to-route-source`: with the source of the route, not the interface's
    /// address.
    pub route_source: bool,
    /// `enable-ip-masq-agent`: a list says which destinations are left out.
    pub ip_masq_agent: bool,
}

/// Encryption between nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Encryption {
    /// None.
    #[default]
    None,
    /// `enable-ipsec`.
    Ipsec,
    /// `enable-wireguard`.
    WireGuard,
}

/// `enable-policy`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PolicyEnforcement {
    /// For pods that a policy selects.
    #[default]
    Default,
    /// For all pods, whether or not a policy selects them.
    Always,
    /// For none.
    Never,
    /// A value that Cilium does not know.
    Unknown(String),
}
