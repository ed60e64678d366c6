//! What the rules look at: facts, indexed once.

mod conflict;
mod fate;
mod pod_cidr;
mod protected;

use std::net::IpAddr;

use ipnet::IpNet;

use crate::{
    facts::{
        AgentProcess, CiliumConfig, Facts, KernelLookup, LinkName, NodeFacts, NodeName, Route,
        RouteKind, Unavailable,
    },
    prefix::{GivenPrefix, PrefixError},
    routing::Router,
};

pub use conflict::{AddressConflict, MAX_CONFLICTS, RouteConflict};
pub use fate::{Fate, FateSource};
pub use pod_cidr::{ClaimSource, PodCidr};
pub use protected::{Protected, Role, listing};

/// An address that everybody knows to be far away. It is looked up in routes, never contacted.
pub const FAR_AWAY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(1, 1, 1, 1));

/// Facts with what every rule would otherwise work out again.
pub struct View<'a> {
    /// The facts themselves.
    pub facts: &'a Facts,
    nodes: Vec<NodeView<'a>>,
    pod_cidrs: Vec<PodCidr>,
}

/// One node, indexed.
pub struct NodeView<'a> {
    /// The node's facts.
    pub facts: &'a NodeFacts,
    router: Result<Router<'a>, &'a Unavailable>,
    protected: Vec<Protected>,
}

/// Whether Cilium is there at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installation {
    /// Something of Cilium was seen: configuration, CiliumNodes, devices, agents, CNI files.
    Seen,
    /// Nothing was, although links or cluster objects could be read.
    NotSeen,
    /// Too little could be read to say.
    Unknown,
}

impl<'a> View<'a> {
    /// Indexes facts.
    pub fn new(facts: &'a Facts) -> Self {
        let nodes = facts
            .nodes
            .iter()
            .map(|node| NodeView {
                facts: node,
                router: Router::new(node),
                protected: protected::of_node(facts, node),
            })
            .collect();
        Self { facts, nodes, pod_cidrs: pod_cidr::all(facts) }
    }

    /// The nodes that were looked at.
    pub fn nodes(&self) -> &[NodeView<'a>] {
        &self.nodes
    }

    /// Every pod CIDR that somebody claims, each once.
    pub fn pod_cidrs(&self) -> &[PodCidr] {
        &self.pod_cidrs
    }

    /// The live configuration, if it is known.
    pub fn config(&self) -> Option<&'a CiliumConfig> {
        self.facts.cluster.config.known()
    }

    /// How many nodes the cluster has, at least 1.
    pub fn node_count(&self) -> usize {
        let cluster = &self.facts.cluster;
        [self.nodes.len(), cluster.nodes.items().len(), cluster.cilium_nodes.items().len()]
            .into_iter()
            .fold(1, usize::max)
    }

    /// Whether Cilium is there.
    pub fn installation(&self) -> Installation {
        let cluster = &self.facts.cluster;
        let in_cluster = cluster.config.known().is_some()
            || !cluster.cilium_nodes.items().is_empty()
            || !cluster.agents.items().is_empty();
        if in_cluster || self.nodes.iter().any(NodeView::shows_cilium) {
            return Installation::Seen;
        }
        let links_were_read = !self.nodes.is_empty()
            && self.nodes.iter().all(|node| node.facts.links.known().is_some());
        if links_were_read || cluster.cilium_nodes.known().is_some() {
            Installation::NotSeen
        } else {
            Installation::Unknown
        }
    }

    /// What the rules about a coming installation judge when nothing is installed and the user
    /// named no pod CIDR: the chart's defaults.
    pub fn predicted_config(&self) -> Option<CiliumConfig> {
        (self.installation() == Installation::NotSeen && self.pod_cidrs.is_empty())
            .then(CiliumConfig::chart_defaults)
    }

    /// Addresses about which the kernel is to be asked: all that nodes depend on, and one that is
    /// far away, which tells how packets leave the site.
    pub fn questions(&self) -> Vec<IpAddr> {
        let protected = self.nodes.iter().flat_map(|node| node.protected());
        let mut questions: Vec<IpAddr> = protected.map(|protected| protected.address).collect();
        questions.push(FAR_AWAY);
        questions.sort_unstable();
        questions.dedup();
        questions
    }

    /// Service CIDRs of the cluster and of the user, with those that are not CIDRs.
    ///
    /// # Errors
    /// When nobody knows any.
    pub fn service_cidrs(&self) -> Result<Vec<Result<GivenPrefix, PrefixError>>, &'a Unavailable> {
        let declared = &self.facts.declared.service_cidrs;
        let known = match self.facts.cluster.service_cidrs.get() {
            Ok(known) => known.as_slice(),
            Err(why) if declared.is_empty() => return Err(why),
            Err(_) => &[],
        };
        Ok(declared.iter().chain(known).map(|text| text.parse()).collect())
    }

    /// The node whose facts carry this name.
    pub fn node(&self, name: &NodeName) -> Option<&NodeView<'a>> {
        self.nodes.iter().find(|node| node.facts.name == *name)
    }

    /// Addresses of the nodes themselves that lie in a pod CIDR, as in `10.0.0.124 (eth0 of node1)`.
    pub fn own_addresses_in(&self, pod_cidr: &PodCidr) -> Vec<String> {
        let addresses = self.nodes.iter().flat_map(|node| {
            node.facts.addresses.items().iter().map(move |own| (node.name(), own))
        });
        addresses
            .filter(|(_, own)| !own.link.leads_into_cilium())
            .filter(|(_, own)| pod_cidr.prefix.contains(&own.address))
            .map(|(node, own)| format!("{} ({} of {node})", own.address, own.link))
            .collect()
    }

    /// The node that owns a pod CIDR according to the CiliumNodes.
    pub fn owner_of(&self, prefix: IpNet) -> Option<&NodeName> {
        self.pod_cidrs
            .iter()
            .find(|claim| claim.prefix == prefix)
            .and_then(|claim| claim.owner.as_ref())
    }

    /// Whether an agent runs on the node: the process, or its pod. `None` when nobody knows.
    pub fn agent_runs_on(&self, node: &NodeFacts) -> Option<bool> {
        match (node.agent.known(), self.facts.cluster.agents.known()) {
            (Some(AgentProcess::Running { .. }), _) => Some(true),
            (Some(AgentProcess::NotRunning), _) => Some(false),
            (None, Some(pods)) => Some(pods.iter().any(|pod| pod.node == node.name)),
            (None, None) => None,
        }
    }
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

    /// Addresses that must stay reachable outside Cilium, each once.
    pub fn protected(&self) -> &[Protected] {
        &self.protected
    }

    /// The kernel's own answer about an address, if it was asked.
    pub fn kernel_lookup(&self, address: IpAddr) -> Option<&'a KernelLookup> {
        self.facts.lookups.items().iter().find(|lookup| lookup.destination == address)
    }

    /// What happens with a packet of this node to an address.
    pub fn fate(&self, address: IpAddr) -> Fate<'a> {
        Fate::of(self, address)
    }

    /// Interfaces that Cilium made.
    pub fn cilium_links(&self) -> impl Iterator<Item = &'a LinkName> {
        self.facts
            .links
            .items()
            .iter()
            // `lxcbr0` of LXC is a bridge; a device of Cilium is never one.
            .filter(|link| link.kind.as_deref() != Some("bridge"))
            .map(|link| &link.name)
            .filter(|name| name.leads_into_cilium())
    }

    /// Routes to networks beyond single addresses that hand packets to `cilium_host`.
    pub fn cilium_host_routes(&self) -> impl Iterator<Item = &'a Route> {
        pod_cidr::cilium_host_routes(self.facts)
    }

    /// Unicast routes of the tables that decide about ordinary packets (`main` and `local`), other
    /// than default routes: the networks that this host knows.
    pub fn lan_routes(&self) -> impl Iterator<Item = &'a Route> {
        use crate::facts::TableId;
        self.facts.routes.items().iter().filter(|route| {
            matches!(route.table, TableId::MAIN | TableId::LOCAL)
                && matches!(route.kind, RouteKind::Unicast | RouteKind::Local)
                && !route.is_default()
                && !route.destination.addr().is_loopback()
                && !is_link_local(route.destination)
                && !route.links().any(LinkName::leads_into_cilium)
        })
    }

    fn shows_cilium(&self) -> bool {
        self.cilium_links().next().is_some()
            || self.facts.cni_files.items().iter().any(crate::facts::CniFile::is_cilium)
            || matches!(self.facts.agent.known(), Some(AgentProcess::Running { .. }))
    }
}

/// Every interface has the same link-local networks; they tell nothing about the site.
fn is_link_local(prefix: IpNet) -> bool {
    match prefix {
        IpNet::V4(net) => net.network().is_link_local(),
        IpNet::V6(net) => net.network().is_unicast_link_local() || net.network().is_multicast(),
    }
}
