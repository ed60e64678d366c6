//! Sets of addresses: `IPSET_CMD_DESTROY`.

use std::io;

use rustix::net::netlink;

use super::change;
use crate::netlink::attributes::push;
use crate::netlink::sets::{IPSET_ATTR_PROTOCOL, IPSET_ATTR_SETNAME, PROTOCOL};

/// `NFNL_SUBSYS_IPSET` and `IPSET_CMD_DESTROY`.
const DESTROY: u16 = 6 << 8 | 3;

/// Destroys a set, unless a rule looks into it. Without a name it would be all sets, so the name
/// must not be empty.
pub(crate) fn destroy_set(name: &str) -> io::Result<()> {
    if name.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a set without a name"));
    }
    // `struct nfgenmsg`: family, version, resource.
    let mut payload = vec![2, 0, 0, 0];
    push(&mut payload, IPSET_ATTR_PROTOCOL, &[PROTOCOL]);
    let mut text = name.as_bytes().to_vec();
    text.push(0);
    push(&mut payload, IPSET_ATTR_SETNAME, &text);
    change(Some(netlink::NETFILTER), DESTROY, 0, &payload)
}
