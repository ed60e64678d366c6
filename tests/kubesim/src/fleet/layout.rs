//! Who is where: names, addresses and networks of the nodes, and the nodes of the pods.

use std::net::Ipv4Addr;

use anyhow::{Result, ensure};
use ipnet::Ipv4Net;

use super::{
    Fleet,
    serial::{Use, uid},
};

/// How many pods a kubelet takes unless it is told otherwise.
const MAX_PODS: usize = 110;
/// How the pod network is cut: kubeadm's default, too.
const NODE_PREFIX: u8 = 24;
/// Pods per Deployment.
const REPLICAS: usize = 30;
/// Replicas of the operator and of the cluster DNS.
pub(super) const PAIR: usize = 2;

/// A node and what Cilium gave it.
pub(super) struct Node {
    pub index: usize,
    pub name: String,
    pub uid: String,
    pub ip: Ipv4Addr,
    /// The network of its pods.
    pub cidr: Ipv4Net,
}

impl Node {
    /// The address with that number in the network of its pods.
    pub(super) fn pod_ip(&self, number: usize) -> Ipv4Addr {
        at(self.cidr, number)
    }
}

/// The address with that number in a network.
fn at(network: Ipv4Net, number: usize) -> Ipv4Addr {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    Ipv4Addr::from(u32::from(network.network()).saturating_add(number))
}

/// One Deployment's share of the pods.
pub(super) struct Workload {
    pub index: usize,
    pub namespace: String,
    pub app: String,
    /// Its pods, by their numbers among all pods with an address of their own.
    pub pods: std::ops::Range<usize>,
}

/// The whole fleet, laid out.
pub(super) struct Layout {
    pub nodes: Vec<Node>,
    pub workloads: Vec<Workload>,
    pub namespaces: Vec<String>,
}

const APPS: [&str; 8] =
    ["accounts", "catalog", "checkout", "invoices", "payments", "reviews", "search", "stock"];

impl Layout {
    /// Lays the fleet out, or says why it cannot be.
    pub(super) fn new(fleet: &Fleet) -> Result<Self> {
        let system = fleet.nodes + 2 * PAIR;
        ensure!(fleet.nodes > 0 && fleet.namespaces > 0, "a fleet needs nodes and namespaces");
        ensure!(fleet.pods >= system, "Cilium and the cluster DNS alone are {system} pods");
        // The agent's pod, and perhaps one of the operator's.
        let own = fleet.pods - fleet.nodes - PAIR;
        let most = own.div_ceil(fleet.nodes) + 2;
        ensure!(most <= MAX_PODS, "{most} pods on one node, but a kubelet takes {MAX_PODS}");
        let hosts = fleet.node_network.hosts().count();
        ensure!(hosts > fleet.nodes + 10, "{} is too small for the nodes", fleet.node_network);
        let networks: Vec<Ipv4Net> =
            fleet.pod_network.subnets(NODE_PREFIX)?.take(fleet.nodes).collect();
        ensure!(networks.len() == fleet.nodes, "{} is too small for the pods", fleet.pod_network);
        let nodes = networks
            .into_iter()
            .enumerate()
            .map(|(index, cidr)| Node {
                index,
                name: format!("node-{index:04}"),
                uid: uid(Use::Node, index),
                ip: at(fleet.node_network, index + 10),
                cidr,
            })
            .collect();
        let namespaces: Vec<String> =
            (0..fleet.namespaces).map(|n| format!("team-{n:02}")).collect();
        let workloads = (PAIR..own)
            .step_by(REPLICAS)
            .enumerate()
            .map(|(index, first)| {
                let turn = index / namespaces.len();
                Workload {
                    index,
                    namespace: namespaces[index % namespaces.len()].clone(),
                    app: format!("{}-{turn:03}", APPS[turn % APPS.len()]),
                    pods: first..own.min(first + REPLICAS),
                }
            })
            .collect();
        Ok(Self { nodes, workloads, namespaces })
    }

    /// The node of the pod with that number, and the pod's address on it.
    pub(super) fn place(&self, pod: usize) -> (&Node, Ipv4Addr) {
        // The first addresses of a node's network are Cilium's own.
        const FIRST: usize = 10;
        let node = &self.nodes[pod % self.nodes.len()];
        (node, node.pod_ip(FIRST + pod / self.nodes.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Fleet, Layout};

    #[test]
    fn every_pod_lies_in_the_network_of_its_node() {
        let layout = Layout::new(&Fleet::new(7, 300)).unwrap();
        let pods = layout.workloads.last().unwrap().pods.end;
        let mut seen = std::collections::BTreeSet::new();
        for pod in 0..pods {
            let (node, ip) = layout.place(pod);
            assert!(node.cidr.contains(&ip) && seen.insert(ip), "{ip}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for fleet in [
            Fleet::new(0, 10),
            Fleet::new(10, 12),
            Fleet::new(2, 1000),
            Fleet { pod_network: "10.1.0.0/16".parse().unwrap(), ..Fleet::new(300, 1000) },
            Fleet { node_network: "10.0.0.0/24".parse().unwrap(), ..Fleet::new(300, 1000) },
        ] {
            assert!(Layout::new(&fleet).is_err(), "{fleet:?}");
        }
    }
}
