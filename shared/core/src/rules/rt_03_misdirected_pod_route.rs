use ipnet::IpNet;

use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity, command::delete_route, premise, rule,
};
use crate::{
    facts::{LinkName, Route, RouteKind, RouteProtocol},
    routing::Decision,
    view::{Installation, NodeView, PodCidr, View},
};

rule! {
    /// ## What it checks
    /// Routes to pod CIDRs that lead to the wrong place: over the device of another CNI plugin
    /// (flannel, Calico, kube-router, Weave, kube-proxy's IPVS), over another node than the one
    /// which owns the CIDR, or nowhere: `blackhole`, `unreachable` and `prohibit` routes for
    /// another node's pods, and those that Calico's daemon left inside the node's own CIDR. A
    /// `blackhole` for all pods, which a BGP daemon announces, does not count: every route to a
    /// node's CIDR is longer.
    ///
    /// ## Why it hurts
    /// Packets for pods of that node vanish, although Cilium itself is in order. It usually is the
    /// rest of a CNI plugin that was there before.
    ///
    /// ## Fix
    /// Delete the routes and the devices that the other plugin left, and its files in
    /// /etc/cni/net.d.
    ///
    /// ## References
    /// - cilium/cilium issue 38950
    "RT-03", Error, State, "a route to pods leads to the wrong place", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    match view.installation() {
        Installation::Seen => {}
        Installation::NotSeen => {
            out.not_applicable("Cilium is not installed");
            return;
        }
        Installation::Unknown => {
            out.unknown("installation", "too little could be read to say whether Cilium is there");
            return;
        }
    }
    if !premise::has_nodes(view, out) {
        return;
    }
    for node in view.nodes() {
        match node.facts.routes.get() {
            Err(why) => out.missing_on(node.name(), "routes", why),
            Ok(routes) => {
                for route in routes.iter().filter(|route| !route.is_default()) {
                    if let Some((cidr, wrong)) = wrongness(view, node, route) {
                        out.found(finding(node, route, cidr, &wrong));
                    }
                }
            }
        }
    }
}

/// What is wrong with a route to pods, and whose pods they are.
fn wrongness(view: &View<'_>, node: &NodeView<'_>, route: &Route) -> Option<(IpNet, String)> {
    // A CIDR that only another plugin's file names belongs to that plugin.
    let claims = view.pod_cidrs_overlapping(route.destination);
    let claim = *claims.iter().find(|claim| !claim.is_only_of_other_plugins())?;
    match route.kind {
        RouteKind::Unicast => wrong_way(view, route, claim),
        RouteKind::Blackhole | RouteKind::Unreachable | RouteKind::Prohibit => {
            refusal(node, route, claim)
        }
        // A device's own addresses and broadcasts come and go with its connected route.
        _ => None,
    }
    .map(|wrong| (claim.prefix, wrong))
}

fn wrong_way(view: &View<'_>, route: &Route, claim: &PodCidr) -> Option<String> {
    if let Some(link) = route.links().find(|link: &&LinkName| link.is_other_cni()) {
        return Some(format!("{link} belongs to another CNI plugin"));
    }
    if route.destination != claim.prefix || route.links().any(LinkName::leads_into_cilium) {
        return None;
    }
    let owner = claim.owner.as_ref()?;
    let machine = view.cilium_node(owner)?;
    let gateway = route.gateways().next()?;
    let leads_to_owner = machine.addresses.iter().any(|own| own.address == gateway);
    // A router may know the way to the owner; an agent's own route leads to no router.
    let is_wrong_machine = view.is_node_address(gateway) || route.protocol == RouteProtocol::KERNEL;
    (!leads_to_owner && is_wrong_machine)
        .then(|| format!("{gateway} is no address of {owner}, which owns {}", claim.prefix))
}

/// A route that drops or refuses, where it decides: a BGP daemon's blackhole for all pods is
/// shorter than the routes that lead to them, and one for the node's own pods than theirs.
fn refusal(node: &NodeView<'_>, route: &Route, claim: &PodCidr) -> Option<String> {
    let is_inside = claim.prefix.contains(&route.destination);
    let is_whole_of_own = route.destination.trunc() == claim.prefix
        && claim.owner.as_ref().is_none_or(|owner| owner == node.name());
    if !is_inside || is_whole_of_own || !decides(node, route) {
        return None;
    }
    Some(match route.protocol {
        RouteProtocol::BIRD | RouteProtocol::CALICO => {
            format!("Calico's daemon installed this {}", route.kind)
        }
        _ => format!("it is {}", route.kind),
    })
}

/// Whether a packet to the network's first address meets this route.
fn decides(node: &NodeView<'_>, route: &Route) -> bool {
    let first = route.destination.network();
    node.router().is_ok_and(|router| match router.look_up(first) {
        Decision::Refused { route: decisive, .. } => decisive == Some(route),
        Decision::Route { .. } => false,
    })
}

fn finding(node: &NodeView<'_>, route: &Route, cidr: IpNet, wrong: &str) -> Finding {
    Finding {
        code: RULE.code,
        severity: Severity::Error,
        basis: Basis::Observed,
        subject: cidr.to_string(),
        nodes: vec![node.name().clone()],
        summary: format!(
            "on {} the route to {} leads to the wrong place: {wrong}",
            node.name(),
            route.destination
        ),
        evidence: vec![Evidence::new(format!("routes of {}", node.name()), route.to_string())],
        impact: "packets for those pods vanish".into(),
        remedy: Remedy::text("delete the route, and what else the other plugin left")
            .with_commands([format!("# on {}", node.name()), delete_route(route)]),
    }
}
