//! Neighbours that the agent enters for other nodes.

use super::Known;
use crate::leftovers::{Fate, HostState, Item, Leftover, Neighbour, Proof};

pub(super) fn items(state: &HostState, known: &Known<'_>) -> Vec<Item> {
    // The kernel tells them in the order of a hash.
    let mut neighbours: Vec<&Neighbour> = state.neighbours.items().iter().collect();
    neighbours.sort_by_key(|neighbour| (&neighbour.link, neighbour.address));
    neighbours.into_iter().filter_map(|neighbour| item(neighbour, known)).collect()
}

/// FRR and other daemons enter neighbours too, but hardly for the cluster's nodes.
fn item(neighbour: &Neighbour, known: &Known<'_>) -> Option<Item> {
    if known.link_fate(&neighbour.link).is_some() {
        // It goes with its device.
        return None;
    }
    let node = known.is_node(neighbour.address);
    let fate = match (node, neighbour.learned_externally) {
        (true, true) => Fate::Remove,
        (true, false) => Fate::doubtful("Cilium until 1.10 wrote such entries, and people do"),
        (false, true) => {
            let link = known.state.links.items().iter().find(|link| link.name == neighbour.link)?;
            // EVPN's daemons learn on these.
            if link.master.is_some() || ["bridge", "vxlan"].contains(&link.kind.as_deref()?) {
                return None;
            }
            Fate::doubtful("Cilium writes such entries for nodes, but this is no known node")
        }
        (false, false) => return None,
    };
    let proofs = if node { vec![Proof::NodeAddress(neighbour.address)] } else { vec![] };
    Some(Item { what: Leftover::Neighbour(neighbour.clone()), fate, proofs })
}
