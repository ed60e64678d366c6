//! Links, addresses, neighbours, IPsec.

use super::known;
use super::ours::Ours;
use super::thing::Thing;
use crate::facts::{Link, LinkFlag, Peer, Unavailable};
use crate::leftovers::{HostState, Transform};

pub(super) fn links(state: &HostState, ours: &Ours<'_>) -> Result<Vec<Thing>, Unavailable> {
    let links = known(&state.links)?.iter();
    Ok(links.filter(|link| !ours.has_link(&link.name)).map(thing).collect())
}

fn thing(link: &Link) -> Thing {
    let mut at_rest = link.clone();
    // A carrier comes and goes with whatever is at the other end.
    at_rest.flags.retain(|flag| !matches!(flag, LinkFlag::LowerUp | LinkFlag::Other));
    at_rest.flags.sort_unstable();
    at_rest.altnames.sort_unstable();
    // The kernel gives such numbers when somebody asks for the link.
    if let Some(Peer::Elsewhere { namespace_id, .. }) = &mut at_rest.peer {
        *namespace_id = None;
    }
    let mut words = vec![link.kind.clone().unwrap_or_else(|| "device".into())];
    words.push(format!("index {}", link.index));
    words.push(if link.has(LinkFlag::Up) { "up".into() } else { "down".into() });
    words.push(format!("mtu {}", link.mtu));
    words.extend(link.master.iter().map(|master| format!("master {master}")));
    words.extend(link.hardware_address.iter().map(|address| format!("address {address}")));
    Thing::exact(format!("link {}", link.name), words.join(" "), &at_rest)
}

pub(super) fn addresses(state: &HostState, ours: &Ours<'_>) -> Result<Vec<Thing>, Unavailable> {
    let addresses = known(&state.addresses)?.iter();
    let mut addresses: Vec<_> = addresses.filter(|address| !ours.has_link(&address.link)).collect();
    addresses.sort_unstable();
    Ok(addresses
        .into_iter()
        .map(|address| {
            let shown = format!("{}/{} {}", address.address, address.prefix_len, address.scope);
            Thing::new(format!("address on {}", address.link), shown)
        })
        .collect())
}

/// Those that people enter: the others are learned, and forgotten.
pub(super) fn neighbours(state: &HostState, ours: &Ours<'_>) -> Result<Vec<Thing>, Unavailable> {
    let neighbours = known(&state.neighbours)?.iter();
    Ok(neighbours
        .filter(|neighbour| !neighbour.learned_externally && !ours.has_neighbour(neighbour))
        .map(|neighbour| Thing::new(neighbour.to_string(), ""))
        .collect())
}

/// Policies of IPsec: states come and go with every new key.
pub(super) fn transforms(state: &HostState, ours: &Ours<'_>) -> Result<Vec<Thing>, Unavailable> {
    let transforms = known(&state.transforms)?.iter();
    Ok(transforms
        .filter(|it| matches!(it, Transform::Policy(_)) && !ours.has_transform(it))
        .map(|it| Thing::new(it.to_string(), ""))
        .collect())
}
