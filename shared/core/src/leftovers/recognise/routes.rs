//! Routes of all tables.

use ipnet::IpNet;

use super::Known;
use crate::facts::{Route, RouteKind, RouteProtocol, RuleAction, TableId};
use crate::leftovers::{Fate, HostState, Item, Leftover, Proof};

/// The table that marked packets for the proxy are sent to.
const TO_PROXY: TableId = TableId(2004);
/// First number of the tables of ENI's and Azure's devices, which Cilium counts from there.
const FIRST_OF_DEVICES: u32 = 10;

/// Routes, by what they are recognised by.
#[derive(Default)]
pub(super) struct Routes {
    /// They lead to a device of Cilium's, and go with it.
    pub(super) by_device: Vec<Item>,
    /// They are in a table that only rules for Cilium's pods lead to.
    pub(super) of_pod_rules: Vec<Item>,
    /// The rest.
    pub(super) others: Vec<Item>,
}

pub(super) fn items(state: &HostState, known: &Known<'_>) -> Routes {
    let mut found = Routes::default();
    for route in state.routes.items().iter().filter(|route| !is_kernels_own(route)) {
        let item = |(fate, proofs)| Item { what: Leftover::Route(route.clone()), fate, proofs };
        if let Some(judged) = by_device(route, known) {
            found.by_device.push(item(judged));
        } else if let Some(judged) = of_table(route, known) {
            found.of_pod_rules.push(item(judged));
        } else {
            let judged = to_proxy(route)
                .or_else(|| unreachable(route, known))
                .or_else(|| to_node(route, known));
            found.others.extend(judged.map(item));
        }
    }
    found
}

/// What the kernel adds and takes away by itself with addresses and devices.
fn is_kernels_own(route: &Route) -> bool {
    let own_destination = match route.destination {
        IpNet::V4(_) => false,
        IpNet::V6(net) => net.addr().is_unicast_link_local() || net.addr().is_multicast(),
    };
    route.table == TableId::LOCAL || own_destination
}

/// A route by a device of Cilium's shares the device's fate.
fn by_device(route: &Route, known: &Known<'_>) -> Option<(Fate, Vec<Proof>)> {
    let [hop] = route.next_hops.as_slice() else {
        return None;
    };
    let link = hop.link.as_ref()?;
    let fate = known.link_fate(link)?;
    Some((fate.clone(), vec![Proof::Device(link.clone())]))
}

/// `local default dev lo`, which makes this host take every marked packet for its own.
fn to_proxy(route: &Route) -> Option<(Fate, Vec<Proof>)> {
    let all = route.destination.prefix_len() == 0 && route.kind == RouteKind::Local;
    let by_lo = route.links().all(|link| link.as_str() == "lo");
    (route.table == TO_PROXY && all && by_lo).then(|| (Fate::Remove, vec![Proof::Selector]))
}

/// A table that rules for pods lead to, and no other rule.
fn of_table(route: &Route, known: &Known<'_>) -> Option<(Fate, Vec<Proof>)> {
    let number = route.table.0;
    let range = FIRST_OF_DEVICES..TableId::DEFAULT.0;
    if !range.contains(&number) && number <= TableId::LOCAL.0 {
        return None;
    }
    let priority = known.only_rule_to(route.table)?;
    Some((Fate::Remove, vec![Proof::Rule(priority)]))
}

/// `unreachable PODADDRESS`, which the agent leaves for pods that are gone.
fn unreachable(route: &Route, known: &Known<'_>) -> Option<(Fate, Vec<Proof>)> {
    let host = route.destination.prefix_len() == route.destination.max_prefix_len();
    if route.kind != RouteKind::Unreachable || !host || route.protocol != RouteProtocol::KERNEL {
        return None;
    }
    let pods = known.pod_cidr_of(route.destination)?;
    Some((Fate::Remove, vec![Proof::PodCidr(pods)]))
}

/// `PODCIDR via NODE` of `autoDirectNodeRoutes`, in which nothing says Cilium. Other plugins write
/// the like: flannel's host-gw leaves the protocol at `boot`, BIRD says its own.
fn to_node(route: &Route, known: &Known<'_>) -> Option<(Fate, Vec<Proof>)> {
    let one = route.next_hops.len() == 1;
    let gateway = route.gateways().next()?;
    if route.kind != RouteKind::Unicast || route.table != TableId::MAIN || !one {
        return None;
    }
    let pods = known.pod_cidr_of(route.destination);
    let node = known.is_node(gateway);
    match (route.protocol, pods) {
        (RouteProtocol::KERNEL, Some(pods)) if node => {
            Some((Fate::Remove, vec![Proof::PodCidr(pods), Proof::NodeAddress(gateway)]))
        }
        (RouteProtocol::KERNEL, _) if route.has_form_of_direct_node_route() => Some((
            Fate::doubtful(format!(
                "its form is that of autoDirectNodeRoutes, but {}",
                match (pods, node) {
                    (None, true) => "its destination is no known pod CIDR",
                    (Some(_), false) => "its gateway is no known node",
                    _ => "neither pod CIDR nor node is known",
                }
            )),
            vec![],
        )),
        // Cilium until 1.13, or flannel.
        (RouteProtocol::BOOT, Some(_)) if node => Some((
            Fate::doubtful("Cilium until 1.13 wrote such routes, and so does flannel's host-gw"),
            vec![],
        )),
        _ => None,
    }
}

impl Known<'_> {
    /// Priority of a rule for a pod of Cilium's that leads to a table, if no other rule does. The
    /// tables that its other rules lead to may be others' as well.
    fn only_rule_to(&self, table: TableId) -> Option<u32> {
        let leads = |action| action == RuleAction::Lookup(table);
        let mut found = None;
        for rule in self.state.rules.items().iter().filter(|rule| leads(rule.action)) {
            if !self.pod_rules.contains(rule) {
                return None;
            }
            found = found.or(Some(rule.priority));
        }
        found
    }
}
