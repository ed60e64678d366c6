//! What is known about one node's network.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{
    Address, AgentStatus, Fact, HealthReport, HostFacts, Iptables, Link, LinkName, NodeName, Route,
    RoutingRule, TableId, Unavailable,
};
use crate::probe::ProbeResult;

/// One node, as seen from its host network namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeFacts {
    /// The node's name in Kubernetes; on a host outside a cluster its host name.
    pub name: NodeName,
    /// Kernel.
    #[serde(default, skip_serializing_if = "Fact::is_not_collected")]
    pub kernel: Fact<Kernel>,
    /// Interfaces.
    #[serde(default, skip_serializing_if = "Fact::is_not_collected")]
    pub links: Fact<Vec<Link>>,
    /// Addresses of both families.
    #[serde(default, skip_serializing_if = "Fact::is_not_collected")]
    pub addresses: Fact<Vec<Address>>,
    /// Routes of all tables and both families.
    #[serde(default, skip_serializing_if = "Fact::is_not_collected")]
    pub routes: Fact<Vec<Route>>,
    /// Policy rules of both families.
    #[serde(default, skip_serializing_if = "Fact::is_not_collected")]
    pub rules: Fact<Vec<RoutingRule>>,
    /// What the kernel itself answered when asked for a route (RTM_GETROUTE).
    #[serde(default, skip_serializing_if = "Fact::is_not_collected")]
    pub lookups: Fact<Vec<KernelLookup>>,
    /// DNS servers that this host uses.
    #[serde(default, skip_serializing_if = "Fact::is_not_collected")]
    pub resolvers: Fact<Vec<Resolver>>,
    /// DNS servers that the kubelet gives to pods with the host's DNS (`dnsPolicy: Default`), as
    /// CoreDNS's are, in order.
    #[serde(default, skip_serializing_if = "Fact::is_not_collected")]
    pub pod_resolvers: Fact<Vec<IpAddr>>,
    /// API server, proxies and registry mirrors that this host's own configuration names.
    #[serde(default, skip_serializing_if = "Fact::is_not_collected")]
    pub endpoints: Fact<Vec<HostEndpoint>>,
    /// CNI configuration files, in the order in which a runtime reads them.
    #[serde(default, skip_serializing_if = "Fact::is_not_collected")]
    pub cni_files: Fact<Vec<CniFile>>,
    /// Sysctls by dotted name, such as `net.ipv4.conf.all.rp_filter`; a `/` stands for a dot inside
    /// an interface name, as sysctl(8) writes it.
    #[serde(default, skip_serializing_if = "Fact::is_not_collected")]
    pub sysctls: Fact<BTreeMap<String, String>>,
    /// What iptables holds, of both kinds and families, counted.
    #[serde(default, skip_serializing_if = "Fact::is_not_collected")]
    pub iptables: Fact<Vec<Iptables>>,
    /// Whether a Cilium agent process runs on the node.
    #[serde(default, skip_serializing_if = "Fact::is_not_collected")]
    pub agent: Fact<AgentProcess>,
    /// What that agent says about itself.
    #[serde(default, skip_serializing_if = "Fact::is_not_collected")]
    pub agent_status: Fact<AgentStatus>,
    /// What that agent's prober found of the other nodes.
    #[serde(default, skip_serializing_if = "Fact::is_not_collected")]
    pub health: Fact<HealthReport>,
    /// What became of probes that started on the node, in its own namespace and in a pod's; their
    /// ids tell which.
    #[serde(default, skip_serializing_if = "Fact::is_not_collected")]
    pub probes: Fact<Vec<ProbeResult>>,
    /// What only the host's own files tell; none where nobody looked there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Box<HostFacts>>,
    /// Pods that were there before, in whose networks those of a pod started: their policies count.
    /// Empty where the pod was one of ours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lent_networks: Vec<PodNetwork>,
}

/// The network of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodNetwork {
    /// Namespace of the pod.
    pub namespace: String,
    /// Name of the pod.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
}

impl std::fmt::Display for PodNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl NodeFacts {
    /// A node that could not be looked at: every fact of it says why.
    pub fn unavailable(name: impl Into<NodeName>, why: &Unavailable) -> Self {
        fn missing<T>(why: &Unavailable) -> Fact<T> {
            Fact::Unavailable(why.clone())
        }
        Self {
            name: name.into(),
            kernel: missing(why),
            links: missing(why),
            addresses: missing(why),
            routes: missing(why),
            rules: missing(why),
            lookups: missing(why),
            resolvers: missing(why),
            pod_resolvers: missing(why),
            endpoints: missing(why),
            cni_files: missing(why),
            sysctls: missing(why),
            iptables: missing(why),
            agent: missing(why),
            agent_status: missing(why),
            health: missing(why),
            probes: Fact::default(),
            host: None,
            lent_networks: Vec::new(),
        }
    }

    /// A node about which nothing but the name is known.
    pub fn named(name: impl Into<NodeName>) -> Self {
        Self {
            name: name.into(),
            kernel: Fact::default(),
            links: Fact::default(),
            addresses: Fact::default(),
            routes: Fact::default(),
            rules: Fact::default(),
            lookups: Fact::default(),
            resolvers: Fact::default(),
            pod_resolvers: Fact::default(),
            endpoints: Fact::default(),
            cni_files: Fact::default(),
            sysctls: Fact::default(),
            iptables: Fact::default(),
            agent: Fact::default(),
            agent_status: Fact::default(),
            health: Fact::default(),
            probes: Fact::default(),
            host: None,
            lent_networks: Vec::new(),
        }
    }
}

/// The running kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kernel {
    /// `uname -r`.
    pub release: String,
}

/// A question put to the kernel, and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KernelLookup {
    /// Address that was asked for, without mark, source or bound device.
    pub destination: IpAddr,
    /// What the kernel said.
    pub answer: LookupAnswer,
}

/// The kernel's answer to RTM_GETROUTE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum LookupAnswer {
    /// It has a way.
    Route {
        /// Device by which the packet leaves; `lo` for this host's own addresses.
        link: LinkName,
        /// Router that it is handed to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gateway: Option<IpAddr>,
        /// Source address that it would carry.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<IpAddr>,
        /// Table that answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        table: Option<TableId>,
    },
    /// It refuses.
    Refused(LookupRefusal),
}

/// Why the kernel has no way to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookupRefusal {
    /// `ENETUNREACH`: no rule and no table knows it.
    NoRoute,
    /// `EHOSTUNREACH`: an `unreachable` route or rule.
    Unreachable,
    /// `EACCES`: a `prohibit` route or rule.
    Prohibited,
    /// `EINVAL`: a `blackhole` route or rule.
    Blackhole,
    /// Another error.
    #[serde(other)]
    Other,
}

impl std::fmt::Display for LookupRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoRoute => "no route",
            Self::Unreachable => "unreachable",
            Self::Prohibited => "prohibited",
            Self::Blackhole => "dropped by a blackhole",
            Self::Other => "refused",
        })
    }
}

/// A DNS server that the host asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resolver {
    /// The server.
    pub address: IpAddr,
    /// File that names it.
    pub file: String,
    /// How the host reaches it.
    pub kind: ResolverKind,
}

/// How a host reaches a DNS server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResolverKind {
    /// Every program asks it directly (`/etc/resolv.conf`).
    Direct,
    /// The host's local stub (systemd-resolved at 127.0.0.53) asks it.
    #[serde(other)]
    BehindStub,
}

/// An address outside the cluster that the host's own configuration depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostEndpoint {
    /// The address; names are not resolved.
    pub address: IpAddr,
    /// What it is.
    pub kind: HostEndpointKind,
    /// File that names it.
    pub file: String,
}

/// What a configured address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostEndpointKind {
    /// The API server that the kubelet talks to.
    ApiServer,
    /// HTTP(S) proxy of the kubelet or of the container runtime.
    Proxy,
    /// Registry mirror of the container runtime.
    #[serde(other)]
    RegistryMirror,
}

/// One CNI configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CniFile {
    /// File name within the CNI configuration directory.
    pub name: String,
    /// `name` of the network; empty where the file could not be read.
    #[serde(default)]
    pub network: String,
    /// `type` of each plugin in the chain.
    #[serde(default)]
    pub plugins: Vec<String>,
    /// Pod subnets that the file itself carries (host-local IPAM).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<IpNet>,
    /// Why the file could not be understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

impl CniFile {
    /// Whether the file's chain contains Cilium's plugin.
    pub fn is_cilium(&self) -> bool {
        self.plugins.iter().any(|plugin| plugin == "cilium-cni")
    }
}

/// Whether an agent process was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum AgentProcess {
    /// `cilium-agent` runs.
    Running {
        /// Process id in the host's namespace; none where it was seen from inside its container.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pid: Option<u32>,
    },
    /// All processes were seen, and none is an agent.
    NotRunning,
}
