//! What must be the same after a plan was carried out as before: everything that is not in it.
//!
//! Things that change while nobody does anything are not compared: whether a cable is plugged in, the
//! state of next hops, counters, what routing daemons learn, members of sets, what a container runtime
//! mounts.

mod change;
mod files;
mod links;
mod netfilter;
mod ours;
mod programs;
mod routing;
mod thing;

use serde::{Deserialize, Serialize};

pub use change::Change;

use super::{HostState, Inventory, Plan};
use crate::facts::{Fact, Unavailable};
use ours::Ours;
use thing::changes;

/// What became of everything that is not Cilium's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Comparison {
    /// What is different, in words.
    pub changes: Vec<Change>,
    /// Sources that could not be read before or after: there may be more.
    pub unknown: Vec<Unavailable>,
}

impl Comparison {
    /// Compares a host with itself before a plan was carried out.
    ///
    /// What the kernel takes away together with a link of the plan counts as part of the plan: its
    /// addresses, its other end, the routes over it, and those that name one of its addresses as
    /// their source.
    pub fn of(before: &HostState, plan: &Plan, after: &HostState) -> Self {
        let ours_before = Ours::of(before, plan.items.iter());
        // What is Cilium's and came since is told by the inventory, and is nobody else's.
        let fresh = Inventory::of(after);
        let ours_after = Ours::of(after, plan.items.iter().chain(fresh.removable()))
            .with_addresses_of(&ours_before);
        let mut comparison = Self::default();
        for section in SECTIONS {
            match (section(before, &ours_before), section(after, &ours_after)) {
                (Ok(before), Ok(after)) => comparison.changes.append(&mut changes(before, after)),
                (Err(why), _) | (_, Err(why)) => comparison.unknown.push(why),
            }
        }
        netfilter::compare(before, &ours_before, after, &ours_after, &mut comparison);
        comparison
    }

    /// Whether everything could be compared, and nothing is different.
    pub fn is_clean(&self) -> bool {
        self.changes.is_empty() && self.unknown.is_empty()
    }
}

/// One kind of thing on a host.
type Section = fn(&HostState, &Ours<'_>) -> Result<Vec<thing::Thing>, Unavailable>;

const SECTIONS: [Section; 19] = [
    links::links,
    links::addresses,
    links::neighbours,
    links::transforms,
    routing::rules,
    routing::routes,
    netfilter::sets,
    programs::clsact,
    programs::filters,
    programs::other_filters,
    programs::link_programs,
    programs::cgroup_programs,
    files::pins,
    files::cni_files,
    files::cni_results,
    files::cni_binaries,
    files::network_namespaces,
    files::mounts,
    files::paths,
];

/// What a source says; a source that is not there holds nothing.
fn known<T>(fact: &Fact<Vec<T>>) -> Result<&[T], Unavailable> {
    match fact.get() {
        Ok(items) => Ok(items),
        Err(why) if why.is_absent() => Ok(&[]),
        Err(why) => Err(why.clone()),
    }
}
