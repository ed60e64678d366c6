//! Interfaces: `RTM_DELLINK`, one by one and by group.

use std::io;

use kcilium_core::facts::Unavailable;
use netlink_packet_core::{DecodeError, parse_u32};

use super::change;
use crate::netlink::attributes::{attributes, push, split_header};
use crate::netlink::dump::{Reader, Request, dump};
use crate::netlink::links::{IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS, RTM_GETLINK, RTM_NEWLINK};

const RTM_DELLINK: u16 = 17;
const RTM_SETLINK: u16 = 19;
const IFLA_GROUP: u16 = 27;

/// Deletes an interface, and the other end of a veth.
pub(crate) fn delete_link(index: u32) -> io::Result<()> {
    change(None, RTM_DELLINK, 0, &header(index))
}

/// Puts an interface into a group.
pub(crate) fn set_group(index: u32, group: u32) -> io::Result<()> {
    let mut payload = header(index);
    push(&mut payload, IFLA_GROUP, &group.to_ne_bytes());
    change(None, RTM_SETLINK, 0, &payload)
}

/// Deletes all interfaces of a group, or none: the kernel waits once for all of them, and not for
/// each.
pub(crate) fn delete_group(group: u32) -> io::Result<()> {
    // The group of everything that nobody put anywhere.
    if group == 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the default group"));
    }
    let mut payload = header(0);
    push(&mut payload, IFLA_GROUP, &group.to_ne_bytes());
    change(None, RTM_DELLINK, 0, &payload)
}

/// `struct ifinfomsg`: family, padding, hardware type, index, flags, change mask.
fn header(index: u32) -> Vec<u8> {
    let mut payload = vec![0; 16];
    payload[4..8].copy_from_slice(&index.to_ne_bytes());
    payload
}

/// The groups that all interfaces are in, by index.
pub(crate) async fn groups() -> Result<Vec<(u32, u32)>, Unavailable> {
    let mut payload = header(0);
    push(&mut payload, IFLA_EXT_MASK, &RTEXT_FILTER_SKIP_STATS.to_ne_bytes());
    let request = Request { kind: RTM_GETLINK, item: RTM_NEWLINK, payload, watch: 0 };
    let mut reader = GroupReader(Vec::new());
    dump(&request, &mut reader)
        .await
        .map_err(|error| error.explain("groups of interfaces (RTM_GETLINK)"))?;
    Ok(reader.0)
}

struct GroupReader(Vec<(u32, u32)>);

impl Reader for GroupReader {
    fn restart(&mut self) {
        self.0.clear();
    }

    fn read(&mut self, message: &[u8]) -> Result<(), DecodeError> {
        let (header, rest) = split_header::<16>(message)?;
        let index = u32::from_ne_bytes([header[4], header[5], header[6], header[7]]);
        let mut group = 0;
        for attribute in attributes(rest) {
            let attribute = attribute?;
            if attribute.kind() == IFLA_GROUP {
                group = parse_u32(attribute.value())?;
            }
        }
        self.0.push((index, group));
        Ok(())
    }
}
