//! The kernel's own answer for single addresses: `RTM_GETROUTE` without a dump.

use std::io;
use std::net::IpAddr;

use kcilium_core::facts::{
    Family, KernelLookup, LookupAnswer, LookupRefusal, RouteKind, TableId, Unavailable,
};
use netlink_packet_core::{DecodeError, NLMSG_ERROR, NetlinkBuffer, parse_i32};
use rustix::io::Errno;

use super::attributes::push;
use super::dump::DumpError;
use super::family_number;
use super::link_names::LinkNames;
use super::next_hops::link;
use super::route_message::{Header, Parts, RTA_DST, RTM_GETROUTE};
use super::socket::{Received, Socket};

/// Have the answer name the table it was found in.
const RTM_F_LOOKUP_TABLE: u32 = 0x1000;
/// An answer is a few hundred bytes.
const DATAGRAM: usize = 8 * 1024;

/// Asks for each address, in order. The kernel answers within the call that asks, so nothing would
/// be gained by asking for several at once, and the socket's buffer cannot overflow.
pub(crate) async fn look_up(addresses: &[IpAddr]) -> Result<Vec<KernelLookup>, Unavailable> {
    if addresses.is_empty() {
        return Ok(Vec::new());
    }
    ask_all(addresses).await.map_err(|error| error.explain("route lookup (RTM_GETROUTE)"))
}

async fn ask_all(addresses: &[IpAddr]) -> Result<Vec<KernelLookup>, DumpError> {
    let mut socket = Socket::open(None, 0)?;
    let mut names = LinkNames::default();
    let mut buffer = vec![0; DATAGRAM];
    let mut lookups = Vec::with_capacity(addresses.len());
    for destination in addresses {
        let sequence = socket.request(RTM_GETROUTE, 0, &question(*destination))?;
        let answer = loop {
            let Received::Whole(length) = socket.receive(&mut buffer)? else {
                return Err(DecodeError::from("an answer longer than any route").into());
            };
            let message = NetlinkBuffer::new_checked(&buffer[..length])?;
            if message.sequence_number() == sequence {
                break answer(message.message_type(), message.payload(), &mut names)?;
            }
        };
        tokio::task::yield_now().await;
        lookups.push(KernelLookup { destination: *destination, answer });
    }
    Ok(lookups)
}

fn question(destination: IpAddr) -> Vec<u8> {
    let family = Family::of(destination);
    let mut payload = vec![0; 12];
    payload[0] = family_number(family);
    payload[1] = family.bits();
    payload[8..].copy_from_slice(&RTM_F_LOOKUP_TABLE.to_ne_bytes());
    match destination {
        IpAddr::V4(address) => push(&mut payload, RTA_DST, &address.octets()),
        IpAddr::V6(address) => push(&mut payload, RTA_DST, &address.octets()),
    }
    payload
}

fn answer(kind: u16, payload: &[u8], names: &mut LinkNames) -> Result<LookupAnswer, DumpError> {
    if kind == NLMSG_ERROR {
        let code = payload.get(..4).map_or(Ok(0), parse_i32)?;
        return Ok(LookupAnswer::Refused(refusal(code.saturating_neg())?));
    }
    let header = Header::of(payload)?;
    // IPv4 refuses with an error, IPv6 shows the route that refuses.
    match header.kind() {
        RouteKind::Blackhole => return Ok(LookupAnswer::Refused(LookupRefusal::Blackhole)),
        RouteKind::Unreachable => return Ok(LookupAnswer::Refused(LookupRefusal::Unreachable)),
        RouteKind::Prohibit => return Ok(LookupAnswer::Refused(LookupRefusal::Prohibited)),
        RouteKind::Throw => return Ok(LookupAnswer::Refused(LookupRefusal::NoRoute)),
        _ => {}
    }
    let parts = Parts::of(header.rest, names)?;
    let link =
        link(parts.link, names).ok_or_else(|| DecodeError::from("a way without an interface"))?;
    Ok(LookupAnswer::Route {
        link,
        gateway: parts.gateway,
        source: parts.preferred_source,
        table: parts.table.filter(|table| *table != 0).map(TableId),
    })
}

/// What an error number says about the address. Those that speak of the asking itself are errors.
fn refusal(number: i32) -> Result<LookupRefusal, io::Error> {
    let error = io::Error::from_raw_os_error(number);
    match Errno::from_io_error(&error) {
        Some(Errno::NETUNREACH) => Ok(LookupRefusal::NoRoute),
        Some(Errno::HOSTUNREACH) => Ok(LookupRefusal::Unreachable),
        Some(Errno::ACCESS) => Ok(LookupRefusal::Prohibited),
        Some(Errno::INVAL) => Ok(LookupRefusal::Blackhole),
        Some(Errno::PERM | Errno::NOMEM | Errno::NOBUFS) => Err(error),
        _ => Ok(LookupRefusal::Other),
    }
}
