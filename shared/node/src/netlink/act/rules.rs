//! Policy rules: `RTM_NEWRULE`, `RTM_DELRULE`.

use std::io;
use std::net::IpAddr;

use ipnet::IpNet;
use kcilium_core::facts::{RoutingRule, RuleAction};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::change;
use crate::netlink::attributes::push;
use crate::netlink::family_number;
use crate::netlink::rules::{
    FR_ACT_TO_TBL, FRA_DST, FRA_FWMARK, FRA_FWMASK, FRA_PRIORITY, FRA_PROTOCOL, FRA_SRC, FRA_TABLE,
    RTM_NEWRULE,
};

const RTM_DELRULE: u16 = 33;

/// Adds a rule that selects by prefixes and mark, and looks up a table. That there is one like it
/// is an error.
pub(crate) fn add_rule(rule: &RoutingRule) -> io::Result<()> {
    let mut payload = message(rule)?;
    push(&mut payload, FRA_PROTOCOL, &[rule.protocol.0]);
    change(None, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, &payload)
}

/// Deletes the first rule that agrees in all that this one says. What it does not say may be
/// anything, so the caller sees to it that the first one is the right one.
pub(crate) fn delete_rule(rule: &RoutingRule) -> io::Result<()> {
    change(None, RTM_DELRULE, 0, &message(rule)?)
}

/// `struct fib_rule_hdr`: family, lengths, TOS, table, two reserved bytes, action, flags.
fn message(rule: &RoutingRule) -> io::Result<Vec<u8>> {
    let RuleAction::Lookup(table) = rule.action else {
        return Err(unsupported());
    };
    let sayable = RoutingRule { from: None, to: None, mark: None, ..rule.clone() };
    if !sayable.matches_all() || rule.suppress_prefix_length.is_some() {
        return Err(unsupported());
    }
    let length = |prefix: Option<IpNet>| prefix.map_or(0, |prefix| prefix.prefix_len());
    let mut payload = vec![0; 12];
    payload[0] = family_number(rule.family);
    payload[1] = length(rule.to);
    payload[2] = length(rule.from);
    payload[7] = FR_ACT_TO_TBL;
    // 0 has to be said: without it the kernel takes the next free number.
    push(&mut payload, FRA_PRIORITY, &rule.priority.to_ne_bytes());
    push(&mut payload, FRA_TABLE, &table.0.to_ne_bytes());
    for (kind, prefix) in [(FRA_DST, rule.to), (FRA_SRC, rule.from)] {
        match prefix.map(|prefix| prefix.addr()) {
            Some(IpAddr::V4(address)) => push(&mut payload, kind, &address.octets()),
            Some(IpAddr::V6(address)) => push(&mut payload, kind, &address.octets()),
            None => {}
        }
    }
    if let Some(mark) = rule.mark {
        push(&mut payload, FRA_FWMARK, &mark.value.to_ne_bytes());
        push(&mut payload, FRA_FWMASK, &mark.mask.to_ne_bytes());
    }
    Ok(payload)
}

fn unsupported() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "a rule of a kind that Cilium does not make")
}
