//! Whose is it? One file for each kind of thing.

mod cni;
mod files;
mod links;
mod neighbours;
mod netfilter;
mod pins;
mod programs;
mod routes;
mod rules;
mod running;
mod sets;
mod transforms;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Fate, HostState, Item, Leftover};
use crate::facts::{LinkName, RoutingRule};

pub use cni::{CNI_BINARY_DIRECTORIES, CNI_CONFIGURATION_DIRECTORIES, CNI_RESULT_DIRECTORIES};
pub use files::FOUND_PATHS;
pub(super) use netfilter::words;
pub use pins::BPF_DIRECTORIES;
pub use running::SYSCTLS;

/// What is Cilium's or may be, in the order in which it can be taken away without cutting the host
/// off: the rule for the host's own addresses is put back before anything else; programs go before
/// the devices that they send packets to; a chain's feeders before the chain; binaries last.
///
/// And so that no part of it takes away what another part is recognised by, because a run may end
/// anywhere and the next one begins by looking: tables before the rules that lead to them, devices
/// before what hangs on them (which goes with them).
pub(super) fn items(state: &HostState) -> Vec<Item> {
    let links = links::items(state, &programs::by_link(state));
    let mut known = Known { state, links: BTreeMap::new(), pod_rules: Vec::new() };
    for item in &links {
        if let Leftover::Link { name, .. } = &item.what {
            known.links.insert(name.clone(), item.fate.clone());
        }
    }
    let rules = rules::items(state, &known);
    known.pod_rules = rules
        .of_pods
        .iter()
        .filter(|item| item.fate == Fate::Remove)
        .filter_map(|item| match &item.what {
            Leftover::Rule(rule) => Some(rule.clone()),
            _ => None,
        })
        .collect();
    let routes = routes::items(state, &known);
    let programs = programs::items(state, &known);
    [
        rules.fixed,
        routes.of_pod_rules,
        rules.of_pods,
        programs.detached,
        netfilter::items(state),
        sets::items(state),
        transforms::items(state, &known),
        routes.others,
        neighbours::items(state, &known),
        links,
        routes.by_device,
        programs.with_device,
        files::namespaces(state),
        pins::items(state, &known),
        cni::items(state, &known),
        files::items(state, &known),
        running::items(state, &known),
        cni::binaries(state, &known),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What is known by now.
struct Known<'a> {
    state: &'a HostState,
    /// Devices of Cilium's, or what looks so, and what is to become of them.
    links: BTreeMap<LinkName, Fate>,
    /// Rules of Cilium's for addresses of pods.
    pod_rules: Vec<RoutingRule>,
}

impl Known<'_> {
    /// The known pod CIDR that a prefix is in.
    fn pod_cidr_of(&self, prefix: IpNet) -> Option<IpNet> {
        let cidrs = &self.state.remembered.pod_cidrs;
        cidrs.iter().copied().find(|cidr| cidr.contains(&prefix))
    }

    /// Whether an address is a known node's.
    fn is_node(&self, address: IpAddr) -> bool {
        self.state.remembered.node_addresses.contains(&address)
    }

    /// A pod that still lives on Cilium's network.
    fn living_pod(&self) -> Option<&str> {
        self.links.values().find_map(|fate| match fate {
            Fate::InUse { by } => Some(by.as_str()),
            _ => None,
        })
    }
}
