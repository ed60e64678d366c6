use std::collections::BTreeSet;

use ipnet::IpNet;

use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, rule};
use crate::{
    facts::{CiliumConfig, Family, IpamMode, RoutingMode},
    prefix::{CARRIER_GRADE_NAT, suggest_pools},
    view::{Installation, View},
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
    "CIDR-12", Info, Configuration, "a pool that is free", judge
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
    let Some(free) = free_pools(view) else {
        out.unknown("free pool", "all candidates are taken; choose one by hand");
        return;
    };
    let basis = view.coming_config().map_or(Basis::Observed, |(_, basis)| basis);
    let names: Vec<String> = free.iter().map(ToString::to_string).collect();
    let names = names.join(" and ");
    let mut text = format!("set the pool to {names}");
    if free.contains(&IpNet::V4(CARRIER_GRADE_NAT)) {
        text.push_str("; carriers and Tailscale use this space, check that yours does not");
    }
    let remedy = match values(view, &free) {
        Some(values) => Remedy::text(text).with_values(values),
        None => Remedy::text("pod CIDRs come from the cloud or from elsewhere; change them there"),
    };
    out.found(Finding {
        code: RULE.code,
        severity: Severity::Info,
        basis,
        subject: names.clone(),
        nodes: Vec::new(),
        summary: format!("{names} touches nothing that the nodes know"),
        evidence: vec![Evidence::new(
            "routes, addresses and service CIDRs",
            format!("{} networks compared", taken(view).len()),
        )],
        impact: "none".into(),
        remedy,
    });
}

/// Helm values that set the pools; none in IPAM modes in which Cilium does not allocate.
///
/// In mode `kubernetes` Cilium ignores its own pool, so the mode has to change with it; what is
/// exempt from masquerading has to follow the pods.
pub(crate) fn values(view: &View<'_>, pools: &[IpNet]) -> Option<String> {
    let config = view.config();
    let mode = match config.map(|config| &config.ipam) {
        Some(IpamMode::ClusterPool) => "",
        Some(IpamMode::Kubernetes) => "  mode: cluster-pool\n",
        None if view.installation() == Installation::NotSeen => "",
        None => "  # only if the mode was kubernetes:\n  # mode: cluster-pool\n",
        Some(IpamMode::MultiPool | IpamMode::Other(_)) => return None,
    };
    let follows = config.is_some_and(|config| {
        config.routing == RoutingMode::Native || config.native_routing_cidr_v4.is_some()
    });
    let mut operator = String::new();
    let mut native = String::new();
    for pool in pools {
        let version = if pool.addr().is_ipv4() { "4" } else { "6" };
        operator = format!("{operator}    clusterPoolIPv{version}PodCIDRList:\n      - {pool}\n");
        if follows {
            native = format!("{native}ipv{version}NativeRoutingCIDR: {pool}\n");
        }
    }
    Some(format!("ipam:\n{mode}  operator:\n{operator}{native}"))
}

/// A pool that touches nothing the nodes know, for each family whose pod CIDRs clash; `None` where
/// all candidates of one are taken.
pub(crate) fn free_pools(view: &View<'_>) -> Option<Vec<IpNet>> {
    let taken = taken(view);
    clashing_families(view)
        .into_iter()
        .map(|family| {
            let mask = match (family, view.config()) {
                (_, Some(config)) => config.pool(family).1,
                (Family::V4, None) => CiliumConfig::DEFAULT_NODE_MASK_V4,
                (Family::V6, None) => CiliumConfig::DEFAULT_NODE_MASK_V6,
            };
            suggest_pools(family, &taken, mask, view.node_count()).first().copied()
        })
        .collect()
}

/// Families of the pod CIDRs that are in the way; IPv4 where only a configuration is.
fn clashing_families(view: &View<'_>) -> BTreeSet<Family> {
    let addresses = view.address_conflicts();
    let routes = view.route_conflicts();
    let of_addresses = addresses.iter().map(|conflict| conflict.pod_cidr.prefix);
    let of_routes = routes.iter().map(|conflict| conflict.pod_cidr.prefix);
    let families: BTreeSet<Family> = of_addresses.chain(of_routes).map(Family::of_prefix).collect();
    if families.is_empty() { BTreeSet::from([Family::V4]) } else { families }
}

/// Rules whose trouble another pool ends. Not those that ask for a correction (CIDR-11), or for more
/// of the same (CIDR-13).
fn is_wanted(view: &View<'_>) -> bool {
    [
        super::cidr_01_pod_cidr_contains_protected_address::RULE,
        super::cidr_02_pod_cidr_overlaps_route::RULE,
        super::cidr_03_predicted_blocks_hit_lan::RULE,
        super::cidr_04_default_pool::RULE,
        super::cidr_05_pod_cidr_overlaps_service_cidr::RULE,
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
