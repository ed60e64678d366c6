//! Everything that was left on a node.

use serde::{Deserialize, Serialize};

use super::{Fate, HostState, Item, recognise};
use crate::facts::{Fact, Unavailable};

/// What Cilium left on a node, and what could not be looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Inventory {
    /// In the order in which it can be taken away.
    pub items: Vec<Item>,
    /// Sources that failed: there may be more.
    pub unknown: Vec<Unavailable>,
}

impl Inventory {
    /// Judges everything that was read.
    pub fn of(state: &HostState) -> Self {
        Self { items: recognise::items(state), unknown: unknown(state) }
    }

    /// What is to be removed.
    pub fn removable(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.fate == Fate::Remove)
    }

    /// What is Cilium's: to be removed, or in use.
    pub fn residue(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| !matches!(item.fate, Fate::Doubtful { .. }))
    }

    /// What is left because it may be others'.
    pub fn doubtful(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| matches!(item.fate, Fate::Doubtful { .. }))
    }
}

/// Sources that failed. One that is not there at all holds nothing.
fn unknown(state: &HostState) -> Vec<Unavailable> {
    fn why<T>(fact: &Fact<T>) -> Option<&Unavailable> {
        fact.get().err()
    }
    let sources = [
        why(&state.links),
        why(&state.addresses),
        why(&state.routes),
        why(&state.rules),
        why(&state.neighbours),
        why(&state.clsact),
        why(&state.qdiscs),
        why(&state.filters),
        why(&state.link_programs),
        why(&state.cgroup_programs),
        why(&state.pins),
        why(&state.sets),
        why(&state.transforms),
        why(&state.endpoints),
        why(&state.cni_files),
        why(&state.cni_results),
        why(&state.cni_binaries),
        why(&state.network_namespaces),
        why(&state.mounts),
        why(&state.paths),
        why(&state.sysctls),
    ];
    let rulesets = state.netfilter.iter().map(|ruleset| why(&ruleset.text));
    sources.into_iter().chain(rulesets).flatten().filter(|why| !why.is_absent()).cloned().collect()
}
