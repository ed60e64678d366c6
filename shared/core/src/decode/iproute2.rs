//! Output of iproute2's `ip -j` (with or without `-d` and `-N`).
//!
//! Empty objects are skipped: iproute2 prints `{}` for what its filters leave out.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

use super::DecodeError;
use crate::facts::{
    Address, Family, FwMark, Link, LinkFlag, LinkName, NextHop, NextHopFlag, Peer, Route,
    RouteKind, RouteProtocol, RouteScope, RoutingRule, RuleAction, TableId, ValueRange,
};

/// `ip -j route show table all`, either family or both.
pub fn routes(json: &str) -> Result<Vec<Route>, DecodeError> {
    entries::<WithoutEncapsulation>(json)?
        .into_iter()
        .filter_map(|(index, WithoutEncapsulation(raw))| {
            let dst = raw.dst.clone()?;
            Some(raw.into_route(&dst).map_err(|why| at(index, &format!("route {dst}"), &why)))
        })
        .collect()
}

/// `ip -j rule` (IPv4) or `ip -6 -j rule`; the output does not say which.
pub fn rules(json: &str, family: Family) -> Result<Vec<RoutingRule>, DecodeError> {
    entries::<RawRule>(json)?
        .into_iter()
        .filter_map(|(index, raw)| {
            let priority = raw.priority?;
            let what = format!("rule {priority}");
            Some(raw.into_rule(family, priority).map_err(|why| at(index, &what, &why)))
        })
        .collect()
}

/// `ip -d -j link`. Without `-d` the kinds are missing.
pub fn links(json: &str) -> Result<Vec<Link>, DecodeError> {
    let raw = entries::<RawLink>(json)?;
    Ok(raw.into_iter().filter_map(|(_, raw)| raw.into_link()).collect())
}

/// `ip -j addr`.
pub fn addresses(json: &str) -> Result<Vec<Address>, DecodeError> {
    let raw = entries::<RawAddresses>(json)?;
    Ok(raw.into_iter().flat_map(|(_, raw)| raw.into_addresses()).collect())
}

fn entries<T: for<'de> Deserialize<'de>>(json: &str) -> Result<Vec<(usize, T)>, DecodeError> {
    // `ip -j` prints nothing at all when there is nothing to print.
    if json.trim().is_empty() {
        return Ok(Vec::new());
    }
    let all: Vec<T> = serde_json::from_str(json)?;
    Ok(all.into_iter().enumerate().collect())
}

fn at(index: usize, what: &str, why: &str) -> DecodeError {
    DecodeError::new(format!("entry {}, {what}: {why}", index + 1))
}

/// A route whose own keys count. Those of a lightweight tunnel (`encap`) stand among them, with
/// names that the route has too: the first `dst` is the route's, the second the tunnel's.
struct WithoutEncapsulation(RawRoute);

impl<'de> Deserialize<'de> for WithoutEncapsulation {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FirstOfEachKey).map(Self)
    }
}

struct FirstOfEachKey;

impl<'de> serde::de::Visitor<'de> for FirstOfEachKey {
    type Value = RawRoute;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a route")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<RawRoute, A::Error> {
        let mut first = serde_json::Map::new();
        while let Some((key, value)) = map.next_entry::<String, serde_json::Value>()? {
            first.entry(key).or_insert(value);
        }
        // A route's TOS is text, a tunnel's is a number.
        if first.get("tos").is_some_and(serde_json::Value::is_number) {
            first.remove("tos");
        }
        RawRoute::deserialize(serde_json::Value::Object(first)).map_err(serde::de::Error::custom)
    }
}

#[derive(Deserialize)]
struct RawRoute {
    #[serde(rename = "type")]
    kind: Option<String>,
    dst: Option<String>,
    from: Option<String>,
    gateway: Option<IpAddr>,
    via: Option<RawVia>,
    dev: Option<LinkName>,
    table: Option<String>,
    protocol: Option<String>,
    scope: Option<String>,
    prefsrc: Option<IpAddr>,
    tos: Option<String>,
    metric: Option<u32>,
    /// Only IPv6 routes have a preference.
    pref: Option<String>,
    #[serde(default)]
    metrics: Vec<RawMetrics>,
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    nexthops: Vec<RawNextHop>,
}

#[derive(Deserialize)]
pub(super) struct RawVia {
    pub(super) host: IpAddr,
}

#[derive(Deserialize)]
struct RawMetrics {
    mtu: Option<u32>,
}

#[derive(Deserialize)]
struct RawNextHop {
    gateway: Option<IpAddr>,
    via: Option<RawVia>,
    dev: Option<LinkName>,
    weight: Option<u16>,
    #[serde(default)]
    flags: Vec<String>,
}

impl RawRoute {
    fn into_route(self, dst: &str) -> Result<Route, String> {
        let family = self.family(dst);
        let destination = prefix(dst, family)?;
        let source = self.from.as_deref().map(|from| prefix(from, family)).transpose()?;
        let table = match self.table.as_deref() {
            None => TableId::MAIN,
            Some(text) => text.parse().map_err(|_| {
                format!("unknown table name `{text}`; record with `ip -N` to get numbers")
            })?,
        };
        let kind = self.kind.as_deref().map_or(RouteKind::Unicast, route_kind);
        let mtu = self.metrics.iter().find_map(|metrics| metrics.mtu);
        let tos = self.tos.as_deref().map(number).transpose()?.unwrap_or(0);
        let next_hops = if self.nexthops.is_empty() {
            let gateway = self.gateway.or(self.via.map(|via| via.host));
            let hop = NextHop { link: self.dev, gateway, weight: 0, flags: hop_flags(&self.flags) };
            if hop.link.is_some() || gateway.is_some() { vec![hop] } else { Vec::new() }
        } else {
            self.nexthops.into_iter().map(RawNextHop::into_hop).collect()
        };
        Ok(Route {
            destination,
            kind,
            table,
            protocol: named(self.protocol.as_deref(), RouteProtocol::default(), "protocol")?,
            scope: named(self.scope.as_deref(), RouteScope::GLOBAL, "scope")?,
            metric: self.metric.unwrap_or(0),
            tos: u8::try_from(tos).map_err(|_| format!("tos {tos} is out of range"))?,
            preferred_source: self.prefsrc,
            source,
            mtu,
            next_hops,
        })
    }

    /// The family of a route to `default`, which the destination does not tell.
    fn family(&self, dst: &str) -> Family {
        let address = dst.split('/').next().and_then(|address| address.parse().ok());
        if let Some(address) = address.or(self.prefsrc) {
            return Family::of(address);
        }
        let first_gateway =
            self.gateway.or_else(|| self.nexthops.iter().find_map(|hop| hop.gateway));
        match first_gateway {
            Some(gateway) => Family::of(gateway),
            None if self.pref.is_some() => Family::V6,
            None => Family::V4,
        }
    }
}

impl RawNextHop {
    fn into_hop(self) -> NextHop {
        NextHop {
            link: self.dev,
            gateway: self.gateway.or(self.via.map(|via| via.host)),
            weight: self.weight.unwrap_or(1),
            flags: hop_flags(&self.flags),
        }
    }
}

/// `RTN_*`: a name, or with `-N` its number. Kinds of newer kernels are no error.
pub(super) fn route_kind(text: &str) -> RouteKind {
    match text {
        "unicast" | "1" => RouteKind::Unicast,
        "local" | "2" => RouteKind::Local,
        "broadcast" | "3" => RouteKind::Broadcast,
        "anycast" | "4" => RouteKind::Anycast,
        "multicast" | "5" => RouteKind::Multicast,
        "blackhole" | "6" => RouteKind::Blackhole,
        "unreachable" | "7" => RouteKind::Unreachable,
        "prohibit" | "8" => RouteKind::Prohibit,
        "throw" | "9" => RouteKind::Throw,
        _ => RouteKind::Other,
    }
}

fn hop_flags(names: &[String]) -> Vec<NextHopFlag> {
    let mut flags: Vec<NextHopFlag> = names
        .iter()
        .filter_map(|name| match name.as_str() {
            "dead" => Some(NextHopFlag::Dead),
            "linkdown" => Some(NextHopFlag::Linkdown),
            "onlink" => Some(NextHopFlag::Onlink),
            _ => None,
        })
        .collect();
    flags.sort_unstable();
    flags
}

fn prefix(text: &str, family: Family) -> Result<IpNet, String> {
    match (text, family) {
        ("default" | "all" | "any", Family::V4) => Ok(IpNet::V4(ipnet::Ipv4Net::default())),
        ("default" | "all" | "any", Family::V6) => Ok(IpNet::V6(ipnet::Ipv6Net::default())),
        _ => text
            .parse()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| format!("`{text}` is not an address or a prefix")),
    }
}

/// A number as iproute2 writes it: decimal or `0x…`.
fn number(text: &str) -> Result<u32, String> {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => text.parse(),
    }
    .map_err(|_| format!("`{text}` is not a number"))
}

fn named<T: std::str::FromStr>(text: Option<&str>, default: T, what: &str) -> Result<T, String> {
    match text {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| {
            format!("unknown {what} name `{text}`; record with `ip -N` to get numbers")
        }),
    }
}

#[derive(Deserialize)]
struct RawRule {
    priority: Option<u32>,
    src: Option<String>,
    srclen: Option<u8>,
    dst: Option<String>,
    dstlen: Option<u8>,
    iif: Option<LinkName>,
    oif: Option<LinkName>,
    tos: Option<String>,
    fwmark: Option<String>,
    fwmask: Option<String>,
    uid_start: Option<u32>,
    uid_end: Option<u32>,
    ipproto: Option<String>,
    sport: Option<u32>,
    sport_start: Option<u32>,
    sport_end: Option<u32>,
    dport: Option<u32>,
    dport_start: Option<u32>,
    dport_end: Option<u32>,
    table: Option<String>,
    suppress_prefixlen: Option<u8>,
    protocol: Option<String>,
    /// `goto` with a number, or the text `none`.
    goto: Option<serde_json::Value>,
    /// What is neither a lookup nor a jump: `blackhole`, `unreachable`, `prohibit`, or with `-N` the
    /// number, which is `FR_ACT_*` and `RTN_*` at once.
    #[serde(alias = "action")]
    to: Option<String>,
    /// Keys without a value are flags; `Some(None)` says that the key is there.
    #[serde(default, deserialize_with = "present")]
    not: bool,
    #[serde(default, deserialize_with = "present")]
    nop: bool,
    #[serde(default, deserialize_with = "present")]
    l3mdev: bool,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl RawRule {
    fn into_rule(self, family: Family, priority: u32) -> Result<RoutingRule, String> {
        Ok(RoutingRule {
            family,
            priority,
            invert: self.not,
            from: selector(self.src.as_deref(), self.srclen)?,
            to: selector(self.dst.as_deref(), self.dstlen)?,
            incoming: self.iif.clone(),
            outgoing: self.oif.clone(),
            mark: self.mark()?,
            tos: self.tos()?,
            users: range(self.uid_start, self.uid_end),
            ip_protocol: self.ipproto.as_deref().map(ip_protocol).transpose()?,
            source_ports: self.sport.map(single).or(range(self.sport_start, self.sport_end)),
            destination_ports: self.dport.map(single).or(range(self.dport_start, self.dport_end)),
            action: self.action()?,
            suppress_prefix_length: self.suppress_prefixlen,
            protocol: self.protocol()?,
        })
    }

    fn mark(&self) -> Result<Option<FwMark>, String> {
        let Some(value) = self.fwmark.as_deref() else { return Ok(None) };
        let mask = self.fwmask.as_deref().map_or(Ok(u32::MAX), number)?;
        Ok(Some(FwMark { value: number(value)?, mask }))
    }

    fn tos(&self) -> Result<u8, String> {
        let tos = self.tos.as_deref().map_or(Ok(0), number)?;
        u8::try_from(tos).map_err(|_| format!("tos {tos} is out of range"))
    }

    /// 0 (`unspec`) is what rules carry from before anybody was asked to say.
    fn protocol(&self) -> Result<RouteProtocol, String> {
        let protocol = named(self.protocol.as_deref(), RouteProtocol::KERNEL, "protocol")?;
        Ok(if protocol == RouteProtocol(0) { RouteProtocol::KERNEL } else { protocol })
    }

    fn action(&self) -> Result<RuleAction, String> {
        if let Some(goto) = &self.goto {
            // `none`: the target does not exist, and the rule does nothing.
            let target = goto.as_u64().and_then(|target| u32::try_from(target).ok());
            return Ok(target.map_or(RuleAction::Nop, RuleAction::Goto));
        }
        match self.to.as_deref() {
            Some("blackhole" | "6") => return Ok(RuleAction::Blackhole),
            Some("unreachable" | "7") => return Ok(RuleAction::Unreachable),
            Some("prohibit" | "8") => return Ok(RuleAction::Prohibit),
            Some(other) => return Err(format!("unknown action `{other}`")),
            None => {}
        }
        if self.l3mdev {
            return Ok(RuleAction::LookupVrf);
        }
        match &self.table {
            Some(table) => table.parse().map(RuleAction::Lookup).map_err(|_| {
                format!("unknown table name `{table}`; record with `ip -N` to get numbers")
            }),
            None if self.nop => Ok(RuleAction::Nop),
            None => Err("neither a table nor an action".into()),
        }
    }
}

fn selector(address: Option<&str>, length: Option<u8>) -> Result<Option<IpNet>, String> {
    match address {
        None | Some("all" | "0/0" | "any") => Ok(None),
        Some(text) => {
            let address: IpAddr =
                text.parse().map_err(|_| format!("`{text}` is not an address"))?;
            let length = length.unwrap_or(Family::of(address).bits());
            IpNet::new(address, length)
                .map(Some)
                .map_err(|_| format!("prefix length {length} is too long for {address}"))
        }
    }
}

fn single(value: u32) -> ValueRange {
    ValueRange { start: value, end: value }
}

fn range(start: Option<u32>, end: Option<u32>) -> Option<ValueRange> {
    Some(ValueRange { start: start?, end: end? })
}

/// A name of `/etc/protocols`, as far as rules are written about it, or with `-N` `ipproto-NUMBER`.
fn ip_protocol(text: &str) -> Result<u8, String> {
    match text {
        "icmp" => Ok(1),
        "igmp" => Ok(2),
        "ipencap" | "ipip" => Ok(4),
        "tcp" => Ok(6),
        "udp" => Ok(17),
        "gre" => Ok(47),
        "esp" => Ok(50),
        "ah" => Ok(51),
        "ipv6-icmp" | "icmpv6" => Ok(58),
        "ospf" => Ok(89),
        "vrrp" => Ok(112),
        "sctp" => Ok(132),
        number => number.strip_prefix("ipproto-").unwrap_or(number).parse().map_err(|_| {
            format!("unknown IP protocol `{text}`; record with `ip -N` to get numbers")
        }),
    }
}

#[derive(Deserialize)]
struct RawLink {
    ifindex: Option<u32>,
    ifname: Option<LinkName>,
    link: Option<LinkName>,
    link_index: Option<u32>,
    link_netnsid: Option<i32>,
    master: Option<LinkName>,
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    mtu: u32,
    address: Option<String>,
    linkinfo: Option<RawLinkInfo>,
    #[serde(default)]
    altnames: Vec<String>,
}

#[derive(Deserialize)]
struct RawLinkInfo {
    info_kind: Option<String>,
    info_data: Option<RawLinkData>,
}

/// What kinds of devices print about themselves; of most nothing is read.
#[derive(Default, Deserialize)]
struct RawLinkData {
    port: Option<serde_json::Value>,
}

impl RawLink {
    fn into_link(self) -> Option<Link> {
        let index = self.ifindex?;
        let name = self.ifname?;
        let peer = match (self.link, self.link_index) {
            (Some(link), _) => Some(Peer::Here(link)),
            // 0 and the own index say that there is no other device.
            (None, Some(other))
                if other != 0 && (other != index || self.link_netnsid.is_some()) =>
            {
                Some(Peer::Elsewhere { index: other, namespace_id: self.link_netnsid })
            }
            _ => None,
        };
        let mut flags: Vec<LinkFlag> =
            self.flags.iter().filter_map(|flag| link_flag(flag)).collect();
        flags.sort_unstable();
        let (kind, data) =
            self.linkinfo.map_or((None, None), |info| (info.info_kind, info.info_data));
        // Other kinds have a `port` of other types, or of another meaning.
        let vxlan = data.filter(|_| kind.as_deref() == Some("vxlan"));
        let vxlan_port = vxlan.and_then(|data| data.port?.as_u64()?.try_into().ok());
        Some(Link {
            index,
            name,
            kind,
            master: self.master,
            peer,
            altnames: self.altnames,
            flags,
            mtu: self.mtu,
            hardware_address: self.address,
            vxlan_port,
        })
    }
}

fn link_flag(name: &str) -> Option<LinkFlag> {
    match name {
        "UP" => Some(LinkFlag::Up),
        "LOWER_UP" => Some(LinkFlag::LowerUp),
        "LOOPBACK" => Some(LinkFlag::Loopback),
        "POINTOPOINT" => Some(LinkFlag::PointToPoint),
        "NOARP" => Some(LinkFlag::NoArp),
        _ => None,
    }
}

#[derive(Deserialize)]
struct RawAddresses {
    ifname: Option<LinkName>,
    #[serde(default)]
    addr_info: Vec<RawAddress>,
}

#[derive(Deserialize)]
struct RawAddress {
    local: Option<IpAddr>,
    prefixlen: Option<u8>,
    scope: Option<String>,
}

impl RawAddresses {
    fn into_addresses(self) -> Vec<Address> {
        let Some(link) = self.ifname else { return Vec::new() };
        self.addr_info
            .into_iter()
            .filter_map(|raw| {
                Some(Address {
                    link: link.clone(),
                    address: raw.local?,
                    prefix_len: raw.prefixlen?,
                    scope: raw.scope.unwrap_or_default(),
                })
            })
            .collect()
    }
}
