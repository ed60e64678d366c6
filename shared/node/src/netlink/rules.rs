//! Policy rules of both families: `RTM_GETRULE`.

use std::net::IpAddr;

use kcilium_core::facts::{
    Family, FwMark, LinkName, RouteProtocol, RoutingRule, RuleAction, TableId, Unavailable,
    ValueRange,
};
use netlink_packet_core::{DecodeError, parse_u8, parse_u32};

use super::attributes::{address, attributes, prefix, split_header, text};
use super::dump::{Reader, Request, dump};
use super::family_number;

pub(super) const RTM_NEWRULE: u16 = 32;
const RTM_GETRULE: u16 = 34;

/// Changes to either family's rules (`RTNLGRP_IPV4_RULE`, `RTNLGRP_IPV6_RULE`): the kernel counts
/// rules to remember where it stands, and marks nothing.
const WATCH: u32 = 1 << (8 - 1) | 1 << (19 - 1);

pub(super) const FRA_DST: u16 = 1;
pub(super) const FRA_SRC: u16 = 2;
const FRA_IIFNAME: u16 = 3;
const FRA_GOTO: u16 = 4;
pub(super) const FRA_PRIORITY: u16 = 6;
pub(super) const FRA_FWMARK: u16 = 10;
const FRA_SUPPRESS_PREFIXLEN: u16 = 14;
pub(super) const FRA_TABLE: u16 = 15;
pub(super) const FRA_FWMASK: u16 = 16;
const FRA_OIFNAME: u16 = 17;
const FRA_L3MDEV: u16 = 19;
const FRA_UID_RANGE: u16 = 20;
pub(super) const FRA_PROTOCOL: u16 = 21;
const FRA_IP_PROTO: u16 = 22;
const FRA_SPORT_RANGE: u16 = 23;
const FRA_DPORT_RANGE: u16 = 24;
const FRA_DSCP: u16 = 25;

const FIB_RULE_INVERT: u32 = 1 << 1;

pub(super) const FR_ACT_TO_TBL: u8 = 1;
const FR_ACT_GOTO: u8 = 2;
const FR_ACT_NOP: u8 = 3;
const FR_ACT_UNREACHABLE: u8 = 7;
const FR_ACT_PROHIBIT: u8 = 8;

/// All rules in the order in which the kernel asks them, IPv4 first.
pub(crate) async fn rules() -> Result<Vec<RoutingRule>, Unavailable> {
    let mut rules = Vec::new();
    for family in [Family::V4, Family::V6] {
        let mut payload = vec![0; 12];
        payload[0] = family_number(family);
        let request = Request { kind: RTM_GETRULE, item: RTM_NEWRULE, payload, watch: WATCH };
        let mut reader = RuleReader { family, rules: Vec::new() };
        match dump(&request, &mut reader).await {
            Ok(()) => rules.append(&mut reader.rules),
            Err(error) if family == Family::V6 && error.is_unsupported() => {}
            Err(error) => return Err(error.explain("policy rules (RTM_GETRULE)")),
        }
    }
    Ok(rules)
}

struct RuleReader {
    family: Family,
    rules: Vec<RoutingRule>,
}

impl Reader for RuleReader {
    fn restart(&mut self) {
        self.rules.clear();
    }

    fn read(&mut self, message: &[u8]) -> Result<(), DecodeError> {
        self.rules.extend(decode(self.family, message)?);
        Ok(())
    }
}

/// `struct fib_rule_hdr`: family, lengths, TOS, table, two reserved bytes, action, flags.
fn decode(family: Family, message: &[u8]) -> Result<Option<RoutingRule>, DecodeError> {
    let (header, rest) = split_header::<12>(message)?;
    let [number, to_length, from_length, tos, table, _, _, action, flags @ ..] = *header;
    // A kernel without the family answers with the rules of all the others.
    if number != family_number(family) {
        return Ok(None);
    }
    let selectors = Selectors::of(rest)?;
    let prefix = |address: Option<IpAddr>, length| match address {
        None if length == 0 => Ok(None),
        address => prefix(family, address, length).map(Some),
    };
    Ok(Some(RoutingRule {
        family,
        priority: selectors.priority,
        invert: u32::from_ne_bytes(flags) & FIB_RULE_INVERT != 0,
        from: prefix(selectors.from, from_length)?,
        to: prefix(selectors.to, to_length)?,
        mark: selectors.mark(),
        tos: selectors.tos.unwrap_or(tos),
        action: selectors.action(action, table),
        incoming: selectors.incoming,
        outgoing: selectors.outgoing,
        users: selectors.users,
        ip_protocol: selectors.ip_protocol,
        source_ports: selectors.source_ports,
        destination_ports: selectors.destination_ports,
        suppress_prefix_length: selectors.suppress_prefix_length,
        protocol: selectors.protocol,
    }))
}

/// What a rule's attributes say.
struct Selectors {
    priority: u32,
    from: Option<IpAddr>,
    to: Option<IpAddr>,
    incoming: Option<LinkName>,
    outgoing: Option<LinkName>,
    mark: Option<u32>,
    mark_mask: Option<u32>,
    tos: Option<u8>,
    users: Option<ValueRange>,
    ip_protocol: Option<u8>,
    source_ports: Option<ValueRange>,
    destination_ports: Option<ValueRange>,
    suppress_prefix_length: Option<u8>,
    protocol: RouteProtocol,
    table: Option<u32>,
    goto: Option<u32>,
    vrf: bool,
}

impl Selectors {
    fn of(rest: &[u8]) -> Result<Self, DecodeError> {
        let mut found = Self {
            priority: 0,
            from: None,
            to: None,
            incoming: None,
            outgoing: None,
            mark: None,
            mark_mask: None,
            tos: None,
            users: None,
            ip_protocol: None,
            source_ports: None,
            destination_ports: None,
            suppress_prefix_length: None,
            protocol: RouteProtocol::KERNEL,
            table: None,
            goto: None,
            vrf: false,
        };
        for attribute in attributes(rest) {
            let attribute = attribute?;
            found.take(attribute.kind(), attribute.value())?;
        }
        Ok(found)
    }

    fn take(&mut self, kind: u16, value: &[u8]) -> Result<(), DecodeError> {
        match kind {
            FRA_PRIORITY => self.priority = parse_u32(value)?,
            FRA_SRC => self.from = Some(address(value)?),
            FRA_DST => self.to = Some(address(value)?),
            FRA_IIFNAME => self.incoming = Some(text(value).into()),
            FRA_OIFNAME => self.outgoing = Some(text(value).into()),
            FRA_FWMARK => self.mark = Some(parse_u32(value)?),
            FRA_FWMASK => self.mark_mask = Some(parse_u32(value)?),
            // Without the two bits of ECN, which share the byte.
            FRA_DSCP => self.tos = Some(parse_u8(value)? << 2),
            FRA_UID_RANGE => self.users = Some(users(value)?),
            FRA_IP_PROTO => self.ip_protocol = Some(parse_u8(value)?),
            FRA_SPORT_RANGE => self.source_ports = Some(ports(value)?),
            FRA_DPORT_RANGE => self.destination_ports = Some(ports(value)?),
            // -1 stands for none, and is no `u8`.
            FRA_SUPPRESS_PREFIXLEN => {
                self.suppress_prefix_length = u8::try_from(parse_u32(value)?).ok();
            }
            FRA_PROTOCOL => match parse_u8(value)? {
                // From before anybody was asked to say.
                0 => {}
                number => self.protocol = RouteProtocol(number),
            },
            FRA_TABLE => self.table = Some(parse_u32(value)?),
            FRA_GOTO => self.goto = Some(parse_u32(value)?),
            FRA_L3MDEV => self.vrf = parse_u8(value)? != 0,
            _ => {}
        }
        Ok(())
    }

    /// The kernel sends a mask without a mark where the mark is 0: a selector nevertheless.
    fn mark(&self) -> Option<FwMark> {
        if self.mark.is_none() && self.mark_mask.is_none() {
            return None;
        }
        Some(FwMark { value: self.mark.unwrap_or(0), mask: self.mark_mask.unwrap_or(u32::MAX) })
    }

    fn action(&self, action: u8, table: u8) -> RuleAction {
        match action {
            FR_ACT_TO_TBL if self.vrf => RuleAction::LookupVrf,
            FR_ACT_TO_TBL => RuleAction::Lookup(TableId(self.table.unwrap_or(table.into()))),
            FR_ACT_GOTO => self.goto.map_or(RuleAction::Nop, RuleAction::Goto),
            FR_ACT_NOP => RuleAction::Nop,
            FR_ACT_UNREACHABLE => RuleAction::Unreachable,
            FR_ACT_PROHIBIT => RuleAction::Prohibit,
            // The kernel treats an action that it does not know as a blackhole.
            _ => RuleAction::Blackhole,
        }
    }
}

/// `struct fib_rule_uid_range`.
fn users(value: &[u8]) -> Result<ValueRange, DecodeError> {
    let (start, end) = split_header::<4>(value)?;
    Ok(ValueRange { start: u32::from_ne_bytes(*start), end: parse_u32(end)? })
}

/// `struct fib_rule_port_range`.
fn ports(value: &[u8]) -> Result<ValueRange, DecodeError> {
    let (start, rest) = split_header::<2>(value)?;
    let (end, _) = split_header::<2>(rest)?;
    Ok(ValueRange {
        start: u16::from_ne_bytes(*start).into(),
        end: u16::from_ne_bytes(*end).into(),
    })
}
