//! Policy rules and routes.

use super::known;
use super::ours::{Ours, at_rest};
use super::thing::Thing;
use crate::facts::{Route, RouteKind, RouteProtocol, RuleAction, TableId, Unavailable};
use crate::leftovers::HostState;

pub(super) fn rules(state: &HostState, ours: &Ours<'_>) -> Result<Vec<Thing>, Unavailable> {
    let rules = known(&state.rules)?.iter();
    Ok(rules
        .filter(|rule| {
            let is_local = rule.matches_all() && rule.action == RuleAction::Lookup(TableId::LOCAL);
            !ours.has_rule(rule, is_local)
        })
        .map(|rule| {
            // Those of one priority are asked in order.
            let what = format!("{} rule at {}", rule.family, rule.priority);
            Thing::exact(what, rule.to_string(), rule)
        })
        .collect())
}

pub(super) fn routes(state: &HostState, ours: &Ours<'_>) -> Result<Vec<Thing>, Unavailable> {
    let mut routes: Vec<(String, Thing)> = known(&state.routes)?
        .iter()
        // A redirect is learned from a router's message, and forgotten after minutes.
        .filter(|route| route.protocol != RouteProtocol::REDIRECT && !ours.has_route(route))
        .map(|route| {
            let route = at_rest(route);
            let what = format!("route to {} in table {}", route.destination, route.table);
            // Their order is the metric's, whichever the kernel lists first.
            let order = format!("{route:?}");
            let thing = Thing::exact(what, route.to_string(), &route);
            let thing = if is_of_address(&route) { thing.coming_by_itself() } else { thing };
            (order, thing)
        })
        .collect();
    routes.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(routes.into_iter().map(|(_, thing)| thing).collect())
}

/// A route that the kernel makes of an address, which is compared itself: with IPv6 it comes some
/// seconds after the address, when nobody else was found to have it.
fn is_of_address(route: &Route) -> bool {
    route.table == TableId::LOCAL
        && route.protocol == RouteProtocol::KERNEL
        && matches!(route.kind, RouteKind::Local | RouteKind::Anycast | RouteKind::Multicast)
}
