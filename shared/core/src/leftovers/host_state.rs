//! What a collector reads, before anybody judges whose it is.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Attachment, Backend, Filter, Transform};
use crate::facts::{Address, Fact, Family, Link, LinkName, NodeFacts, Route, RoutingRule};

/// Everything on a host that may be a leftover, with everything it could be mixed up with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HostState {
    /// Interfaces.
    pub links: Fact<Vec<Link>>,
    /// Addresses on them.
    pub addresses: Fact<Vec<Address>>,
    /// Routes of all tables and both families.
    pub routes: Fact<Vec<Route>>,
    /// Policy rules of both families.
    pub rules: Fact<Vec<RoutingRule>>,
    /// Entries of the neighbour tables that somebody put there.
    pub neighbours: Fact<Vec<Neighbour>>,
    /// Interfaces with the qdisc clsact.
    pub clsact: Fact<Vec<LinkName>>,
    /// Qdiscs of other kinds, each kind once for an interface.
    pub qdiscs: Fact<Vec<Qdisc>>,
    /// BPF filters below clsact.
    pub filters: Fact<Vec<Filter>>,
    /// Interfaces below whose clsact are filters of other kinds than BPF.
    pub other_filters: Fact<Vec<LinkName>>,
    /// Programs on interfaces (tcx, netkit, XDP).
    pub link_programs: Fact<Vec<Attachment>>,
    /// Programs on the host's cgroups.
    pub cgroup_programs: Fact<Vec<Attachment>>,
    /// Files in the BPF file systems, below the directories where Cilium pins.
    pub pins: Fact<Vec<Pin>>,
    /// What `iptables-save` and its kin print.
    pub netfilter: Vec<Ruleset>,
    /// Names of sets (`ipset`).
    pub sets: Fact<Vec<String>>,
    /// States and policies of IPsec (XFRM).
    pub transforms: Fact<Vec<Transform>>,
    /// Endpoints that the agent wrote down.
    pub endpoints: Fact<Vec<Endpoint>>,
    /// Files in the CNI configuration directories.
    pub cni_files: Fact<Vec<CniText>>,
    /// Files in the directories where libcni keeps results.
    pub cni_results: Fact<Vec<String>>,
    /// Programs in the CNI binary directories.
    pub cni_binaries: Fact<Vec<String>>,
    /// Names below `/run/netns`.
    pub network_namespaces: Fact<Vec<String>>,
    /// Mounted file systems.
    pub mounts: Fact<Vec<Mount>>,
    /// Those of the paths of interest that exist.
    pub paths: Fact<Vec<FoundPath>>,
    /// Those settings of the running kernel that the agent makes.
    pub sysctls: Fact<Vec<Sysctl>>,
    /// What the caller knows of the cluster.
    pub remembered: Remembered,
}

/// What is known of the cluster from before: it tells pods' routes from others' when the agent is
/// gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Remembered {
    /// Pod CIDRs of all nodes.
    pub pod_cidrs: Vec<IpNet>,
    /// Addresses of all nodes.
    pub node_addresses: Vec<IpAddr>,
    /// Interfaces of this node's pods.
    pub pod_links: Vec<LinkName>,
}

impl HostState {
    /// As much of it as is known of a node that was looked at for other reasons, by its agent: neither
    /// BPF programs nor files, and no chains of iptables.
    pub fn seen_by_agent(node: &NodeFacts, remembered: Remembered) -> Self {
        Self {
            links: node.links.clone(),
            addresses: node.addresses.clone(),
            routes: node.routes.clone(),
            rules: node.rules.clone(),
            remembered,
            ..Self::default()
        }
    }
}

impl Remembered {
    /// Together with what somebody else remembers; each thing once.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.pod_cidrs.extend(other.pod_cidrs);
        self.node_addresses.extend(other.node_addresses);
        self.pod_links.extend(other.pod_links);
        self.pod_cidrs.sort();
        self.pod_cidrs.dedup();
        self.node_addresses.sort();
        self.node_addresses.dedup();
        self
    }
}

/// An entry of a neighbour table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Neighbour {
    /// The interface.
    pub link: LinkName,
    /// The neighbour.
    pub address: IpAddr,
    /// `NTF_EXT_LEARNED`: a program put it there. Otherwise it is `NUD_PERMANENT`.
    pub learned_externally: bool,
}

impl std::fmt::Display for Neighbour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "neighbour {} on {}", self.address, self.link)
    }
}

/// How an interface queues packets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Qdisc {
    /// The interface.
    pub link: LinkName,
    /// `fq`, `mq` and so on (`TCA_KIND`).
    pub kind: String,
}

/// A setting of the running kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sysctl {
    /// Its name, with dots.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// A file or directory in a BPF file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pin {
    /// Its path on the host.
    pub path: String,
    /// A directory, and no pin.
    #[serde(default)]
    pub is_directory: bool,
}

/// All tables of one family in one backend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ruleset {
    /// Who keeps it.
    pub backend: Backend,
    /// Its family.
    pub family: Family,
    /// What `iptables-save` printed; empty where there are no tables.
    pub text: Fact<String>,
}

/// An endpoint, as the agent's state directory names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Its number.
    pub id: u32,
    /// The host-side interface.
    pub link: LinkName,
    /// `namespace/name` of the pod, where the file says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
}

/// A file in a CNI configuration directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CniText {
    /// Its path on the host.
    pub path: String,
    /// What is in it, or why that could not be read.
    pub text: Result<String, String>,
}

/// A mounted file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mount {
    /// Where.
    pub path: String,
    /// Its type.
    pub filesystem: String,
}

/// A path that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundPath {
    /// The path on the host.
    pub path: String,
    /// A directory, and no file.
    #[serde(default)]
    pub is_directory: bool,
    /// The text of a file, where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
