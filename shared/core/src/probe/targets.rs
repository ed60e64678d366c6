//! Where probes go.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::{Address, matrix::Destination};
use crate::{
    facts::{CiliumNode, NodeName},
    view::{NodeView, Role, View},
};

/// As many targets of one kind as one node probes. Each node has others: together they cover more.
const MOST: usize = 3;

/// Where the probes of one node go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Targets {
    /// Default gateways.
    pub gateways: Vec<Endpoint>,
    /// Hosts of the LAN.
    pub lan: Vec<Endpoint>,
    /// DNS servers outside the cluster: those of the node, which the cluster's DNS asks in turn.
    pub dns_servers: Vec<Endpoint>,
    /// Other nodes.
    pub other_nodes: Vec<Endpoint>,
    /// Pods of the same node.
    pub pods_same_node: Vec<Endpoint>,
    /// Pods of other nodes.
    pub pods_other_nodes: Vec<Endpoint>,
    /// The cluster's DNS.
    pub cluster_dns: Vec<Endpoint>,
    /// The pods of the cluster's DNS.
    pub cluster_dns_pods: Vec<Endpoint>,
    /// The Service `default/kubernetes`.
    pub api_service: Vec<Endpoint>,
    /// The internet, by address.
    pub internet_addresses: Vec<Endpoint>,
    /// The internet, by name.
    pub internet_names: Vec<Endpoint>,
    /// A name that the cluster's DNS knows without asking others.
    pub cluster_name: String,
}

/// A target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Its address or name.
    pub host: Address,
    /// Its ports; none for those that are asked of all targets of its kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<u16>,
    /// Port of an echo server there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<u16>,
}

impl Endpoint {
    /// A target of which no ports are known.
    pub fn new(host: impl Into<Address>) -> Self {
        Self { host: host.into(), ports: Vec::new(), echo: None }
    }
}

impl From<IpAddr> for Endpoint {
    fn from(address: IpAddr) -> Self {
        Self::new(address)
    }
}

impl Default for Targets {
    /// The internet only: Cloudflare's resolvers, which `cilium connectivity test` asks too, and two
    /// domestic ones for those behind a wall that lets nothing else through.
    fn default() -> Self {
        let address = |octets: [u8; 4]| Endpoint::from(IpAddr::from(Ipv4Addr::from(octets)));
        Self {
            gateways: Vec::new(),
            lan: Vec::new(),
            dns_servers: Vec::new(),
            other_nodes: Vec::new(),
            pods_same_node: Vec::new(),
            pods_other_nodes: Vec::new(),
            cluster_dns: Vec::new(),
            cluster_dns_pods: Vec::new(),
            api_service: Vec::new(),
            internet_addresses: vec![
                address([1, 1, 1, 1]),
                address([1, 0, 0, 1]),
                address([223, 5, 5, 5]),
            ],
            internet_names: vec![Endpoint::new("one.one.one.one"), Endpoint::new("baidu.com")],
            cluster_name: "kubernetes.default.svc.cluster.local".into(),
        }
    }
}

impl Targets {
    /// These without the internet.
    #[must_use]
    pub fn without_internet(self) -> Self {
        Self { internet_addresses: Vec::new(), internet_names: Vec::new(), ..self }
    }

    /// These, and what the facts say about a node's surroundings.
    #[must_use]
    pub fn around(mut self, view: &View<'_>, node: &NodeView<'_>) -> Self {
        let name = node.name();
        let gateways = node.protected().filter(|protected| protected.is_gateway());
        self.gateways.extend(gateways.map(|protected| Endpoint::from(protected.address)));
        let servers = node.protected().filter(|protected| protected.is_dns());
        self.dns_servers.extend(servers.take(MOST).map(|server| Endpoint::from(server.address)));
        let others = node.protected().filter(|protected| {
            protected.roles.iter().any(|role| matches!(role, Role::Node(other) if other != name))
        });
        self.other_nodes.extend(spread(others.map(|protected| protected.address), name));
        let cluster = &view.facts.cluster;
        let (own, others): (Vec<&CiliumNode>, Vec<&CiliumNode>) =
            cluster.cilium_nodes.items().iter().partition(|known| known.name == *name);
        let health = |nodes: Vec<&CiliumNode>| {
            nodes.into_iter().flat_map(|node| node.health.clone()).collect::<Vec<_>>()
        };
        self.pods_same_node.extend(spread(health(own), name));
        self.pods_other_nodes.extend(spread(health(others), name));
        for service in cluster.services.items() {
            let into = match (service.namespace.as_str(), service.name.as_str()) {
                ("kube-system", "kube-dns") => &mut self.cluster_dns,
                ("default", "kubernetes") => &mut self.api_service,
                _ => continue,
            };
            into.extend(service.cluster_ips.iter().map(|address| Endpoint {
                ports: service.ports.iter().map(|port| port.port).take(1).collect(),
                ..Endpoint::from(*address)
            }));
        }
        let dns_pods = cluster.dns_endpoints.items().iter().filter(|endpoint| endpoint.ready);
        let dns_pods = dns_pods.flat_map(|endpoint| endpoint.addresses.iter().copied());
        self.cluster_dns_pods.extend(spread(dns_pods, name));
        self
    }

    /// Those of a destination. The resolvers of a pod are known in its namespace only.
    pub fn at(&self, destination: Destination) -> &[Endpoint] {
        match destination {
            Destination::Gateway => &self.gateways,
            Destination::Lan => &self.lan,
            Destination::OtherNode => &self.other_nodes,
            Destination::PodSameNode => &self.pods_same_node,
            Destination::PodOtherNode => &self.pods_other_nodes,
            Destination::ClusterDns => &self.cluster_dns,
            Destination::ClusterDnsPod => &self.cluster_dns_pods,
            Destination::ApiService => &self.api_service,
            Destination::Resolver => &self.dns_servers,
            Destination::SearchDomain => &[],
            Destination::InternetByAddress => &self.internet_addresses,
            Destination::InternetByName => &self.internet_names,
        }
    }
}

/// A few of many addresses, for each node others, always the same ones for the same node.
fn spread(addresses: impl IntoIterator<Item = IpAddr>, node: &NodeName) -> Vec<Endpoint> {
    let addresses: Vec<IpAddr> = addresses.into_iter().collect();
    let sum = node
        .as_str()
        .bytes()
        .fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let start = sum.checked_rem(addresses.len()).unwrap_or_default();
    let around = addresses.iter().cycle().skip(start).take(addresses.len().min(MOST));
    around.copied().map(Endpoint::from).collect()
}
