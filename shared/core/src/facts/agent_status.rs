//! What an agent says about itself.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// `cilium-dbg status -o json` (`cilium status` before 1.15), as far as it decides about the
/// network.
///
/// An agent says *Ok* about a node whose LAN it has swallowed: this tells what it does, not whether
/// the node is well. What a version does not report is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AgentStatus {
    /// The agent; its message carries the version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<ComponentStatus>,
    /// Its connection to the API server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<ComponentStatus>,
    /// The CNI configuration file that it keeps (since 1.14, where it keeps one).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cni_file: Option<ComponentStatus>,
    /// The prober of the connections to other nodes, not what it found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_health: Option<ComponentStatus>,
    /// What IPAM has given out, in the agent's words: `IPv4: 4/254 allocated from 10.0.1.0/24, `.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipam: Option<String>,
    /// Source NAT of packets that leave the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masquerading: Option<Masquerading>,
    /// Way of packets to pods of other nodes: `Native` or `Tunnel` (since 1.15).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_mode: Option<String>,
    /// Way of packets through this host: `BPF` or `Legacy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_routing: Option<String>,
    /// `vxlan` or `geneve` (since 1.15, in tunnel mode).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tunnel_protocol: Option<String>,
    /// What takes the place of kube-proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kube_proxy_replacement: Option<KubeProxyReplacement>,
    /// The layer 7 proxy, where one is in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyStatus>,
    /// Controllers whose last attempt failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failing_controllers: Vec<FailingController>,
}

/// A part of the agent, and how it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ComponentStatus {
    /// `Ok`, `Warning`, `Failure` or `Disabled`.
    pub state: String,
    /// In the agent's words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// How packets that leave the cluster get the node's address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Masquerading {
    /// Whether they do, for some family.
    pub enabled: bool,
    /// `BPF` or `iptables`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Destinations that see the pod's address, in IPv4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclusion_v4: Option<String>,
    /// The same in IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclusion_v6: Option<String>,
    /// Whether exceptions come from the ip-masq-agent's configuration as well.
    pub ip_masq_agent: bool,
}

/// What stands in for kube-proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KubeProxyReplacement {
    /// `True`, `False`; until 1.14 also `Strict`, `Partial`, `Probe`, `Disabled`.
    pub mode: String,
    /// Devices on which services of type NodePort are answered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<AgentDevice>,
    /// Device by which it reaches other nodes without a tunnel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direct_routing_device: Option<String>,
}

/// A device that the agent attached to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AgentDevice {
    /// Its name.
    pub name: String,
    /// Its addresses, as the agent sees them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
}

/// The layer 7 proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProxyStatus {
    /// Address that it listens on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// `embedded` or `external` (since 1.14).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub envoy_mode: Option<String>,
    /// How many redirects lead to it.
    pub redirects: u64,
}

/// A controller whose last attempt failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FailingController {
    /// Its name, such as `sync-to-k8s-ciliumendpoint (535)`.
    pub name: String,
    /// Failures in a row.
    pub failures: u64,
    /// The last one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}
