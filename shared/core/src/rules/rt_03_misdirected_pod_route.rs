use ipnet::IpNet;

use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, rule};
use crate::{
    facts::{LinkName, Route, RouteKind, RouteProtocol},
    prefix::overlap,
    view::{ClaimSource, Installation, NodeView, View},
};

rule! {
    /// ## What it checks
    /// Routes to pod CIDRs that lead to the wrong place: over the device of another CNI plugin
    /// (flannel, Calico, kube-router, Weave, kube-proxy's IPVS), over a gateway that is not the
    /// node which owns the CIDR, or into a `blackhole` that Calico's daemon left behind.
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
    "RT-03", Error, "a route to pods leads to the wrong place", judge
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
    for node in view.nodes() {
        match node.facts.routes.get() {
            Err(why) => out.missing_on(node.name(), "routes", why),
            Ok(routes) => {
                for route in routes.iter().filter(|route| !route.is_default()) {
                    if let Some((cidr, wrong)) = wrongness(view, route) {
                        out.found(finding(node, route, cidr, &wrong));
                    }
                }
            }
        }
    }
}

/// What is wrong with a route to pods, and whose pods they are.
fn wrongness(view: &View<'_>, route: &Route) -> Option<(IpNet, String)> {
    // A CIDR that only another plugin's file names belongs to that plugin.
    let claim = view.pod_cidrs().iter().find(|claim| {
        overlap(claim.prefix, route.destination).is_some()
            && !claim.sources.iter().all(|source| matches!(source, ClaimSource::CniFile(..)))
    })?;
    let cidr = claim.prefix;
    if let Some(link) = route.links().find(|link: &&LinkName| link.is_other_cni()) {
        return Some((cidr, format!("{link} belongs to another CNI plugin")));
    }
    let is_calico = matches!(route.protocol, RouteProtocol::BIRD | RouteProtocol::CALICO);
    if route.kind == RouteKind::Blackhole && is_calico {
        return Some((cidr, "Calico's daemon installed this blackhole".into()));
    }
    if route.destination != cidr || route.links().any(LinkName::leads_into_cilium) {
        return None;
    }
    let owner = claim.owner.as_ref()?;
    let machine =
        view.facts.cluster.cilium_nodes.items().iter().find(|node| node.name == *owner)?;
    let gateway = route.gateways().next()?;
    let leads_to_owner = machine.addresses.iter().any(|own| own.address == gateway);
    (!leads_to_owner)
        .then(|| (cidr, format!("{gateway} is no address of {owner}, which owns {cidr}")))
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
            .with_commands([format!("# on {}", node.name()), deletion(route)]),
    }
}

fn deletion(route: &Route) -> String {
    let kind =
        if route.kind == RouteKind::Unicast { String::new() } else { format!("{} ", route.kind) };
    let links: Vec<String> = route.links().map(|link| format!(" dev {link}")).collect();
    let table = if route.table == crate::facts::TableId::MAIN {
        String::new()
    } else {
        format!(" table {}", route.table)
    };
    format!(
        "ip route del {kind}{}{}{table}",
        route.destination,
        links.first().cloned().unwrap_or_default()
    )
}
