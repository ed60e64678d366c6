//! One route, as the kernel writes it into lists and answers.

use std::net::IpAddr;

use kcilium_core::facts::{Family, NextHop, Route, RouteKind, RouteProtocol, RouteScope, TableId};
use netlink_packet_core::{DecodeError, parse_u32};

use super::attributes::{address, attributes, prefix, split_header, via};
use super::link_names::LinkNames;
use super::next_hops::{RTA_GATEWAY, RTA_VIA, flags, link, multipath};

pub(super) const RTM_NEWROUTE: u16 = 24;
pub(super) const RTM_GETROUTE: u16 = 26;

pub(super) const RTA_DST: u16 = 1;
pub(super) const RTA_SRC: u16 = 2;
pub(super) const RTA_OIF: u16 = 4;
pub(super) const RTA_PRIORITY: u16 = 6;
pub(super) const RTA_PREFSRC: u16 = 7;
const RTA_METRICS: u16 = 8;
const RTA_MULTIPATH: u16 = 9;
pub(super) const RTA_TABLE: u16 = 15;
const RTA_NH_ID: u16 = 30;
const RTAX_MTU: u16 = 2;

const RTM_F_CLONED: u32 = 0x200;

/// `struct rtmsg`.
pub(super) struct Header<'a> {
    pub(super) family: u8,
    destination_length: u8,
    source_length: u8,
    tos: u8,
    table: u8,
    protocol: u8,
    scope: u8,
    kind: u8,
    flags: u32,
    pub(super) rest: &'a [u8],
}

impl<'a> Header<'a> {
    pub(super) fn of(message: &'a [u8]) -> Result<Self, DecodeError> {
        let (header, rest) = split_header::<12>(message)?;
        let [
            family,
            destination_length,
            source_length,
            tos,
            table,
            protocol,
            scope,
            kind,
            flags @ ..,
        ] = *header;
        Ok(Self {
            family,
            destination_length,
            source_length,
            tos,
            table,
            protocol,
            scope,
            kind,
            flags: u32::from_ne_bytes(flags),
            rest,
        })
    }

    /// Whether this is an entry of the route cache, such as a learned path MTU, and no route.
    pub(super) fn is_cached(&self) -> bool {
        self.flags & RTM_F_CLONED != 0
    }

    pub(super) fn kind(&self) -> RouteKind {
        match self.kind {
            1 => RouteKind::Unicast,
            2 => RouteKind::Local,
            3 => RouteKind::Broadcast,
            4 => RouteKind::Anycast,
            5 => RouteKind::Multicast,
            6 => RouteKind::Blackhole,
            7 => RouteKind::Unreachable,
            8 => RouteKind::Prohibit,
            9 => RouteKind::Throw,
            _ => RouteKind::Other,
        }
    }

    /// The whole route.
    pub(super) fn into_route(
        self,
        family: Family,
        parts: Parts,
        names: &mut LinkNames,
    ) -> Result<Route, DecodeError> {
        let kind = self.kind();
        let source = match parts.source {
            None if self.source_length == 0 => None,
            address => Some(prefix(family, address, self.source_length)?),
        };
        let next_hops = match parts.multipath {
            Some(hops) => hops,
            None if parts.link == 0 && parts.gateway.is_none() => Vec::new(),
            None => vec![NextHop {
                link: link(parts.link, names),
                gateway: parts.gateway,
                weight: 0,
                flags: flags(self.flags),
            }],
        };
        Ok(Route {
            destination: prefix(family, parts.destination, self.destination_length)?,
            kind,
            table: TableId(parts.table.unwrap_or_else(|| self.table.into())),
            protocol: RouteProtocol(self.protocol),
            scope: RouteScope(self.scope),
            metric: parts.metric,
            tos: self.tos,
            preferred_source: parts.preferred_source,
            source,
            mtu: parts.mtu,
            next_hops,
        })
    }
}

/// What a route's attributes say.
#[derive(Default)]
pub(super) struct Parts {
    destination: Option<IpAddr>,
    source: Option<IpAddr>,
    pub(super) link: u32,
    pub(super) gateway: Option<IpAddr>,
    metric: u32,
    pub(super) preferred_source: Option<IpAddr>,
    mtu: Option<u32>,
    multipath: Option<Vec<NextHop>>,
    pub(super) table: Option<u32>,
    /// `RTA_NH_ID`.
    pub(super) object: Option<u32>,
}

impl Parts {
    pub(super) fn of(rest: &[u8], names: &mut LinkNames) -> Result<Self, DecodeError> {
        let mut parts = Self::default();
        for attribute in attributes(rest) {
            let attribute = attribute?;
            let value = attribute.value();
            match attribute.kind() {
                RTA_DST => parts.destination = Some(address(value)?),
                RTA_SRC => parts.source = Some(address(value)?),
                RTA_OIF => parts.link = parse_u32(value)?,
                RTA_GATEWAY => parts.gateway = Some(address(value)?),
                RTA_VIA => parts.gateway = Some(via(value)?),
                RTA_PRIORITY => parts.metric = parse_u32(value)?,
                RTA_PREFSRC => parts.preferred_source = Some(address(value)?),
                RTA_METRICS => parts.mtu = mtu(value)?,
                RTA_MULTIPATH => parts.multipath = Some(multipath(value, names)?),
                RTA_TABLE => parts.table = Some(parse_u32(value)?),
                RTA_NH_ID => parts.object = Some(parse_u32(value)?),
                _ => {}
            }
        }
        Ok(parts)
    }
}

fn mtu(metrics: &[u8]) -> Result<Option<u32>, DecodeError> {
    for metric in attributes(metrics) {
        let metric = metric?;
        if metric.kind() == RTAX_MTU {
            return parse_u32(metric.value()).map(Some);
        }
    }
    Ok(None)
}
