//! Routes: `RTM_NEWROUTE`, `RTM_DELROUTE`.

use std::io;
use std::net::IpAddr;

use kcilium_core::facts::{Family, LinkName, NextHopFlag, Route, RouteKind};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::change;
use crate::netlink::attributes::push;
use crate::netlink::family_number;
use crate::netlink::link_names::index;
use crate::netlink::next_hops::{RTA_GATEWAY, RTA_VIA};
use crate::netlink::route_message::{
    RTA_DST, RTA_OIF, RTA_PREFSRC, RTA_PRIORITY, RTA_SRC, RTA_TABLE, RTM_NEWROUTE,
};

const RTM_DELROUTE: u16 = 25;

/// `RTNH_F_ONLINK`.
const ONLINK: u32 = 4;

/// Adds a route with at most one hop. That there is one of its prefix, table and metric is an error.
pub(crate) fn add_route(route: &Route) -> io::Result<()> {
    if route.next_hops.len() > 1 || route.mtu.is_some() {
        let why = "a route of a kind that Cilium does not leave";
        return Err(io::Error::new(io::ErrorKind::Unsupported, why));
    }
    let mut payload = message(route)?;
    if route.next_hops.iter().any(|hop| hop.has(NextHopFlag::Onlink)) {
        payload[8..12].copy_from_slice(&ONLINK.to_ne_bytes());
    }
    change(None, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &payload)
}

/// Deletes exactly this route: whatever is known of it is said.
pub(crate) fn delete_route(route: &Route) -> io::Result<()> {
    change(None, RTM_DELROUTE, 0, &message(route)?)
}

/// `struct rtmsg`: family, lengths, TOS, table, protocol, scope, type, flags.
fn message(route: &Route) -> io::Result<Vec<u8>> {
    let family = Family::of(route.destination.addr());
    let mut payload = vec![0; 12];
    payload[0] = family_number(family);
    payload[1] = route.destination.prefix_len();
    payload[2] = route.source.map_or(0, |source| source.prefix_len());
    payload[3] = route.tos;
    payload[5] = route.protocol.0;
    payload[6] = route.scope.0;
    payload[7] = kind_number(route.kind)?;
    push(&mut payload, RTA_TABLE, &route.table.0.to_ne_bytes());
    push_address(&mut payload, RTA_DST, route.destination.addr());
    if let Some(source) = route.source {
        push_address(&mut payload, RTA_SRC, source.addr());
    }
    if route.metric != 0 {
        push(&mut payload, RTA_PRIORITY, &route.metric.to_ne_bytes());
    }
    if let Some(source) = route.preferred_source {
        push_address(&mut payload, RTA_PREFSRC, source);
    }
    // A route with several hops is the only one of its prefix, table and metric.
    if let [hop] = route.next_hops.as_slice() {
        if let Some(link) = &hop.link {
            push_link(&mut payload, link)?;
        }
        if let Some(gateway) = hop.gateway {
            push_gateway(&mut payload, family, gateway);
        }
    }
    Ok(payload)
}

fn push_link(payload: &mut Vec<u8>, link: &LinkName) -> io::Result<()> {
    push(payload, RTA_OIF, &index(link)?.to_ne_bytes());
    Ok(())
}

fn push_gateway(payload: &mut Vec<u8>, family: Family, gateway: IpAddr) {
    let of = Family::of(gateway);
    if of == family {
        return push_address(payload, RTA_GATEWAY, gateway);
    }
    let mut via = u16::from(family_number(of)).to_ne_bytes().to_vec();
    match gateway {
        IpAddr::V4(address) => via.extend(address.octets()),
        IpAddr::V6(address) => via.extend(address.octets()),
    }
    push(payload, RTA_VIA, &via);
}

fn push_address(payload: &mut Vec<u8>, kind: u16, address: IpAddr) {
    match address {
        IpAddr::V4(address) => push(payload, kind, &address.octets()),
        IpAddr::V6(address) => push(payload, kind, &address.octets()),
    }
}

/// `RTN_*`.
fn kind_number(kind: RouteKind) -> io::Result<u8> {
    Ok(match kind {
        RouteKind::Unicast => 1,
        RouteKind::Local => 2,
        RouteKind::Broadcast => 3,
        RouteKind::Anycast => 4,
        RouteKind::Multicast => 5,
        RouteKind::Blackhole => 6,
        RouteKind::Unreachable => 7,
        RouteKind::Prohibit => 8,
        RouteKind::Throw => 9,
        RouteKind::Other => {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "a type of a newer kernel"));
        }
    })
}
