//! Pod CIDRs against what the LAN needs.

use std::ops::ControlFlow;

use ipnet::IpNet;

use super::{NodeView, PodCidr, Protected, View};
use crate::{
    facts::{LinkName, Route, RouteProtocol},
    prefix::for_each_overlap,
};

/// Conflicts beyond this number are counted as "more": a report is read by people.
pub const MAX_CONFLICTS: usize = 1000;

/// A protected address inside a pod CIDR.
pub struct AddressConflict<'v, 'a> {
    /// The pod CIDR.
    pub pod_cidr: &'v PodCidr,
    /// The address.
    pub protected: &'v Protected,
    /// Node that depends on the address.
    pub node: &'v NodeView<'a>,
}

/// A route of the LAN that shares addresses with a pod CIDR.
pub struct RouteConflict<'v, 'a> {
    /// The pod CIDR.
    pub pod_cidr: &'v PodCidr,
    /// The route.
    pub route: &'a Route,
    /// Node that has the route.
    pub node: &'v NodeView<'a>,
}

impl RouteConflict<'_, '_> {
    /// The network that wins for the addresses both have: the one with the longer prefix.
    pub fn winner(&self) -> IpNet {
        if self.route.destination.prefix_len() >= self.pod_cidr.prefix.prefix_len() {
            self.route.destination
        } else {
            self.pod_cidr.prefix
        }
    }
}

impl<'a> View<'a> {
    /// Protected addresses of all nodes that lie in a pod CIDR.
    pub fn address_conflicts(&self) -> Vec<AddressConflict<'_, 'a>> {
        let claims: Vec<IpNet> = self.pod_cidrs.iter().map(|claim| claim.prefix).collect();
        let mut conflicts = Vec::new();
        for node in &self.nodes {
            let addresses: Vec<IpNet> =
                node.protected.iter().map(|protected| IpNet::from(protected.address)).collect();
            for_each_overlap(&claims, &addresses, |claim, address| {
                conflicts.push(AddressConflict {
                    pod_cidr: &self.pod_cidrs[claim],
                    protected: &node.protected[address],
                    node,
                });
                unless_too_many(conflicts.len())
            });
        }
        conflicts
    }

    /// Routes of all nodes, other than Cilium's and other CNI plugins', that overlap a pod CIDR.
    pub fn route_conflicts(&self) -> Vec<RouteConflict<'_, 'a>> {
        let claims: Vec<IpNet> = self.pod_cidrs.iter().map(|claim| claim.prefix).collect();
        let mut conflicts = Vec::new();
        for node in &self.nodes {
            let routes: Vec<&Route> = node
                .lan_routes()
                .filter(|route| !route.links().any(LinkName::is_other_cni))
                .collect();
            let networks: Vec<IpNet> = routes.iter().map(|route| route.destination).collect();
            for_each_overlap(&claims, &networks, |claim, route| {
                let pod_cidr = &self.pod_cidrs[claim];
                if !self.is_way_to_pods(routes[route], pod_cidr) {
                    conflicts.push(RouteConflict { pod_cidr, route: routes[route], node });
                }
                unless_too_many(conflicts.len())
            });
        }
        conflicts
    }

    /// Whether a route inside a pod CIDR is how its pods are reached without a tunnel: over the
    /// address of a node, or installed by the agent, whose routes are the only ones of protocol
    /// `kernel` that have a gateway (upstream `autoDirectNodeRoutes`).
    fn is_way_to_pods(&self, route: &Route, pod_cidr: &PodCidr) -> bool {
        pod_cidr.prefix.contains(&route.destination)
            && route.gateways().next().is_some()
            && (route.protocol == RouteProtocol::KERNEL
                || route.gateways().all(|gateway| self.is_node_address(gateway)))
    }

    fn is_node_address(&self, address: std::net::IpAddr) -> bool {
        let cluster = &self.facts.cluster;
        cluster
            .cilium_nodes
            .items()
            .iter()
            .flat_map(|node| &node.addresses)
            .chain(cluster.nodes.items().iter().flat_map(|node| &node.addresses))
            .any(|known| known.is_host_address() && known.address == address)
    }
}

fn unless_too_many(count: usize) -> ControlFlow<()> {
    if count < MAX_CONFLICTS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}
