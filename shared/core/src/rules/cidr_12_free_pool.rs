use std::collections::BTreeSet;

use ipnet::{IpNet, Ipv4Net};

use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, rule};
use crate::{
    facts::{CiliumConfig, IpamMode, RoutingMode},
    prefix::{CARRIER_GRADE_NAT, suggest_pools},
    view::View,
};

rule! {
    /// ## What it checks
    /// Nothing by itself: where another CIDR rule found trouble, or would if Cilium were installed
    /// with its defaults, it looks for a pool that touches no route, no address, no protected
    /// address and no service CIDR of any node that was looked at, nor the networks that docker,
    /// podman, CRI-O and libvirt take by default.
    ///
    /// ## Why it hurts
    /// It does not: it helps.
    ///
    /// ## Fix
    /// Paste the values it prints. Look at networks beyond the nodes' own (VPNs, other sites) before
    /// you do: nodes do not know them.
    ///
    /// ## References
    /// - RFC 1918, RFC 6598
    "CIDR-12", Info, "a pool that is free", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let knows_routes = view.nodes().iter().any(|node| node.facts.routes.known().is_some());
    match (is_wanted(view), knows_routes) {
        (true, true) => {}
        (true, false) => {
            out.unknown("free pool", "no node's routes are known");
            return;
        }
        (false, true) => return,
        (false, false) => {
            out.not_applicable("nothing asks for a pool, and no node's routes are known");
            return;
        }
    }
    let Some(free) = free_pools(view).first().copied() else {
        out.unknown("free pool", "all candidates are taken; choose one by hand");
        return;
    };
    let basis = if view.predicted_config().is_some() { Basis::Predicted } else { Basis::Observed };
    let mut remedy =
        Remedy::text(format!("set the pool to {free}")).with_values(values(view, free));
    if IpNet::V4(free) == IpNet::V4(CARRIER_GRADE_NAT) {
        remedy.text.push_str("; carriers and Tailscale use this space, check that yours does not");
    }
    out.found(Finding {
        code: RULE.code,
        severity: Severity::Info,
        basis,
        subject: free.to_string(),
        nodes: Vec::new(),
        summary: format!("{free} touches nothing that the nodes know"),
        evidence: vec![Evidence::new(
            "routes, addresses and service CIDRs",
            format!("{} networks compared", taken(view).len()),
        )],
        impact: "none".into(),
        remedy,
    });
}

/// Helm values that set the pool. In IPAM mode `kubernetes` Cilium ignores its own pool, so the
/// mode has to change with it; what is exempt from masquerading has to follow the pods.
pub(crate) fn values(view: &View<'_>, pool: Ipv4Net) -> String {
    let config = view.config();
    let mode = match config.map(|config| &config.ipam) {
        None | Some(IpamMode::ClusterPool) => "",
        Some(_) => "  mode: cluster-pool\n",
    };
    let follows = config.is_some_and(|config| {
        config.routing == RoutingMode::Native || config.native_routing_cidr_v4.is_some()
    });
    let native = if follows { format!("ipv4NativeRoutingCIDR: {pool}\n") } else { String::new() };
    format!("ipam:\n{mode}  operator:\n    clusterPoolIPv4PodCIDRList:\n      - {pool}\n{native}")
}

/// Pools that touch nothing the nodes know, best first.
pub(crate) fn free_pools(view: &View<'_>) -> Vec<Ipv4Net> {
    let mask =
        view.config().map_or(CiliumConfig::DEFAULT_NODE_MASK_V4, |config| config.node_mask_v4);
    suggest_pools(&taken(view), mask, view.node_count())
}

fn is_wanted(view: &View<'_>) -> bool {
    [
        super::cidr_01_pod_cidr_contains_protected_address::RULE,
        super::cidr_02_pod_cidr_overlaps_route::RULE,
        super::cidr_03_predicted_blocks_hit_lan::RULE,
        super::cidr_04_default_pool::RULE,
        super::cidr_05_pod_cidr_overlaps_service_cidr::RULE,
        super::cidr_11_malformed_cidr::RULE,
        super::cidr_13_mask_arithmetic::RULE,
        super::cidr_17_public_address_space::RULE,
        super::cidr_18_bridge_overlap::RULE,
    ]
    .iter()
    .any(|rule| !rule.judge(view).findings().is_empty())
}

/// Networks that are in use. Routes to pods that Cilium made do not count: they go with the pool.
fn taken(view: &View<'_>) -> Vec<IpNet> {
    let mut taken: BTreeSet<IpNet> =
        view.protected().map(|(_, protected)| IpNet::from(protected.address)).collect();
    for node in view.nodes() {
        taken.extend(node.lan_routes().map(|route| route.destination));
        let own = node.facts.addresses.items().iter().filter(|own| !own.link.leads_into_cilium());
        taken.extend(own.map(crate::facts::Address::network));
    }
    if let Ok(services) = view.service_cidrs() {
        taken.extend(services.into_iter().flatten().map(|given| given.prefix()));
    }
    taken.into_iter().collect()
}
