//! Pod CIDRs, and who says that they are.

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::{
    facts::{Facts, IpamMode, LinkName, NodeFacts, NodeName, Route, RouteKind},
    prefix::GivenPrefix,
};

/// A network whose addresses belong to pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodCidr {
    /// The network.
    pub prefix: IpNet,
    /// Node whose pods live in it, where that is known.
    pub owner: Option<NodeName>,
    /// Who says so; at least one.
    pub sources: Vec<ClaimSource>,
}

/// Where a pod CIDR is known from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimSource {
    /// `spec.ipam` of a CiliumNode.
    CiliumNode(NodeName),
    /// `spec.podCIDRs` of a Node, in IPAM mode `kubernetes`.
    KubeNode(NodeName),
    /// A route to `cilium_host` on a node.
    CiliumRoute(NodeName),
    /// A direct route to another node's pods, on a node.
    DirectRoute(NodeName),
    /// A CNI file of another plugin on a node.
    CniFile(NodeName, String),
    /// The user.
    Declared,
}

impl std::fmt::Display for ClaimSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CiliumNode(node) => write!(f, "CiliumNode {node}"),
            Self::KubeNode(node) => write!(f, "Node {node}"),
            Self::CiliumRoute(node) => write!(f, "route to cilium_host on {node}"),
            Self::DirectRoute(node) => write!(f, "direct route to pods on {node}"),
            Self::CniFile(node, file) => write!(f, "CNI file {file} on {node}"),
            Self::Declared => f.write_str("--pod-cidr"),
        }
    }
}

impl PodCidr {
    /// The network with its owner, as in `10.0.0.0/24 (pods of node2)`.
    pub fn with_owner(&self) -> String {
        match &self.owner {
            Some(owner) => format!("{} (pods of {owner})", self.prefix),
            None => self.prefix.to_string(),
        }
    }

    /// Whether nobody but the CNI files of other plugins speaks of it.
    pub fn is_only_of_other_plugins(&self) -> bool {
        self.sources.iter().all(|source| matches!(source, ClaimSource::CniFile(..)))
    }

    /// Whether a CiliumNode claims it.
    pub fn is_allocated(&self) -> bool {
        self.sources.iter().any(|source| matches!(source, ClaimSource::CiliumNode(_)))
    }
}

/// All claims, each network once, in order.
pub(super) fn all(facts: &Facts) -> Vec<PodCidr> {
    let mut claims = Claims::default();
    for node in facts.cluster.cilium_nodes.items() {
        for prefix in &node.pod_cidrs {
            let source = ClaimSource::CiliumNode(node.name.clone());
            claims.add(*prefix, Some(node.name.clone()), source);
        }
    }
    if facts.cluster.config.known().is_some_and(|config| config.ipam == IpamMode::Kubernetes) {
        for node in facts.cluster.nodes.items() {
            for prefix in &node.pod_cidrs {
                let source = ClaimSource::KubeNode(node.name.clone());
                claims.add(*prefix, Some(node.name.clone()), source);
            }
        }
    }
    for node in &facts.nodes {
        for route in cilium_host_routes(node) {
            let source = ClaimSource::CiliumRoute(node.name.clone());
            claims.add(route.destination, own_block(node, route), source);
        }
        let is_network = |route: &&Route| route.destination.prefix_len() < route.family().bits();
        let direct = node.routes.items().iter().filter(is_network);
        for route in direct.filter(|route| super::node::is_direct_node_route(node, route)) {
            if !route.links().any(LinkName::leads_into_cilium) {
                claims.add(route.destination, None, ClaimSource::DirectRoute(node.name.clone()));
            }
        }
        for file in node.cni_files.items() {
            for subnet in &file.subnets {
                let source = ClaimSource::CniFile(node.name.clone(), file.name.clone());
                claims.add(*subnet, None, source);
            }
        }
    }
    for given in facts.declared.pod_cidrs.iter().filter_map(|text| text.parse::<GivenPrefix>().ok())
    {
        claims.add(given.prefix(), None, ClaimSource::Declared);
    }
    claims.into_sorted()
}

/// Routes to networks beyond single addresses that leave by `cilium_host`. The agent installs one
/// for each node's pod CIDR in tunnel mode, and one for its own (upstream `createNodeRouteSpec`).
pub(super) fn cilium_host_routes(node: &NodeFacts) -> impl Iterator<Item = &Route> {
    node.routes.items().iter().filter(|route| {
        route.kind == RouteKind::Unicast
            && route.table == crate::facts::TableId::MAIN
            && !route.is_default()
            && route.destination.prefix_len() < route.family().bits()
            && !super::node::is_link_local(route.destination)
            && route.links().any(|link| link.as_str() == "cilium_host")
    })
}

/// A node's own block is the one that holds the address of its `cilium_host`.
fn own_block(node: &NodeFacts, route: &Route) -> Option<NodeName> {
    let router = route.preferred_source.or_else(|| route.gateways().next())?;
    route.destination.contains(&router).then(|| node.name.clone())
}

#[derive(Default)]
struct Claims(BTreeMap<IpNet, PodCidr>);

impl Claims {
    fn add(&mut self, prefix: IpNet, owner: Option<NodeName>, source: ClaimSource) {
        let prefix = prefix.trunc();
        let claim = self.0.entry(prefix).or_insert_with(|| PodCidr {
            prefix,
            owner: None,
            sources: Vec::new(),
        });
        // CiliumNodes come first and are right about the owner.
        claim.owner = claim.owner.take().or(owner);
        claim.sources.push(source);
    }

    fn into_sorted(self) -> Vec<PodCidr> {
        self.0.into_values().collect()
    }
}
