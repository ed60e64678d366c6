//! Neighbours: `RTM_DELNEIGH`.

use std::io;
use std::net::IpAddr;

use kcilium_core::facts::Family;
use kcilium_core::leftovers::Neighbour;

use super::change;
use crate::netlink::attributes::push;
use crate::netlink::family_number;
use crate::netlink::link_names::index;
use crate::netlink::neighbours::NDA_DST;

const RTM_DELNEIGH: u16 = 29;

/// Deletes an entry.
pub(crate) fn delete_neighbour(neighbour: &Neighbour) -> io::Result<()> {
    // `struct ndmsg`: family, padding, index, state, flags, type.
    let mut payload = vec![0; 12];
    payload[0] = family_number(Family::of(neighbour.address));
    payload[4..8].copy_from_slice(&index(&neighbour.link)?.to_ne_bytes());
    match neighbour.address {
        IpAddr::V4(address) => push(&mut payload, NDA_DST, &address.octets()),
        IpAddr::V6(address) => push(&mut payload, NDA_DST, &address.octets()),
    }
    change(None, RTM_DELNEIGH, 0, &payload)
}
