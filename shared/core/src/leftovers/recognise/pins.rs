//! What keeps maps, programs and links alive in the BPF file systems.

use crate::leftovers::{Fate, HostState, Item, Leftover, Pin, Proof};

/// Where BPF file systems are mounted: by systemd, and by the agent where there was none. Below
/// each: the agent's own directory, and the directory that iproute2 made for maps.
pub const BPF_DIRECTORIES: [&str; 2] = ["/sys/fs/bpf", "/run/cilium/bpffs"];

/// How the names of all of Cilium's maps begin.
const MAP: &str = "cilium_";

/// Pins before the directories that they are in.
pub(super) fn items(state: &HostState) -> Vec<Item> {
    let mut pins: Vec<Item> = state.pins.items().iter().filter_map(item).collect();
    pins.sort_by_key(|item| match &item.what {
        Leftover::PinDirectory { path } => (1, usize::MAX - path.len()),
        _ => (0, 0),
    });
    pins
}

fn item(pin: &Pin) -> Option<Item> {
    let (root, inside) = BPF_DIRECTORIES
        .iter()
        .find_map(|root| Some((root, pin.path.strip_prefix(root)?.strip_prefix('/')?)))?;
    let own = inside == "cilium" || inside.starts_with("cilium/");
    let map = inside
        .strip_prefix("tc/globals/")
        .is_some_and(|name| name.starts_with(MAP) && !name.contains('/') && !pin.is_directory);
    let proof = if own && inside != "cilium" {
        Proof::Inside(format!("{root}/cilium"))
    } else if own || map {
        Proof::Name
    } else {
        return None;
    };
    let path = pin.path.clone();
    let what =
        if pin.is_directory { Leftover::PinDirectory { path } } else { Leftover::Pin { path } };
    Some(Item { what, fate: Fate::Remove, proofs: vec![proof] })
}
