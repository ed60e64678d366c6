//! The walk through rules and tables.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use super::Table;
use crate::facts::{
    Family, LinkName, LookupRefusal, NextHop, NextHopFlag, NodeFacts, Route, RouteKind,
    RoutingRule, RuleAction, TableId, Unavailable,
};

/// A node's rules and tables, indexed.
#[derive(Debug)]
pub struct Router<'a> {
    rules_v4: Vec<RoutingRule>,
    rules_v6: Vec<RoutingRule>,
    tables: HashMap<(Family, TableId), Table<'a>>,
    rules_are_assumed: bool,
    sysctls: Option<&'a BTreeMap<String, String>>,
}

/// What happens with a packet to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision<'a> {
    /// A route takes it.
    Route {
        /// The route.
        route: &'a Route,
        /// Its next hops that can be used; several share the packets.
        hops: Vec<&'a NextHop>,
        /// Priority of the rule that asked the table.
        rule: u32,
    },
    /// It is refused.
    Refused {
        /// How.
        refusal: LookupRefusal,
        /// The route that refuses; none where a rule does, or where nothing matches.
        route: Option<&'a Route>,
    },
}

impl<'a> Router<'a> {
    /// Indexes a node's facts.
    ///
    /// # Errors
    /// When the routes are not known. Rules that are not known are taken to be the kernel's three
    /// default ones; [`Router::rules_are_assumed`] then says so.
    pub fn new(node: &'a NodeFacts) -> Result<Self, &'a Unavailable> {
        let routes = node.routes.get()?;
        let mut by_table: HashMap<(Family, TableId), Vec<&Route>> = HashMap::new();
        for route in routes {
            by_table.entry((route.family(), route.table)).or_default().push(route);
        }
        let tables = by_table.into_iter().map(|(key, routes)| (key, Table::new(routes))).collect();
        let known_rules = node.rules.known();
        let mut rules = known_rules.cloned().unwrap_or_else(default_rules);
        rules.sort_by_key(|rule| rule.priority);
        let (rules_v4, rules_v6) = rules.into_iter().partition(|rule| rule.family == Family::V4);
        Ok(Self {
            rules_v4,
            rules_v6,
            tables,
            rules_are_assumed: known_rules.is_none(),
            sysctls: node.sysctls.known(),
        })
    }

    /// Whether the policy rules were not known, and the kernel's defaults stand in for them.
    pub fn rules_are_assumed(&self) -> bool {
        self.rules_are_assumed
    }

    /// Decides about a packet of this host to an address.
    pub fn look_up(&self, destination: IpAddr) -> Decision<'a> {
        let rules = match Family::of(destination) {
            Family::V4 => &self.rules_v4,
            Family::V6 => &self.rules_v6,
        };
        let mut position = 0;
        while let Some(rule) = rules.get(position) {
            position += 1;
            if !matches(rule, destination) {
                continue;
            }
            match rule.action {
                RuleAction::Lookup(table) => {
                    if let Some(decision) = self.look_up_in(table, rule, destination) {
                        return decision;
                    }
                }
                RuleAction::Goto(priority) => {
                    // The kernel only jumps forward; a goto without a target is skipped.
                    let target = rules.iter().position(|other| other.priority == priority);
                    if let Some(target) = target.filter(|target| *target >= position) {
                        position = target;
                    }
                }
                // Packets of this host that are bound to no VRF have no such table.
                RuleAction::LookupVrf | RuleAction::Nop => {}
                RuleAction::Blackhole => return refused_by_rule(LookupRefusal::Blackhole),
                RuleAction::Unreachable => return refused_by_rule(LookupRefusal::NoRoute),
                RuleAction::Prohibit => return refused_by_rule(LookupRefusal::Prohibited),
            }
        }
        refused_by_rule(LookupRefusal::NoRoute)
    }

    fn look_up_in(
        &self,
        table: TableId,
        rule: &RoutingRule,
        destination: IpAddr,
    ) -> Option<Decision<'a>> {
        let table = self.tables.get(&(rule.family, table))?;
        for route in table.matching(destination) {
            // No TOS, no source: routes that ask for one do not match.
            if route.tos != 0 || route.source.is_some_and(|source| source.prefix_len() > 0) {
                continue;
            }
            let refusal = match route.kind {
                RouteKind::Throw => return None,
                RouteKind::Blackhole => Some(LookupRefusal::Blackhole),
                RouteKind::Unreachable => Some(LookupRefusal::Unreachable),
                RouteKind::Prohibit => Some(LookupRefusal::Prohibited),
                _ => None,
            };
            if let Some(refusal) = refusal {
                return Some(Decision::Refused { refusal, route: Some(route) });
            }
            let hops: Vec<&NextHop> =
                route.next_hops.iter().filter(|hop| self.is_usable(rule.family, hop)).collect();
            if hops.is_empty() {
                continue;
            }
            let length = route.destination.prefix_len();
            if rule.suppress_prefix_length.is_some_and(|suppressed| length <= suppressed) {
                return None;
            }
            return Some(Decision::Route { route, hops, rule: rule.priority });
        }
        None
    }

    /// Dead hops are never used; hops without carrier are, unless a sysctl of the device says no.
    fn is_usable(&self, family: Family, hop: &NextHop) -> bool {
        if hop.has(NextHopFlag::Dead) {
            return false;
        }
        !(hop.has(NextHopFlag::Linkdown)
            && hop.link.as_ref().is_some_and(|link| self.ignores_linkdown(family, link)))
    }

    fn ignores_linkdown(&self, family: Family, link: &LinkName) -> bool {
        let version = match family {
            Family::V4 => "ipv4",
            Family::V6 => "ipv6",
        };
        // sysctl(8) writes the dots of an interface name as slashes.
        let device = link.as_str().replace('.', "/");
        let is_set = |device: &str| {
            let name = format!("net.{version}.conf.{device}.ignore_routes_with_linkdown");
            self.sysctls.and_then(|all| all.get(&name)).is_some_and(|value| value != "0")
        };
        is_set("all") || is_set(&device)
    }
}

/// The rules of an untouched kernel.
fn default_rules() -> Vec<RoutingRule> {
    vec![
        RoutingRule::all_to(Family::V4, 0, TableId::LOCAL),
        RoutingRule::all_to(Family::V4, 32_766, TableId::MAIN),
        RoutingRule::all_to(Family::V4, 32_767, TableId::DEFAULT),
        RoutingRule::all_to(Family::V6, 0, TableId::LOCAL),
        RoutingRule::all_to(Family::V6, 32_766, TableId::MAIN),
    ]
}

fn refused_by_rule<'a>(refusal: LookupRefusal) -> Decision<'a> {
    Decision::Refused { refusal, route: None }
}

/// Whether a rule's selector matches a plain packet of this host.
fn matches(rule: &RoutingRule, destination: IpAddr) -> bool {
    let selected = rule.from.is_none_or(|from| from.prefix_len() == 0)
        && rule.to.is_none_or(|to| to.contains(&destination))
        // The kernel sets the incoming device of its own packets to the loopback.
        && rule.incoming.as_ref().is_none_or(|incoming| incoming.as_str() == "lo")
        && rule.outgoing.is_none()
        && rule.mark.is_none_or(|mark| mark.value & mark.mask == 0)
        && rule.tos == 0
        && rule.users.is_none_or(|users| users.start == 0)
        && rule.ip_protocol.is_none()
        && rule.source_ports.is_none()
        && rule.destination_ports.is_none();
    selected != rule.invert
}
