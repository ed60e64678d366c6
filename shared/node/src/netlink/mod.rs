//! What the kernel says over `NETLINK_ROUTE`.
//!
//! A fact must be complete or missing, never silently short. That is why messages are taken apart
//! here, attribute by attribute, and not with the crates `rtnetlink` and `netlink-packet-route`:
//! the former logs and drops every message that does not decode, and keeps a whole dump in memory
//! before the first message is seen; the latter fails on a whole message for one attribute that an
//! older or newer kernel writes with another length, even if nobody needs that attribute.
//! Attributes that are not used are not looked at here, and one that is used and does not decode
//! fails the fact.

pub(crate) mod act;
mod addresses;
mod attributes;
mod dump;
mod link_names;
mod links;
mod lookup;
mod neighbours;
mod next_hops;
mod nexthop_objects;
mod route_changes;
mod route_message;
mod routes;
mod rules;
mod sets;
mod socket;
mod traffic_control;
mod xdp;
mod xfrm;

pub(crate) use addresses::addresses;
pub(crate) use links::links;
pub(crate) use lookup::look_up;
pub(crate) use neighbours::neighbours;
pub(crate) use routes::routes;
pub(crate) use rules::rules;
pub(crate) use sets::sets;
pub(crate) use traffic_control::{filters, qdiscs};
pub(crate) use xdp::xdp_programs;
pub(crate) use xfrm::transforms;

use kcilium_core::facts::Family;

/// `AF_INET` or `AF_INET6`, as the first byte of route, rule and address messages carries it.
fn family_number(family: Family) -> u8 {
    match family {
        Family::V4 => 2,
        Family::V6 => 10,
    }
}
