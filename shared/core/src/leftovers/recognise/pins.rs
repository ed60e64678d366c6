//! What keeps maps, programs and links alive in the BPF file systems.

use super::Known;
use crate::leftovers::{Fate, HostState, Item, Leftover, Pin, Proof};

/// Where BPF file systems are mounted: by systemd, and by the agent where there was none. Below
/// each: the agent's own directory, and the directory that iproute2 made for maps.
pub const BPF_DIRECTORIES: [&str; 2] = ["/sys/fs/bpf", "/run/cilium/bpffs"];

/// How the names of all of Cilium's maps begin.
const MAP: &str = "cilium_";

/// Pins before the directories that they are in. What a living pod's programs are kept by stays, with
/// the directories around it.
pub(super) fn items(state: &HostState, known: &Known<'_>) -> Vec<Item> {
    let mut pins: Vec<Item> = state.pins.items().iter().filter_map(item).collect();
    for endpoint in state.endpoints.items() {
        let Some(Fate::InUse { by }) = known.link_fate(&endpoint.link) else {
            continue;
        };
        for root in BPF_DIRECTORIES {
            let own = format!("{root}/cilium/endpoints/{}", endpoint.id);
            for item in &mut pins {
                if path(&item.what).is_some_and(|path| is_around(path, &own)) {
                    item.fate = Fate::InUse { by: by.clone() };
                }
            }
        }
    }
    pins.sort_by_key(|item| match &item.what {
        Leftover::PinDirectory { path } => (1, usize::MAX - path.len()),
        _ => (0, 0),
    });
    pins
}

fn path(what: &Leftover) -> Option<&str> {
    match what {
        Leftover::Pin { path } | Leftover::PinDirectory { path } => Some(path),
        _ => None,
    }
}

/// Whether a path is the directory, in it, or around it.
fn is_around(path: &str, directory: &str) -> bool {
    let inside = |path: &str, directory: &str| {
        path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    inside(path, directory) || inside(directory, path)
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
