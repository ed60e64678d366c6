//! What changes something. Each request is answered by the kernel with success or an error; whether
//! the thing is really gone is for the caller to read.

mod filters;
mod links;
mod neighbours;
mod routes;
mod rules;
mod sets;
mod transforms;
mod xdp;

use std::io;

use netlink_packet_core::{NLM_F_ACK, NLMSG_ERROR, NetlinkBuffer, parse_i32};
use rustix::net::Protocol;

use super::socket::{Received, Socket};

pub(crate) use filters::{delete_clsact, delete_filter};
pub(crate) use links::{delete_group, delete_link, groups, set_group};
pub(crate) use neighbours::delete_neighbour;
pub(crate) use routes::{add_route, delete_route};
pub(crate) use rules::{add_rule, delete_rule};
pub(crate) use sets::destroy_set;
pub(crate) use transforms::delete_transform;
pub(crate) use xdp::detach_xdp;

/// An error repeats the request, so an answer is not much longer than what was asked.
const DATAGRAM: usize = 8 * 1024;

/// Has the kernel change something, and waits for its answer.
fn change(protocol: Option<Protocol>, kind: u16, flags: u16, payload: &[u8]) -> io::Result<()> {
    let mut socket = Socket::open(protocol, 0)?;
    let sequence = socket.request(kind, flags | NLM_F_ACK, payload)?;
    let mut buffer = vec![0; DATAGRAM];
    loop {
        let length = match socket.receive(&mut buffer)? {
            Received::Whole(length) => length,
            // The code stands at the beginning.
            Received::Truncated(_) => buffer.len(),
        };
        let message = NetlinkBuffer::new_checked(&buffer[..length]).map_err(io::Error::other)?;
        if message.sequence_number() != sequence || message.message_type() != NLMSG_ERROR {
            continue;
        }
        let code = message.payload().get(..4).map_or(Ok(0), parse_i32).map_err(io::Error::other)?;
        return match code {
            0 => Ok(()),
            code => Err(io::Error::from_raw_os_error(code.saturating_neg())),
        };
    }
}
