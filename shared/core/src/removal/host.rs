//! The machines of a cluster.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::inventory::{Inventory, NodeMarks};
use crate::{
    facts::CiliumNode,
    leftovers::{self, Remembered},
    shell,
};

/// How many addresses a command has room for that somebody has to copy.
const ADDRESSES: usize = 16;

/// A machine, as far as what is on others is recognised by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Host {
    /// The node's name.
    pub name: String,
    /// Pod CIDRs that were given to it, by Kubernetes or by Cilium.
    pub pod_cidrs: Vec<IpNet>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether it is one of the control plane's.
    pub is_control_plane: bool,
}

/// A Node, as it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeFound {
    /// What Cilium wrote on it.
    pub marks: NodeMarks,
    /// The machine.
    pub host: Host,
}

/// A node that is to be cleaned.
#[derive(Clone, Debug, PartialEq)]
pub struct HostPlan {
    /// Its name.
    pub node: String,
    /// How.
    pub reach: Reach,
}

/// How a node is reached.
#[derive(Clone, Debug, PartialEq)]
pub enum Reach {
    /// A cleaner can be put there.
    Cleaner {
        /// What goes, where somebody looked.
        plan: Option<leftovers::Plan>,
        /// What of it the node's agent sees, where nobody else looked.
        seen: Vec<leftovers::Item>,
    },
    /// Cilium does not run there.
    NeverThere {
        /// Why.
        why: String,
    },
    /// Nothing can be put there.
    ByHand {
        /// Why.
        why: String,
        /// What to run on it.
        command: String,
    },
}

/// A node that somebody has to clean by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ByHand {
    /// Its name.
    pub node: String,
    /// Why.
    pub why: String,
    /// What to run on it, as root.
    pub command: String,
}

impl Inventory {
    /// Adds what Cilium keeps of nodes. One that Kubernetes does not know any more is no node, but
    /// others may have routes to it.
    pub fn add_cilium_nodes(&mut self, nodes: Vec<CiliumNode>) {
        for node in nodes {
            let name = node.name.to_string();
            let addresses = node.addresses.into_iter().map(|it| it.address);
            match self.hosts.iter_mut().find(|host| host.name == name) {
                Some(host) => {
                    host.pod_cidrs.extend(node.pod_cidrs);
                    host.addresses.extend(addresses);
                }
                None => self.gone_hosts.push(Host {
                    name,
                    pod_cidrs: node.pod_cidrs,
                    addresses: addresses.collect(),
                    is_control_plane: false,
                }),
            }
        }
    }

    /// What of the cluster has to be known on each node. Pools that CIDRs are taken from are no part
    /// of it: a whole 10.0.0.0/8 would make others' routes Cilium's.
    pub fn remembered(&self) -> Remembered {
        let mut known = Remembered::default();
        for host in self.hosts.iter().chain(&self.gone_hosts) {
            known.pod_cidrs.extend(&host.pod_cidrs);
            known.node_addresses.extend(&host.addresses);
        }
        known.and(Remembered::default())
    }
}

impl ByHand {
    /// What to run on a node, as root, with what is known of the cluster as far as it can be copied.
    pub fn command(known: &Remembered) -> String {
        fn list<T: ToString>(flag: &str, all: &[T]) -> Vec<String> {
            if all.is_empty() || all.len() > ADDRESSES {
                return Vec::new();
            }
            let all: Vec<String> = all.iter().map(ToString::to_string).collect();
            vec![flag.to_owned(), shell::quoted(&all.join(",")).into_owned()]
        }
        let mut words = vec!["kubectl-cilium_uninstall --local".to_owned()];
        words.extend(list("--pod-cidr", &known.pod_cidrs));
        words.extend(list("--node-address", &known.node_addresses));
        words.join(" ")
    }
}
