//! Sets of addresses (`ipset`).

use crate::leftovers::{Fate, HostState, Item, Leftover, Proof};

/// Addresses of all nodes, by family; the masquerading rules look into them.
const SETS: [&str; 2] = ["cilium_node_set_v4", "cilium_node_set_v6"];

pub(super) fn items(state: &HostState) -> Vec<Item> {
    let sets = state.sets.items().iter();
    sets.filter(|name| SETS.contains(&name.as_str()))
        .map(|name| Item {
            what: Leftover::Set { name: name.clone() },
            fate: Fate::Remove,
            proofs: vec![Proof::Name],
        })
        .collect()
}
