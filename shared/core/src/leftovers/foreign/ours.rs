//! What of a host belongs to a plan, and what goes with it by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::facts::{Family, Link, LinkName, Peer, Route, RoutingRule};
use crate::leftovers::{
    Attachment, Chain, Feeder, Filter, HostState, Item, Leftover, Neighbour, Transform,
};

/// What belongs to a plan.
#[derive(Debug, Default)]
pub(super) struct Ours<'a> {
    links: BTreeSet<&'a LinkName>,
    /// Addresses on those links, and on no other.
    addresses: BTreeSet<IpAddr>,
    rules: Vec<&'a RoutingRule>,
    /// Priorities at which a rule for the table `local` may come or go.
    local_rules: BTreeSet<(Family, u32)>,
    /// Without the state of next hops.
    routes: Vec<Route>,
    neighbours: Vec<&'a Neighbour>,
    transforms: Vec<&'a Transform>,
    clsact: BTreeSet<&'a LinkName>,
    filters: Vec<&'a Filter>,
    attachments: Vec<&'a Attachment>,
    chains: BTreeSet<&'a Chain>,
    feeders: BTreeMap<&'a Chain, BTreeSet<&'a [String]>>,
    sets: BTreeSet<&'a str>,
    /// Files, directories, pins, mounts, by their path.
    paths: BTreeSet<&'a str>,
    /// What files that come back are called afterwards.
    renamed: BTreeMap<&'a str, &'a str>,
}

impl<'a> Ours<'a> {
    pub(super) fn of(state: &'a HostState, items: impl Iterator<Item = &'a Item>) -> Self {
        let mut ours = Self::default();
        for item in items {
            ours.add(&item.what);
        }
        ours.add_other_ends(state.links.items());
        let others: BTreeSet<IpAddr> = ours.addresses_where(state, false).collect();
        ours.addresses =
            ours.addresses_where(state, true).filter(|address| !others.contains(address)).collect();
        ours
    }

    /// With the addresses that were there when links that are gone were there.
    pub(super) fn with_addresses_of(mut self, before: &Self) -> Self {
        self.addresses.extend(&before.addresses);
        self
    }

    fn add(&mut self, what: &'a Leftover) {
        match what {
            Leftover::LocalRuleMoved { family } => {
                self.local_rules.extend([(*family, 0), (*family, 100)]);
            }
            Leftover::LocalRuleMissing { family } => {
                self.local_rules.insert((*family, 0));
            }
            Leftover::Rule(rule) => self.rules.push(rule),
            Leftover::Attachment(attachment) => self.attachments.push(attachment),
            Leftover::Filter(filter) => self.filters.push(filter),
            Leftover::Clsact { link } => {
                self.clsact.insert(link);
            }
            Leftover::Feeder(Feeder { chain, rule }) => {
                self.feeders.entry(chain).or_default().insert(rule);
            }
            Leftover::Chain(chain) => {
                self.chains.insert(chain);
            }
            Leftover::Set { name } => {
                self.sets.insert(name);
            }
            Leftover::Route(route) => self.routes.push(at_rest(route)),
            Leftover::Neighbour(neighbour) => self.neighbours.push(neighbour),
            Leftover::Transform(transform) => self.transforms.push(transform),
            Leftover::Link { name, .. } => {
                self.links.insert(name);
            }
            Leftover::CniBackup { path, original } => {
                self.renamed.insert(path, original);
            }
            // They are not taken away.
            Leftover::Sysctl(_) | Leftover::Qdisc(_) => {}
            Leftover::NetworkNamespace { path }
            | Leftover::Pin { path }
            | Leftover::PinDirectory { path }
            | Leftover::CniConfiguration { path }
            | Leftover::CniResult { path }
            | Leftover::Mount { path, .. }
            | Leftover::File { path }
            | Leftover::Directory { path }
            | Leftover::Binary { path } => {
                self.paths.insert(path);
            }
        }
    }

    /// A veth takes its other end along.
    fn add_other_ends(&mut self, links: &'a [Link]) {
        let ends: Vec<&LinkName> = links
            .iter()
            .filter(|link| link.kind.as_deref() == Some("veth"))
            .filter(
                |link| matches!(&link.peer, Some(Peer::Here(peer)) if self.links.contains(peer)),
            )
            .map(|link| &link.name)
            .collect();
        self.links.extend(ends);
    }

    fn addresses_where(&self, state: &'a HostState, ours: bool) -> impl Iterator<Item = IpAddr> {
        let addresses = state.addresses.items().iter();
        addresses
            .filter(move |address| self.links.contains(&address.link) == ours)
            .map(|address| address.address)
    }

    pub(super) fn has_link(&self, link: &LinkName) -> bool {
        self.links.contains(link)
    }

    pub(super) fn has_clsact(&self, link: &LinkName) -> bool {
        self.has_link(link) || self.clsact.contains(link)
    }

    pub(super) fn has_rule(&self, rule: &RoutingRule, is_local: bool) -> bool {
        self.rules.contains(&rule)
            || is_local && self.local_rules.contains(&(rule.family, rule.priority))
    }

    /// A route that the plan names, or that the kernel takes away with a link of the plan.
    pub(super) fn has_route(&self, route: &Route) -> bool {
        let leads_away = route.links().any(|link| !self.has_link(link));
        let leads_to_ours = route.links().next().is_some() && !leads_away;
        leads_to_ours
            || route.preferred_source.is_some_and(|source| self.addresses.contains(&source))
            || self.routes.contains(&at_rest(route))
    }

    pub(super) fn has_transform(&self, transform: &Transform) -> bool {
        self.transforms.contains(&transform)
    }

    pub(super) fn has_neighbour(&self, neighbour: &Neighbour) -> bool {
        self.has_link(&neighbour.link) || self.neighbours.contains(&neighbour)
    }

    pub(super) fn has_filter(&self, filter: &Filter) -> bool {
        let identity = |filter: &Filter| Leftover::Filter(filter.clone()).identity();
        self.has_link(&filter.link)
            || self.filters.iter().any(|ours| {
                (&ours.link, ours.direction) == (&filter.link, filter.direction)
                    && identity(ours) == identity(filter)
            })
    }

    pub(super) fn has_attachment(&self, attachment: &Attachment) -> bool {
        let identity = |it: &Attachment| Leftover::Attachment(it.clone()).identity();
        self.attachments
            .iter()
            .any(|ours| ours.point == attachment.point && identity(ours) == identity(attachment))
    }

    pub(super) fn has_chain(&self, chain: &Chain) -> bool {
        self.chains.contains(chain)
    }

    /// Rules in a chain of others that lead to Cilium's.
    pub(super) fn feeders_in(&self, chain: &Chain) -> Option<&BTreeSet<&'a [String]>> {
        self.feeders.get(chain)
    }

    pub(super) fn has_set(&self, name: &str) -> bool {
        self.sets.contains(name)
    }

    pub(super) fn has_path(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// What a file is called when the plan was carried out.
    pub(super) fn name_afterwards<'b>(&'b self, path: &'b str) -> &'b str {
        self.renamed.get(path).copied().unwrap_or(path)
    }
}

/// A route without what changes while it stays the same.
pub(super) fn at_rest(route: &Route) -> Route {
    use crate::facts::NextHopFlag;

    let mut route = route.clone();
    for hop in &mut route.next_hops {
        hop.flags.retain(|flag| *flag == NextHopFlag::Onlink);
    }
    route
}
