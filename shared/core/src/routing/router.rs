//! The walk through rules and tables.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use super::{Table, table::asks_for_source};
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
    assumed: Vec<Family>,
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
    /// When the routes are not known. Rules of a family that are not known are taken to be the
    /// kernel's default ones; [`Router::rules_are_assumed`] then says so.
    pub fn new(node: &'a NodeFacts) -> Result<Self, &'a Unavailable> {
        let routes = node.routes.get()?;
        let mut by_table: HashMap<(Family, TableId), Vec<&Route>> = HashMap::new();
        for route in routes {
            by_table.entry((route.family(), route.table)).or_default().push(route);
        }
        let tables = by_table.into_iter().map(|(key, routes)| (key, Table::new(routes))).collect();
        let mut assumed = Vec::new();
        let mut rules_of = |family| {
            let known = rules_of(node, family);
            known.unwrap_or_else(|| {
                assumed.push(family);
                default_rules(family)
            })
        };
        Ok(Self {
            rules_v4: rules_of(Family::V4),
            rules_v6: rules_of(Family::V6),
            tables,
            assumed,
            sysctls: node.sysctls.known(),
        })
    }

    /// Whether the policy rules of a family were not known, and the kernel's defaults stand in.
    pub fn rules_are_assumed(&self, family: Family) -> bool {
        self.assumed.contains(&family)
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
        // A packet without a source does not match routes that ask for one. Where a prefix has such
        // routes, the kernel looks for no others there, unless it comes back from a longer prefix
        // without a usable hop (upstream `fib6_node_lookup_1`, `fib6_backtrack`).
        let mut has_found = false;
        let mut hidden = None;
        for route in table.matching(destination) {
            let prefix = route.destination.trunc();
            if asks_for_source(route) {
                hidden = (!has_found && prefix.prefix_len() > 0).then_some(prefix);
                continue;
            }
            if hidden == Some(prefix) {
                continue;
            }
            has_found = true;
            // Nor does one without TOS match routes that ask for one.
            if route.tos != 0 {
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
            self.sysctls.and_then(|all| all.get(&name)).map(|value| value != "0")
        };
        let (all, own) = (is_set("all").unwrap_or(false), is_set(&device));
        match family {
            Family::V4 => all || own.unwrap_or(false),
            // Writing `all` writes the value of every device; what counts is the device's.
            Family::V6 => own.unwrap_or(all),
        }
    }
}

/// A family's rules in the order in which they are asked. Nobody records IPv6 rules on a host
/// without IPv6; where both lists are there, an empty IPv4 one means that all rules are gone.
fn rules_of(node: &NodeFacts, family: Family) -> Option<Vec<RoutingRule>> {
    let mut rules = node.rules.known()?.clone();
    rules.retain(|rule| rule.family == family);
    rules.sort_by_key(|rule| rule.priority);
    (family == Family::V4 || !rules.is_empty()).then_some(rules)
}

/// The rules of an untouched kernel.
fn default_rules(family: Family) -> Vec<RoutingRule> {
    let all_to = |priority, table| RoutingRule::all_to(family, priority, table);
    let mut rules = vec![all_to(0, TableId::LOCAL), all_to(32_766, TableId::MAIN)];
    if family == Family::V4 {
        rules.push(all_to(32_767, TableId::DEFAULT));
    }
    rules
}

fn refused_by_rule<'a>(refusal: LookupRefusal) -> Decision<'a> {
    Decision::Refused { refusal, route: None }
}

/// Whether the kernel, asked for a route without a word about the IP protocol, has this one in
/// mind: UDP for IPv4, none for IPv6 (upstream `inet_rtm_getroute`, `inet6_rtm_getroute`).
fn is_asked_for(family: Family, protocol: u8) -> bool {
    const UDP: u8 = 17;
    family == Family::V4 && protocol == UDP
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
        && rule.ip_protocol.is_none_or(|protocol| is_asked_for(rule.family, protocol))
        && rule.source_ports.is_none()
        && rule.destination_ports.is_none();
    selected != rule.invert
}
