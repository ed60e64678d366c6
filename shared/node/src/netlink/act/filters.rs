//! tc: `RTM_DELTFILTER`, `RTM_DELQDISC`.

use std::io;

use kcilium_core::facts::LinkName;
use kcilium_core::leftovers::Filter;

use super::change;
use crate::netlink::attributes::push;
use crate::netlink::link_names::index;
use crate::netlink::traffic_control::{TCA_KIND, parent};

const RTM_DELQDISC: u16 = 37;
const RTM_DELTFILTER: u16 = 45;

/// `TC_H_CLSACT`, and the handle that every such qdisc has.
const CLSACT: u32 = 0xffff_fff1;
const CLSACT_HANDLE: u32 = 0xffff_0000;

/// Deletes one filter, and not those beside it.
pub(crate) fn delete_filter(filter: &Filter) -> io::Result<()> {
    // Priority in the upper half, as a number; protocol in the lower, in the network's order.
    let [first, second] = filter.protocol.to_be_bytes();
    let protocol = u16::from_ne_bytes([first, second]);
    let info = u32::from(filter.priority) << 16 | u32::from(protocol);
    let header = [index(&filter.link)?, filter.handle, parent(filter.direction), info];
    change(None, RTM_DELTFILTER, 0, &message(header, b"bpf\0"))
}

/// Deletes the qdisc clsact of an interface with everything on it.
pub(crate) fn delete_clsact(link: &LinkName) -> io::Result<()> {
    let header = [index(link)?, CLSACT_HANDLE, CLSACT, 0];
    change(None, RTM_DELQDISC, 0, &message(header, b"clsact\0"))
}

/// `struct tcmsg`: family, padding, index, handle, parent, info.
fn message(header: [u32; 4], kind: &[u8]) -> Vec<u8> {
    let mut payload = vec![0; 4];
    payload.extend(header.iter().flat_map(|number| number.to_ne_bytes()));
    push(&mut payload, TCA_KIND, kind);
    payload
}
