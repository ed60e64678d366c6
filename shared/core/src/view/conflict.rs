//! Pod CIDRs against what the LAN needs.

use ipnet::IpNet;

use super::{NodeView, PodCidr, Protected, View};
use crate::{
    facts::{LinkName, Route, RoutingMode},
    prefix::GivenPrefix,
};

/// Conflicts of one node beyond this number are left out: a report is read by people.
pub const MAX_CONFLICTS: usize = 1000;

/// `RTPROT_*` of routing daemons: zebra, bird, babel, openr, bgp, isis, ospf, rip, eigrp.
const ROUTING_DAEMONS: [u8; 9] = [11, 12, 42, 99, 186, 187, 188, 189, 192];

/// Whether a routing daemon learned a route from its neighbours.
pub(crate) fn is_of_routing_daemon(route: &Route) -> bool {
    ROUTING_DAEMONS.contains(&route.protocol.0)
}

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
    /// What the route may be.
    pub reading: Reading,
}

/// What a route that shares addresses with a pod CIDR may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A network of the LAN.
    Lan,
    /// A network that the host is not attached to, and that is wider than the pod CIDR: what it
    /// leads to loses only what the pods have.
    WiderElsewhere,
    /// A way to pods, or a network of the LAN: it lies in the pod CIDR behind a router, and nobody
    /// said which addresses nodes have.
    PerhapsWayToPods,
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
        let common = self.nodes.first().map_or(&[][..], |node| &node.common.protected);
        // The same for all nodes, but for the one that an address belongs to.
        let common: Vec<(&PodCidr, &Protected)> = self.with_pod_cidrs(common).collect();
        let mut conflicts = Vec::new();
        for node in &self.nodes {
            let own = self.with_pod_cidrs(&node.dependencies.own);
            let shared = common.iter().copied();
            let shared = shared.filter(|(_, common)| node.dependencies.shares(common.address));
            conflicts.extend(
                own.chain(shared)
                    .take(MAX_CONFLICTS)
                    .map(|(pod_cidr, protected)| AddressConflict { pod_cidr, protected, node }),
            );
        }
        conflicts
    }

    /// Addresses that lie in a pod CIDR, with it.
    fn with_pod_cidrs<'v>(
        &'v self,
        addresses: &'v [Protected],
    ) -> impl Iterator<Item = (&'v PodCidr, &'v Protected)> {
        addresses.iter().flat_map(move |protected| {
            let claims = self.pod_cidr_index.around(IpNet::from(protected.address));
            claims.map(move |claim| (&self.pod_cidrs[claim], protected))
        })
    }

    /// Routes of all nodes, other than Cilium's and other CNI plugins', that overlap a pod CIDR.
    pub fn route_conflicts(&self) -> Vec<RouteConflict<'_, 'a>> {
        let mut conflicts = Vec::new();
        for node in &self.nodes {
            let routes =
                node.lan_routes().filter(|route| !route.links().any(LinkName::is_other_cni));
            let overlaps = routes.flat_map(|route| {
                let claims = self.pod_cidr_index.overlapping(route.destination);
                claims.map(move |claim| (&self.pod_cidrs[claim], route))
            });
            conflicts.extend(
                overlaps
                    .filter(|(pod_cidr, route)| {
                        !self.is_way_to_pods(route, pod_cidr) && !node.is_bridge_of(route, pod_cidr)
                    })
                    .take(MAX_CONFLICTS)
                    .map(|(pod_cidr, route)| RouteConflict {
                        pod_cidr,
                        route,
                        node,
                        reading: self.reading(route, pod_cidr),
                    }),
            );
        }
        conflicts
    }

    fn reading(&self, route: &Route, pod_cidr: &PodCidr) -> Reading {
        if route.gateways().next().is_none() {
            Reading::Lan
        } else if !pod_cidr.prefix.contains(&route.destination) {
            Reading::WiderElsewhere
        } else if self.config().is_none() && self.facts.cluster.cilium_nodes.known().is_none() {
            Reading::PerhapsWayToPods
        } else {
            Reading::Lan
        }
    }

    /// Whether a route is how pods are reached without a tunnel: inside a pod CIDR over the address
    /// of a node; or, in native mode, over a router.
    fn is_way_to_pods(&self, route: &Route, pod_cidr: &PodCidr) -> bool {
        let is_inside = pod_cidr.prefix.contains(&route.destination);
        let over_node = || route.gateways().all(|gateway| self.is_node_address(gateway));
        route.gateways().next().is_some()
            && (is_inside && over_node() || self.is_announced(route, pod_cidr))
    }

    /// Whether the network outside knows the pods by this route: in native mode a routing daemon
    /// learns each node's pod CIDR, and the pool and the native routing CIDR are what routers are
    /// told of all pods.
    fn is_announced(&self, route: &Route, pod_cidr: &PodCidr) -> bool {
        self.config().filter(|config| config.routing == RoutingMode::Native).is_some_and(|config| {
            let network = route.destination.trunc();
            let of_all_pods = config.pool_v4.iter().chain(&config.pool_v6);
            (network == pod_cidr.prefix && is_of_routing_daemon(route))
                || of_all_pods
                    .chain(&config.native_routing_cidr_v4)
                    .filter_map(|text| text.parse::<GivenPrefix>().ok())
                    .any(|given| given.prefix() == network)
        })
    }
}
