//! One node, as rules see it.

use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;

use super::{
    Fate, PodCidr, Protected, pod_cidr,
    protected::{Common, Dependencies},
};
use crate::{
    facts::{
        AgentProcess, KernelLookup, LinkName, NodeFacts, NodeName, Route, RouteKind, TableId,
        Unavailable,
    },
    routing::Router,
};

/// One node, indexed.
pub struct NodeView<'a> {
    /// The node's facts.
    pub facts: &'a NodeFacts,
    pub(super) router: Result<Router<'a>, &'a Unavailable>,
    pub(super) common: Arc<Common<'a>>,
    pub(super) dependencies: Dependencies,
}

impl<'a> NodeView<'a> {
    /// Name of the node.
    pub fn name(&self) -> &'a NodeName {
        &self.facts.name
    }

    /// The node's rules and tables, indexed.
    pub fn router(&self) -> Result<&Router<'a>, &'a Unavailable> {
        self.router.as_ref().map_err(|why| *why)
    }

    /// Addresses that must stay reachable outside Cilium, each once: those with a role for this
    /// node alone, then those that all nodes have in common.
    pub fn protected(&self) -> impl Iterator<Item = &Protected> {
        let common = self.common.protected.iter();
        let common = common.filter(|common| self.dependencies.shares(common.address));
        self.dependencies.own.iter().chain(common)
    }

    /// Those of the [`protected`](Self::protected) addresses that lie in a network. A large cluster has as
    /// many pairs of nodes and addresses as its square, and few of them in any one network.
    pub fn protected_in(&self, network: IpNet) -> impl Iterator<Item = &Protected> {
        let own = self.dependencies.own.iter();
        let common = &self.common.protected;
        // Sorted by address.
        let start = common.partition_point(|it| it.address < network.network());
        let common = common[start..].iter().take_while(move |it| network.contains(&it.address));
        let common = common.filter(|common| self.dependencies.shares(common.address));
        own.filter(move |own| network.contains(&own.address)).chain(common)
    }

    /// The kernel's own answer about an address, if it was asked.
    pub fn kernel_lookup(&self, address: IpAddr) -> Option<&'a KernelLookup> {
        self.facts.lookups.items().iter().find(|lookup| lookup.destination == address)
    }

    /// What happens with a packet of this node to an address.
    pub fn fate(&self, address: IpAddr) -> Fate<'a> {
        Fate::of(self, address)
    }

    /// Whether a route is the connected one of the bridge that another plugin made for the subnet
    /// in its CNI file (Podman's `cni-podman0`): route and pod CIDR are then the same network.
    pub fn is_bridge_of(&self, route: &Route, pod_cidr: &PodCidr) -> bool {
        pod_cidr.is_only_of_other_plugins()
            && pod_cidr.prefix.contains(&route.destination)
            && route.gateways().next().is_none()
            && route.links().next().is_some()
            && route.links().all(|link| self.is_bridge(link))
    }

    /// Whether a device is a bridge.
    pub fn is_bridge(&self, name: &LinkName) -> bool {
        let mut links = self.facts.links.items().iter();
        links.any(|link| link.name == *name && link.kind.as_deref() == Some("bridge"))
    }

    /// Interfaces that Cilium made.
    pub fn cilium_links(&self) -> impl Iterator<Item = &'a LinkName> {
        cilium_links(self.facts)
    }

    /// Routes to networks beyond single addresses that hand packets to `cilium_host`.
    pub fn cilium_host_routes(&self) -> impl Iterator<Item = &'a Route> {
        pod_cidr::cilium_host_routes(self.facts)
    }

    /// Whether an agent installed a route to another node's pods without a tunnel.
    pub fn is_direct_node_route(&self, route: &Route) -> bool {
        is_direct_node_route(self.facts, route)
    }

    /// Unicast routes of the tables that decide about ordinary packets (`main` and `local`), other
    /// than Cilium's own and ways to everywhere: the networks that this host knows.
    pub fn lan_routes(&self) -> impl Iterator<Item = &'a Route> {
        self.facts.routes.items().iter().filter(|route| {
            matches!(route.table, TableId::MAIN | TableId::LOCAL)
                && matches!(route.kind, RouteKind::Unicast | RouteKind::Local)
                && !route.is_way_to_everywhere()
                && !route.destination.addr().is_loopback()
                && !is_link_local(route.destination)
                && !route.links().any(LinkName::leads_into_cilium)
                && !self.is_direct_node_route(route)
        })
    }

    /// The LAN's best route to an address, which would win without Cilium.
    pub fn lan_route_to(&self, address: IpAddr) -> Option<&'a Route> {
        self.lan_routes()
            .filter(|route| route.destination.contains(&address))
            .max_by_key(|route| route.destination.prefix_len())
    }
}

/// Interfaces of a node that Cilium made.
pub(super) fn cilium_links(node: &NodeFacts) -> impl Iterator<Item = &LinkName> {
    node.links
        .items()
        .iter()
        // `lxcbr0` of LXC is a bridge; a device of Cilium is never one.
        .filter(|link| link.kind.as_deref() != Some("bridge"))
        .map(|link| &link.name)
        .filter(|name| name.leads_into_cilium())
}

/// Whether something of Cilium was seen on a node.
pub(super) fn shows_cilium(node: &NodeFacts) -> bool {
    cilium_links(node).next().is_some()
        || node.cni_files.items().iter().any(crate::facts::CniFile::is_cilium)
        || matches!(node.agent.known(), Some(AgentProcess::Running { .. }))
}

/// Whether an agent installed a route to another node's pods without a tunnel. Where Cilium was
/// looked for and not seen, a route of that form is somebody else's.
pub(super) fn is_direct_node_route(node: &NodeFacts, route: &Route) -> bool {
    route.has_form_of_direct_node_route() && (shows_cilium(node) || node.links.known().is_none())
}

/// Every interface has the same link-local networks; they tell nothing about the site.
pub(super) fn is_link_local(prefix: IpNet) -> bool {
    match prefix {
        IpNet::V4(net) => net.network().is_link_local(),
        IpNet::V6(net) => net.network().is_unicast_link_local() || net.network().is_multicast(),
    }
}
