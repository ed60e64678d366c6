//! Addresses that must stay reachable over the LAN: `PA(node)`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    net::IpAddr,
};

use crate::facts::{
    Facts, Family, HostEndpointKind, LinkName, NodeFacts, NodeName, ResolverKind, Route, RouteKind,
    RuleAction, TableId,
};

/// An address that this node depends on, and as what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protected {
    /// The address.
    pub address: IpAddr,
    /// What it is to the node; at least one.
    pub roles: BTreeSet<Role>,
}

/// What an address is to a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Next hop of a default route.
    Gateway {
        /// Device of that route.
        link: Option<LinkName>,
    },
    /// DNS server.
    Dns {
        /// File that names it.
        file: String,
        /// Whether programs ask a local stub, which asks the server.
        behind_stub: bool,
    },
    /// Address of another node.
    Node(NodeName),
    /// API server.
    ApiServer,
    /// HTTP(S) proxy of kubelet or runtime.
    Proxy,
    /// Registry mirror of the runtime.
    RegistryMirror,
    /// The user named it.
    Declared,
}

impl Role {
    /// The role in a word or two.
    pub fn word(&self) -> String {
        match self {
            Self::Gateway { .. } => "default gateway".into(),
            Self::Dns { .. } => "DNS server".into(),
            Self::Node(name) => format!("node {name}"),
            Self::ApiServer => "API server".into(),
            Self::Proxy => "proxy".into(),
            Self::RegistryMirror => "registry mirror".into(),
            Self::Declared => "protected by --protect".into(),
        }
    }
}

impl Protected {
    /// All roles in words, as in `default gateway and DNS server`.
    pub fn roles_in_words(&self) -> String {
        let mut words: Vec<String> = self.roles.iter().map(Role::word).collect();
        words.dedup();
        join_with_and(&words)
    }

    /// Whether one of the roles is that of a gateway.
    pub fn is_gateway(&self) -> bool {
        self.roles.iter().any(|role| matches!(role, Role::Gateway { .. }))
    }

    /// Whether one of the roles is that of a DNS server.
    pub fn is_dns(&self) -> bool {
        self.roles.iter().any(|role| matches!(role, Role::Dns { .. }))
    }

    /// Whether one of the roles is that of a node or of the API server.
    pub fn is_cluster_machine(&self) -> bool {
        self.roles.iter().any(|role| matches!(role, Role::Node(_) | Role::ApiServer))
    }
}

/// `a, b, c`; of long lists the beginning and the number of the rest.
pub fn listing(words: &[String]) -> String {
    const SHOWN: usize = 5;
    match words.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{} and {more} more", words[..SHOWN].join(", ")),
        _ => words.join(", "),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn join_with_and(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// What the nodes of a cluster have in common: its machines, the API servers, and what the user
/// named. Kept once, because each node of a large cluster depends on all others.
#[derive(Debug, Default)]
pub(super) struct Common<'a> {
    /// In order of their addresses.
    pub(super) protected: Vec<Protected>,
    machines: HashMap<&'a NodeName, Vec<IpAddr>>,
}

impl<'a> Common<'a> {
    pub(super) fn of(facts: &'a Facts) -> Self {
        let mut found = Collection::default();
        let mut by_name: HashMap<&NodeName, Vec<IpAddr>> = HashMap::new();
        for (name, address) in machines(facts) {
            found.add(address, Role::Node(name.clone()));
            by_name.entry(name).or_default().push(address);
        }
        for address in facts.cluster.api_servers.items() {
            found.add(*address, Role::ApiServer);
        }
        for address in &facts.declared.protect {
            found.add(*address, Role::Declared);
        }
        Self { protected: found.into_sorted(), machines: by_name }
    }

    fn get(&self, address: IpAddr) -> Option<&Protected> {
        let found = self.protected.binary_search_by_key(&address, |protected| protected.address);
        found.ok().map(|index| &self.protected[index])
    }
}

/// What one node depends on: its own servers, and what is common without the node itself.
#[derive(Debug)]
pub(super) struct Dependencies {
    /// Addresses with a role for this node alone, in order.
    pub(super) own: Vec<Protected>,
    /// Common addresses that `own` holds with more roles, and those of the node itself.
    not_common: BTreeSet<IpAddr>,
}

impl Dependencies {
    pub(super) fn of(node: &NodeFacts, common: &Common<'_>) -> Self {
        let mut found = Collection::default();
        let reached = reached_tables(node);
        let ways_out = node.routes.items().iter().filter(|route| is_way_out(route));
        for route in ways_out.filter(|route| {
            reached.as_ref().is_none_or(|reached| reached.contains(&(route.family(), route.table)))
        }) {
            for hop in &route.next_hops {
                if let Some(gateway) = hop.gateway {
                    found.add(gateway, Role::Gateway { link: hop.link.clone() });
                }
            }
        }
        for resolver in node.resolvers.items() {
            found.add(
                resolver.address,
                Role::Dns {
                    file: resolver.file.clone(),
                    behind_stub: resolver.kind == ResolverKind::BehindStub,
                },
            );
        }
        for endpoint in node.endpoints.items() {
            let role = match endpoint.kind {
                HostEndpointKind::ApiServer => Role::ApiServer,
                HostEndpointKind::Proxy => Role::Proxy,
                HostEndpointKind::RegistryMirror => Role::RegistryMirror,
            };
            found.add(endpoint.address, role);
        }
        // An address that is common as well has the roles of both; what is the node's own address
        // by name has the roles that are left.
        let itself = common.machines.get(&node.name).map_or(&[][..], Vec::as_slice);
        let of_both: Vec<IpAddr> = found.0.keys().chain(itself).copied().collect();
        for address in &of_both {
            let roles = common.get(*address).into_iter().flat_map(|protected| &protected.roles);
            for role in roles.filter(|role| **role != Role::Node(node.name.clone())) {
                found.add(*address, role.clone());
            }
        }
        let on_links = node.addresses.items().iter().map(|own| own.address);
        for address in on_links.clone() {
            found.0.remove(&address);
        }
        Self { not_common: of_both.into_iter().chain(on_links).collect(), own: found.into_sorted() }
    }

    /// Whether a common address is one that this node depends on just so.
    pub(super) fn shares(&self, address: IpAddr) -> bool {
        !self.not_common.contains(&address)
    }
}

/// Host addresses of all nodes of the cluster.
fn machines(facts: &Facts) -> impl Iterator<Item = (&NodeName, IpAddr)> {
    let kube = facts.cluster.nodes.items().iter().map(|node| (&node.name, &node.addresses));
    let cilium =
        facts.cluster.cilium_nodes.items().iter().map(|node| (&node.name, &node.addresses));
    kube.chain(cilium).flat_map(|(name, addresses)| {
        addresses
            .iter()
            .filter(|address| address.is_host_address())
            .map(move |address| (name, address.address))
    })
}

/// Tables that some rule looks up; `None` where the rules are not known. What stands in others, such
/// as a VRF's, is no way out for packets of this host.
fn reached_tables(node: &NodeFacts) -> Option<HashSet<(Family, TableId)>> {
    let lookups = node.rules.known()?.iter().filter_map(|rule| match rule.action {
        RuleAction::Lookup(table) => Some((rule.family, table)),
        _ => None,
    });
    Some(lookups.collect())
}

/// A default route out of the host, in whatever table. Cilium's own (table 2005) leads to a proxy.
fn is_way_out(route: &Route) -> bool {
    route.kind == RouteKind::Unicast && route.is_default() && !route.leads_into_cilium()
}

#[derive(Default)]
struct Collection(BTreeMap<IpAddr, BTreeSet<Role>>);

impl Collection {
    /// Loopback and unspecified addresses are this host; link-local ones of IPv6 mean nothing
    /// without their device, and no pod CIDR can hold them.
    fn add(&mut self, address: IpAddr, role: Role) {
        let is_link_local_v6 = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        if !address.is_loopback() && !address.is_unspecified() && !is_link_local_v6 {
            self.0.entry(address).or_default().insert(role);
        }
    }

    fn into_sorted(self) -> Vec<Protected> {
        self.0.into_iter().map(|(address, roles)| Protected { address, roles }).collect()
    }
}
