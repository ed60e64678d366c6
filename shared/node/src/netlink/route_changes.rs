//! Changes that are made to routes while they are listed.
//!
//! The kernel lists routes in datagrams, and changes are free to happen in between. It marks no list
//! of routes as inconsistent, in neither family, so changes are watched:
//!
//! * IPv4 tables are walked by address. A change elsewhere hides nothing. But routes to the same
//!   address (`10.0.0.0/8` and `10.0.0.0/16`) are counted, and if one that was already sent is
//!   deleted while the kernel pauses among them, it skips another.
//! * IPv6 tables are walked by counting: when anything changed, the kernel begins again and skips as
//!   many routes as it has sent. If one of those is gone, it skips another.
//!
//! Routes that go because their interface or their source address goes are deleted without a word
//! about each.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};

use kcilium_core::facts::Family;
use netlink_packet_core::DecodeError;

use super::attributes::{address, attributes, split_header};
use super::family_number;
use super::route_message::{Header, RTA_DST, RTM_NEWROUTE};

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_DELADDR: u16 = 21;
const RTM_DELROUTE: u16 = 25;

const IFF_UP: u32 = 1;

const RTMGRP_LINK: u32 = 1 << 0;
const RTMGRP_IPV4_IFADDR: u32 = 1 << 4;
const RTMGRP_IPV4_ROUTE: u32 = 1 << 6;
const RTMGRP_IPV6_IFADDR: u32 = 1 << 8;
const RTMGRP_IPV6_ROUTE: u32 = 1 << 10;

/// Tells changes that may have torn a list of routes from others.
pub(super) struct RouteChanges {
    family: Family,
    /// IPv4: addresses at which the kernel paused.
    pauses: HashSet<IpAddr>,
    /// IPv4: addresses whose routes changed.
    changed: HashSet<IpAddr>,
}

impl RouteChanges {
    /// The multicast groups to watch.
    pub(super) fn groups(family: Family) -> u32 {
        RTMGRP_LINK
            | match family {
                Family::V4 => RTMGRP_IPV4_ROUTE | RTMGRP_IPV4_IFADDR,
                Family::V6 => RTMGRP_IPV6_ROUTE | RTMGRP_IPV6_IFADDR,
            }
    }

    /// No changes so far.
    pub(super) fn of(family: Family) -> Self {
        Self { family, pauses: HashSet::new(), changed: HashSet::new() }
    }

    /// The kernel pauses behind a route to `address`; whether that is torn already.
    pub(super) fn pause_at(&mut self, address: IpAddr) -> bool {
        self.pauses.insert(address);
        self.changed.contains(&address)
    }

    /// A change is reported; whether it may tear the list.
    pub(super) fn see(&mut self, kind: u16, message: &[u8]) -> Result<bool, DecodeError> {
        match (kind, self.family) {
            (RTM_NEWROUTE | RTM_DELROUTE, Family::V4) => {
                let address = destination(message)?;
                self.changed.insert(address);
                Ok(self.pauses.contains(&address))
            }
            (RTM_NEWROUTE | RTM_DELROUTE, Family::V6) => {
                Ok(Header::of(message)?.family == family_number(Family::V6))
            }
            (RTM_DELLINK | RTM_DELADDR, _) => Ok(true),
            (RTM_NEWLINK, _) => is_down(message),
            _ => Ok(false),
        }
    }
}

fn destination(message: &[u8]) -> Result<IpAddr, DecodeError> {
    for attribute in attributes(Header::of(message)?.rest) {
        let attribute = attribute?;
        if attribute.kind() == RTA_DST {
            return address(attribute.value());
        }
    }
    Ok(Ipv4Addr::UNSPECIFIED.into())
}

/// `struct ifinfomsg`, whose flags are the third word.
fn is_down(message: &[u8]) -> Result<bool, DecodeError> {
    let (header, _) = split_header::<16>(message)?;
    let flags = u32::from_ne_bytes([header[8], header[9], header[10], header[11]]);
    Ok(flags & IFF_UP == 0)
}

#[cfg(test)]
mod tests {
    use super::super::attributes::push;
    use super::*;

    fn route(family: Family, address: [u8; 4]) -> Vec<u8> {
        let mut message = vec![0; 12];
        message[0] = family_number(family);
        push(&mut message, RTA_DST, &address);
        message
    }

    fn link(flags: u32) -> Vec<u8> {
        let mut message = vec![0; 16];
        message[8..12].copy_from_slice(&flags.to_ne_bytes());
        message
    }

    #[test]
    fn an_ipv4_change_matters_where_the_kernel_pauses() {
        let mut changes = RouteChanges::of(Family::V4);
        let mut see = |address| changes.see(RTM_DELROUTE, &route(Family::V4, address)).unwrap();
        assert!(!see([10, 0, 0, 0]));
        assert!(!see([10, 1, 0, 0]));
        assert!(!changes.pause_at([10, 2, 0, 0].into()));
        assert!(changes.pause_at([10, 1, 0, 0].into()));
        let mut see = |address| changes.see(RTM_NEWROUTE, &route(Family::V4, address)).unwrap();
        assert!(see([10, 2, 0, 0]));
        assert!(!see([10, 3, 0, 0]));
    }

    #[test]
    fn any_ipv6_change_matters() {
        let mut changes = RouteChanges::of(Family::V6);
        assert!(!changes.pause_at([0; 16].into()));
        assert!(changes.see(RTM_DELROUTE, &route(Family::V6, [0; 4])).unwrap());
        assert!(!changes.see(RTM_DELROUTE, &route(Family::V4, [0; 4])).unwrap());
    }

    #[test]
    fn what_takes_routes_along_matters() {
        for family in [Family::V4, Family::V6] {
            let mut changes = RouteChanges::of(family);
            assert!(changes.see(RTM_DELLINK, &link(IFF_UP)).unwrap());
            assert!(changes.see(RTM_DELADDR, &[]).unwrap());
            assert!(changes.see(RTM_NEWLINK, &link(0)).unwrap());
            assert!(!changes.see(RTM_NEWLINK, &link(IFF_UP)).unwrap());
        }
    }
}
