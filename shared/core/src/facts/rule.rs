//! Policy routing rules.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Family, LinkName, RouteProtocol, TableId};

/// One line of `ip rule`. The kernel walks them by priority until a table answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoutingRule {
    /// Family that the rule belongs to; IPv4 and IPv6 rules are separate lists.
    pub family: Family,
    /// Priority; the lowest is asked first.
    pub priority: u32,
    /// `not`: the selector is inverted.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub invert: bool,
    /// Source prefix; none is `from all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<IpNet>,
    /// Destination prefix; none is `to all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<IpNet>,
    /// Incoming device; `lo` stands for packets of this host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incoming: Option<LinkName>,
    /// Outgoing device that the sender bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outgoing: Option<LinkName>,
    /// Firewall mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<FwMark>,
    /// TOS/DSCP; 0 matches all.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub tos: u8,
    /// Sending user ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<ValueRange>,
    /// IP protocol number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_protocol: Option<u8>,
    /// Source ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ports: Option<ValueRange>,
    /// Destination ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_ports: Option<ValueRange>,
    /// What to do with a packet that matches.
    pub action: RuleAction,
    /// Ignore an answer whose prefix is not longer than this, bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppress_prefix_length: Option<u8>,
    /// Who installed it; `unspec` counts as the kernel.
    #[serde(default = "kernel", skip_serializing_if = "is_kernel")]
    pub protocol: RouteProtocol,
}

/// iproute2 prints no protocol where it is the kernel's, or where an old kernel keeps none.
fn kernel() -> RouteProtocol {
    RouteProtocol::KERNEL
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if")]
fn is_kernel(protocol: &RouteProtocol) -> bool {
    *protocol == RouteProtocol::KERNEL
}

/// A firewall mark with its mask: a packet matches when `packet & mask == value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FwMark {
    /// Value after masking.
    pub value: u32,
    /// Bits that are compared.
    pub mask: u32,
}

/// An inclusive range of ports or user ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueRange {
    /// First value.
    pub start: u32,
    /// Last value.
    pub end: u32,
}

/// `FR_ACT_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RuleAction {
    /// Ask a table.
    Lookup(TableId),
    /// Ask the table of the packet's VRF.
    LookupVrf,
    /// Go on with the rule of this priority.
    Goto(u32),
    /// Go on with the next rule.
    Nop,
    /// Drop silently.
    Blackhole,
    /// Refuse with "network unreachable".
    Unreachable,
    /// Refuse with "administratively prohibited".
    Prohibit,
}

impl RoutingRule {
    /// A rule that sends everything of a family to a table.
    pub fn all_to(family: Family, priority: u32, table: TableId) -> Self {
        Self {
            family,
            priority,
            invert: false,
            from: None,
            to: None,
            incoming: None,
            outgoing: None,
            mark: None,
            tos: 0,
            users: None,
            ip_protocol: None,
            source_ports: None,
            destination_ports: None,
            action: RuleAction::Lookup(table),
            suppress_prefix_length: None,
            protocol: kernel(),
        }
    }

    /// Whether the rule matches every packet.
    pub fn matches_all(&self) -> bool {
        !self.invert
            && self.from.is_none_or(|prefix| prefix.prefix_len() == 0)
            && self.to.is_none_or(|prefix| prefix.prefix_len() == 0)
            && self.incoming.is_none()
            && self.outgoing.is_none()
            && self.mark.is_none()
            && self.tos == 0
            && self.users.is_none()
            && self.ip_protocol.is_none()
            && self.source_ports.is_none()
            && self.destination_ports.is_none()
    }
}

/// As `ip rule` prints it.
impl std::fmt::Display for RoutingRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let not = if self.invert { "not " } else { "" };
        write!(f, "{}: {not}from ", self.priority)?;
        match self.from {
            Some(prefix) => write!(f, "{prefix}")?,
            None => f.write_str("all")?,
        }
        if let Some(prefix) = self.to {
            write!(f, " to {prefix}")?;
        }
        if let Some(mark) = self.mark {
            write!(f, " fwmark {:#x}/{:#x}", mark.value, mark.mask)?;
        }
        if let Some(link) = &self.incoming {
            write!(f, " iif {link}")?;
        }
        if let Some(link) = &self.outgoing {
            write!(f, " oif {link}")?;
        }
        match self.action {
            RuleAction::Lookup(table) => write!(f, " lookup {table}"),
            RuleAction::LookupVrf => f.write_str(" lookup [l3mdev-table]"),
            RuleAction::Goto(priority) => write!(f, " goto {priority}"),
            RuleAction::Nop => f.write_str(" nop"),
            RuleAction::Blackhole => f.write_str(" blackhole"),
            RuleAction::Unreachable => f.write_str(" unreachable"),
            RuleAction::Prohibit => f.write_str(" prohibit"),
        }
    }
}
