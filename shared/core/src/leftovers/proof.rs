//! How something was recognised as Cilium's.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::facts::LinkName;

/// Why something is taken for Cilium's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Proof {
    /// A name that Cilium gives, and no other software known here.
    Name,
    /// Name and kind of interface are those of a pod's host-side device.
    NameAndKind,
    /// Priority, selector and table are all those that Cilium sets.
    Selector,
    /// An attached BPF program is called so.
    ProgramName(String),
    /// An attached BPF program uses a map of this name.
    Map(String),
    /// The agent wrote the interface down for an endpoint.
    EndpointFile(u32),
    /// A route of a pod's address leads to the interface.
    PodRoute(IpNet),
    /// Before the agent went, it was known as a pod's.
    Remembered,
    /// It leads to a device of Cilium's.
    Device(LinkName),
    /// Its destination is in a known pod CIDR.
    PodCidr(IpNet),
    /// It leads to the address of a known node.
    NodeAddress(IpAddr),
    /// A rule of Cilium's leads to the table.
    Rule(u32),
    /// The comment is the one that Cilium gives to the rules that lead to its chains.
    FeederComment,
    /// Cilium's rules jump to the chain.
    Fed,
    /// Mark, request id or priority are those of Cilium's IPsec.
    Mark,
    /// It holds nothing but filters of Cilium's.
    OnlyItsFilters,
    /// The content is Cilium's.
    Content,
    /// It lies in a directory of Cilium's.
    Inside(String),
}

impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name => f.write_str("its name"),
            Self::NameAndKind => f.write_str("its name and kind"),
            Self::Selector => f.write_str("priority, selector and table"),
            Self::ProgramName(name) => write!(f, "BPF program {name}"),
            Self::Map(name) => write!(f, "a BPF program that uses the map {name}"),
            Self::EndpointFile(id) => write!(f, "the agent's file of endpoint {id}"),
            Self::PodRoute(prefix) => write!(f, "the route to the pod address {prefix}"),
            Self::Remembered => f.write_str("the list of pods from before"),
            Self::Device(link) => write!(f, "its device {link}"),
            Self::PodCidr(prefix) => write!(f, "the pod CIDR {prefix}"),
            Self::NodeAddress(address) => write!(f, "the node at {address}"),
            Self::Rule(priority) => write!(f, "rule {priority}, which leads there"),
            Self::FeederComment => f.write_str("the comment `cilium-feeder`"),
            Self::Fed => f.write_str("Cilium's rules that lead there"),
            Self::Mark => f.write_str("mark and request id"),
            Self::OnlyItsFilters => f.write_str("it holds only filters of Cilium's"),
            Self::Content => f.write_str("its content"),
            Self::Inside(directory) => write!(f, "its place in {directory}"),
        }
    }
}
