//! Routes, as the kernel keeps them in all of its tables.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Family, LinkName};

/// One route of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// Destination; a default route is `0.0.0.0/0` or `::/0`.
    pub destination: IpNet,
    /// What happens with a packet that matches.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub kind: RouteKind,
    /// Table it lives in.
    #[serde(default = "TableId::main", skip_serializing_if = "TableId::is_main")]
    pub table: TableId,
    /// Who installed it.
    #[serde(default)]
    pub protocol: RouteProtocol,
    /// How far the destination is.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub scope: RouteScope,
    /// Priority; the lowest wins among equal prefixes.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub metric: u32,
    /// TOS/DSCP the packet must carry; 0 matches all.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub tos: u8,
    /// Source address that the kernel prefers for packets it sends by this route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_source: Option<IpAddr>,
    /// Source prefix the packet must come from (IPv6 subtrees).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpNet>,
    /// MTU locked to the route, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// Next hops: none for blackholes and the like, several for multipath.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next_hops: Vec<NextHop>,
}

/// One way on from here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NextHop {
    /// Device by which the packet leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkName>,
    /// Router to hand it to; none where the destination itself is on the link. May be of the other
    /// family (`RTA_VIA`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// Relative weight, from 1; 0 for a route with a single hop.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub weight: u16,
    /// State of the hop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<NextHopFlag>,
}

/// `RTNH_F_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NextHopFlag {
    /// The device is down: the kernel never uses the hop.
    Dead,
    /// No carrier: the kernel still uses the hop, unless `ignore_routes_with_linkdown` is set.
    Linkdown,
    /// The gateway is on the link whatever the addresses say.
    Onlink,
    /// Offloaded, trapped, unresolved or of a newer kernel: of no weight for a lookup.
    #[serde(other)]
    Other,
}

impl NextHop {
    /// Whether the hop carries the flag.
    pub fn has(&self, flag: NextHopFlag) -> bool {
        self.flags.contains(&flag)
    }
}

/// `RTN_*`: what a route does with a packet.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum RouteKind {
    /// Forward or deliver on the link.
    #[default]
    Unicast,
    /// An address of this host.
    Local,
    /// Broadcast on the link.
    Broadcast,
    /// Accept locally, send as unicast.
    Anycast,
    /// Multicast.
    Multicast,
    /// Drop silently.
    Blackhole,
    /// Refuse with "host unreachable".
    Unreachable,
    /// Refuse with "administratively prohibited".
    Prohibit,
    /// Go on with the next rule.
    Throw,
    /// Of a newer kernel.
    #[serde(other)]
    Other,
}

impl std::fmt::Display for RouteKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unicast => "unicast",
            Self::Local => "local",
            Self::Broadcast => "broadcast",
            Self::Anycast => "anycast",
            Self::Multicast => "multicast",
            Self::Blackhole => "blackhole",
            Self::Unreachable => "unreachable",
            Self::Prohibit => "prohibit",
            Self::Throw => "throw",
            Self::Other => "other",
        })
    }
}

/// A routing table's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TableId(pub u32);

impl TableId {
    /// `RT_TABLE_DEFAULT`.
    pub const DEFAULT: Self = Self(253);
    /// `RT_TABLE_MAIN`.
    pub const MAIN: Self = Self(254);
    /// `RT_TABLE_LOCAL`: this host's own addresses.
    pub const LOCAL: Self = Self(255);

    fn main() -> Self {
        Self::MAIN
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if")]
    fn is_main(&self) -> bool {
        *self == Self::MAIN
    }
}

impl std::fmt::Display for TableId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::DEFAULT => f.write_str("default"),
            Self::MAIN => f.write_str("main"),
            Self::LOCAL => f.write_str("local"),
            Self(number) => write!(f, "{number}"),
        }
    }
}

impl std::str::FromStr for TableId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "default" => Ok(Self::DEFAULT),
            "main" => Ok(Self::MAIN),
            "local" => Ok(Self::LOCAL),
            number => number.parse().map(Self),
        }
    }
}

/// `RTPROT_*` and iproute2's names for them (`/etc/iproute2/rt_protos`).
const PROTOCOLS: [(u8, &str); 21] = [
    (0, "unspec"),
    (1, "redirect"),
    (2, "kernel"),
    (3, "boot"),
    (4, "static"),
    (8, "gated"),
    (9, "ra"),
    (10, "mrt"),
    (11, "zebra"),
    (12, "bird"),
    (13, "dnrouted"),
    (14, "xorp"),
    (15, "ntk"),
    (16, "dhcp"),
    (18, "keepalived"),
    (42, "babel"),
    (186, "bgp"),
    (187, "isis"),
    (188, "ospf"),
    (189, "rip"),
    (192, "eigrp"),
];

/// Who installed a route. Written as iproute2's name where there is one, else as the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RouteProtocol(pub u8);

impl RouteProtocol {
    /// `RTPROT_REDIRECT`: learned from a router's ICMP message.
    pub const REDIRECT: Self = Self(1);
    /// `RTPROT_KERNEL`: connected routes, and everything that Cilium installs since 1.14.
    pub const KERNEL: Self = Self(2);
    /// `RTPROT_BOOT`: what `ip route add` writes when nothing is said.
    pub const BOOT: Self = Self(3);
    /// `RTPROT_STATIC`.
    pub const STATIC: Self = Self(4);
    /// `RTPROT_BIRD`: Calico's daemon.
    pub const BIRD: Self = Self(12);
    /// The number that Calico's Felix uses for its own routes.
    pub const CALICO: Self = Self(80);
}

impl Default for RouteProtocol {
    /// `boot`: iproute2 prints no protocol where it is that.
    fn default() -> Self {
        Self::BOOT
    }
}

impl std::fmt::Display for RouteProtocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match PROTOCOLS.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

impl std::str::FromStr for RouteProtocol {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match PROTOCOLS.iter().find(|(_, name)| *name == text) {
            Some((number, _)) => Ok(Self(*number)),
            None => text.parse().map(Self),
        }
    }
}

impl From<RouteProtocol> for String {
    fn from(protocol: RouteProtocol) -> Self {
        protocol.to_string()
    }
}

impl TryFrom<String> for RouteProtocol {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// `RT_SCOPE_*`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(into = "String", try_from = "String")]
pub struct RouteScope(pub u8);

/// Scopes with a name of their own.
const SCOPES: [(u8, &str); 5] =
    [(0, "global"), (200, "site"), (253, "link"), (254, "host"), (255, "nowhere")];

impl RouteScope {
    /// Anywhere, by way of a router.
    pub const GLOBAL: Self = Self(0);
    /// On the attached link.
    pub const LINK: Self = Self(253);
    /// This host.
    pub const HOST: Self = Self(254);
}

impl std::fmt::Display for RouteScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match SCOPES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

impl std::str::FromStr for RouteScope {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match SCOPES.iter().find(|(_, name)| *name == text) {
            Some((number, _)) => Ok(Self(*number)),
            None => text.parse().map(Self),
        }
    }
}

impl From<RouteScope> for String {
    fn from(scope: RouteScope) -> Self {
        scope.to_string()
    }
}

impl TryFrom<String> for RouteScope {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl Route {
    /// Family of the destination.
    pub fn family(&self) -> Family {
        Family::of_prefix(self.destination)
    }

    /// Whether this is a default route.
    pub fn is_default(&self) -> bool {
        self.destination.prefix_len() == 0
    }

    /// Whether it covers so much that it says nothing about single networks: a default route, or one
    /// of the halves by which VPNs override it (`0.0.0.0/1`; `2000::/3` is all of the internet).
    pub fn is_way_to_everywhere(&self) -> bool {
        let widest = match self.family() {
            Family::V4 => 1,
            Family::V6 => 3,
        };
        self.destination.prefix_len() <= widest
    }

    /// Whether it has the form of the routes that an agent installs to pods of other nodes without
    /// a tunnel (`autoDirectNodeRoutes`, since 1.14): nothing else installs routes of protocol
    /// `kernel` with a gateway.
    pub fn has_form_of_direct_node_route(&self) -> bool {
        self.kind == RouteKind::Unicast
            && self.protocol == RouteProtocol::KERNEL
            && !self.is_default()
            && self.gateways().next().is_some()
    }

    /// Devices by which packets may leave, in the order of the next hops.
    pub fn links(&self) -> impl Iterator<Item = &LinkName> {
        self.next_hops.iter().filter_map(|hop| hop.link.as_ref())
    }

    /// Gateways of all next hops.
    pub fn gateways(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.next_hops.iter().filter_map(|hop| hop.gateway)
    }

    /// Whether a packet that matches is handed to Cilium on every path.
    pub fn leads_into_cilium(&self) -> bool {
        !self.next_hops.is_empty()
            && self
                .next_hops
                .iter()
                .all(|hop| hop.link.as_ref().is_some_and(LinkName::leads_into_cilium))
    }
}

impl std::fmt::Display for Route {
    /// As `ip route show` writes it, as far as it matters.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.kind != RouteKind::Unicast {
            write!(f, "{} ", self.kind)?;
        }
        if self.is_default() {
            f.write_str("default")?;
        } else if self.destination.prefix_len() == self.family().bits() {
            write!(f, "{}", self.destination.addr())?;
        } else {
            write!(f, "{}", self.destination)?;
        }
        let multipath = self.next_hops.len() > 1;
        for hop in &self.next_hops {
            if multipath {
                f.write_str(" nexthop")?;
            }
            if let Some(gateway) = hop.gateway {
                write!(f, " via {gateway}")?;
            }
            if let Some(link) = &hop.link {
                write!(f, " dev {link}")?;
            }
            if hop.has(NextHopFlag::Linkdown) {
                f.write_str(" linkdown")?;
            }
            if hop.has(NextHopFlag::Dead) {
                f.write_str(" dead")?;
            }
        }
        if !self.table.is_main() {
            write!(f, " table {}", self.table)?;
        }
        if self.protocol != RouteProtocol::BOOT {
            write!(f, " proto {}", self.protocol)?;
        }
        if let Some(source) = self.preferred_source {
            write!(f, " src {source}")?;
        }
        if self.metric != 0 {
            write!(f, " metric {}", self.metric)?;
        }
        Ok(())
    }
}
