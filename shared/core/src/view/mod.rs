//! What the rules look at: facts, indexed once.

mod conflict;
mod fate;
mod kube_proxy;
mod moment;
mod node;
mod node_config;
mod pod_cidr;
mod proposal;
mod protected;
mod trouble;

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::Arc,
};

use ipnet::IpNet;
use node::shows_cilium;
use protected::{Common, Dependencies};

use crate::{
    chart::{ChartValues, ChartVersion},
    facts::{
        Address, AgentProcess, CiliumConfig, CiliumNode, Facts, NodeFacts, NodeName, Release,
        Unavailable,
    },
    prefix::{GivenPrefix, PrefixError, PrefixIndex},
    routing::Router,
    rules::Basis,
};

pub(crate) use conflict::is_of_routing_daemon;
pub use conflict::{AddressConflict, MAX_CONFLICTS, Reading, RouteConflict};
pub use fate::{Fate, FateSource};
pub use kube_proxy::KubeProxy;
pub use node::NodeView;
pub use pod_cidr::{ClaimSource, PodCidr};
pub use proposal::Proposal;
pub use protected::{Protected, Role, listing};
pub(crate) use trouble::Trouble;

/// An address that everybody knows to be far away. It is looked up in routes, never contacted.
pub const FAR_AWAY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(1, 1, 1, 1));

/// Facts with what every rule would otherwise work out again.
pub struct View<'a> {
    /// The facts themselves.
    pub facts: &'a Facts,
    proposal: Option<&'a Proposal>,
    /// With the version of its chart.
    release: Option<(&'a Release, ChartVersion)>,
    nodes: Vec<NodeView<'a>>,
    pod_cidrs: Vec<PodCidr>,
    pod_cidr_index: PrefixIndex,
    cilium_nodes: HashMap<&'a NodeName, &'a CiliumNode>,
    nodes_with_agent: HashSet<&'a NodeName>,
    node_addresses: HashSet<IpAddr>,
    /// Addresses of the nodes that were looked at, other than those on Cilium's devices, in order.
    own_addresses: Vec<(&'a NodeName, &'a Address)>,
    troubled_pods: Vec<Trouble<'a>>,
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
        let common = Arc::new(Common::of(facts));
        let nodes = facts
            .nodes
            .iter()
            .map(|node| NodeView {
                facts: node,
                router: Router::new(node),
                dependencies: Dependencies::of(node, &common),
                common: Arc::clone(&common),
            })
            .collect();
        let mut own_addresses: Vec<(&NodeName, &Address)> = facts
            .nodes
            .iter()
            .flat_map(|node| node.addresses.items().iter().map(move |own| (&node.name, own)))
            .filter(|(_, own)| !own.link.leads_into_cilium())
            .collect();
        own_addresses.sort_by_key(|(_, own)| own.address);
        let pod_cidrs = pod_cidr::all(facts);
        let cluster = &facts.cluster;
        let cilium_nodes = cluster.cilium_nodes.items();
        let addresses = cilium_nodes
            .iter()
            .flat_map(|node| &node.addresses)
            .chain(cluster.nodes.items().iter().flat_map(|node| &node.addresses));
        Self {
            facts,
            proposal: None,
            release: live_release(facts),
            nodes,
            pod_cidr_index: PrefixIndex::new(pod_cidrs.iter().map(|claim| claim.prefix)),
            pod_cidrs,
            // Where a name comes twice, the first one counts.
            cilium_nodes: cilium_nodes.iter().rev().map(|node| (&node.name, node)).collect(),
            nodes_with_agent: cluster.agents.items().iter().map(|pod| &pod.node).collect(),
            node_addresses: addresses
                .filter(|known| known.is_host_address())
                .map(|known| known.address)
                .collect(),
            own_addresses,
            troubled_pods: trouble::all(facts),
        }
    }

    /// Indexes facts, to judge a configuration that is about to be installed.
    pub fn with_proposal(facts: &'a Facts, proposal: &'a Proposal) -> Self {
        Self { proposal: Some(proposal), ..Self::new(facts) }
    }

    /// Pods that are not well, as far as pods are known.
    pub(crate) fn troubled_pods(&self) -> &[Trouble<'a>] {
        &self.troubled_pods
    }

    /// The nodes that were looked at.
    pub fn nodes(&self) -> &[NodeView<'a>] {
        &self.nodes
    }

    /// Every pod CIDR that somebody claims, each once.
    pub fn pod_cidrs(&self) -> &[PodCidr] {
        &self.pod_cidrs
    }

    /// Pod CIDRs that share addresses with a network, in order.
    pub fn pod_cidrs_overlapping(&self, network: IpNet) -> Vec<&PodCidr> {
        let mut found: Vec<usize> = self.pod_cidr_index.overlapping(network).collect();
        found.sort_unstable();
        found.into_iter().map(|position| &self.pod_cidrs[position]).collect()
    }

    /// The CiliumNode of this name.
    pub fn cilium_node(&self, name: &NodeName) -> Option<&'a CiliumNode> {
        self.cilium_nodes.get(name).copied()
    }

    /// Whether an address is one by which machines of the cluster reach a node.
    pub fn is_node_address(&self, address: IpAddr) -> bool {
        self.node_addresses.contains(&address)
    }

    /// Every address that some node depends on, with one such node: what is common to all nodes
    /// comes once, so that the number is that of the addresses, not of the pairs.
    pub fn protected(&self) -> impl Iterator<Item = (&NodeView<'a>, &Protected)> {
        let own = self
            .nodes
            .iter()
            .flat_map(|node| node.dependencies.own.iter().map(move |own| (node, own)));
        let common = self.nodes.first().map_or(&[][..], |node| &node.common.protected);
        let shared = common.iter().filter_map(|common| {
            let mut nodes = self.nodes.iter();
            let node = nodes.find(|node| node.dependencies.shares(common.address))?;
            Some((node, common))
        });
        own.chain(shared)
    }

    /// The configuration that was written, if it is known: the proposed one, else the live one.
    pub fn config(&self) -> Option<&'a CiliumConfig> {
        match self.proposal {
            Some(proposal) => Some(&proposal.config),
            None => self.facts.cluster.config.known(),
        }
    }

    /// Namespace of the installation; the usual one where nobody knows.
    pub fn namespace(&self) -> &'a str {
        self.config().map_or("kube-system", |config| config.namespace.as_str())
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
        if in_cluster || self.nodes.iter().any(|node| shows_cilium(node.facts)) {
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

    /// What the rules about a coming installation judge: what is proposed; else, when nothing is
    /// installed and the user named no pod CIDR, the chart's defaults. What CNI files of other
    /// plugins say stays theirs.
    pub fn coming_config(&self) -> Option<(CiliumConfig, Basis)> {
        if let Some(proposal) = self.proposal {
            return Some((proposal.config.clone(), Basis::Proposed));
        }
        let is_planned = self.pod_cidrs.iter().any(|claim| !claim.is_only_of_other_plugins());
        (self.installation() == Installation::NotSeen && !is_planned)
            .then(|| (CiliumConfig::chart_defaults(), Basis::Predicted))
    }

    /// The configuration that is judged: the coming one, else the live one.
    ///
    /// # Errors
    /// When there is neither.
    pub fn judged_config(&self) -> Result<(CiliumConfig, Basis), &'a Unavailable> {
        match (self.coming_config(), self.facts.cluster.config.get()) {
            (Some(coming), _) => Ok(coming),
            (None, Ok(live)) => Ok((live.clone(), Basis::Observed)),
            (None, Err(why)) => Err(why),
        }
    }

    /// What is about to be installed.
    pub fn proposal(&self) -> Option<&'a Proposal> {
        self.proposal
    }

    /// The values that the judged configuration comes from: those that are proposed, else those of
    /// the live release. None where nobody knows.
    pub fn chart_values(&self) -> Option<ChartValues<'_>> {
        match self.proposal {
            Some(proposal) => Some(ChartValues::new(&proposal.values, &proposal.chart)),
            None => self
                .release
                .as_ref()
                .map(|(release, chart)| ChartValues::new(&release.values, chart)),
        }
    }

    /// The release that is deployed, else the latest revision.
    pub fn release(&self) -> Option<&'a Release> {
        self.release.as_ref().map(|(release, _)| *release)
    }

    /// Addresses about which the kernel is to be asked: all that nodes depend on, and one that is
    /// far away, which tells how packets leave the site.
    pub fn questions(&self) -> Vec<IpAddr> {
        let mut questions: Vec<IpAddr> =
            self.protected().map(|(_, protected)| protected.address).collect();
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
        let first = pod_cidr.prefix.network();
        let from = self.own_addresses.partition_point(|(_, own)| own.address < first);
        self.own_addresses[from..]
            .iter()
            .take_while(|(_, own)| pod_cidr.prefix.contains(&own.address))
            .map(|(node, own)| format!("{} ({} of {node})", own.address, own.link))
            .collect()
    }

    /// Whether an agent runs on the node: the process, or its pod. `None` when nobody knows.
    pub fn agent_runs_on(&self, node: &NodeFacts) -> Option<bool> {
        match (node.agent.known(), self.facts.cluster.agents.known()) {
            (Some(AgentProcess::Running { .. }), _) => Some(true),
            (Some(AgentProcess::NotRunning), _) => Some(false),
            (None, Some(_)) => Some(self.nodes_with_agent.contains(&node.name)),
            (None, None) => None,
        }
    }
}

/// The release of Cilium that is deployed, else its latest revision. Charts that wrap Cilium's
/// (`rke2-cilium`) carry versions of their own: there the version of the application counts.
fn live_release(facts: &Facts) -> Option<(&Release, ChartVersion)> {
    let releases = facts.cluster.releases.items().iter();
    let latest = releases.max_by_key(|release| (release.status == "deployed", release.revision))?;
    let version =
        if latest.chart == "cilium" { &latest.chart_version } else { &latest.app_version };
    Some((latest, version.parse().ok()?))
}
