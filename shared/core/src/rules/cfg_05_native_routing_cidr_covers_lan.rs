use ipnet::IpNet;

use super::{
    Finding, Judgement, Remedy, Severity,
    pod_networks::{aggregated, pod_networks},
    premise, rule, spelling,
    way_back::ways_back,
};
use crate::{
    facts::{CiliumConfig, Family, LinkName, TableId},
    prefix::{GivenPrefix, overlap},
    view::{NodeView, Role, View},
};

rule! {
    /// ## What it checks
    /// Whether the native routing CIDR holds addresses outside the cluster that nodes depend on
    /// (gateway, DNS server, proxy, registry mirror), or shares addresses with a network that nodes
    /// have a route to. It counts in tunnel mode too.
    ///
    /// ## Why it hurts
    /// Packets to it keep the pod's address. The internet works; hosts of the LAN answer to an
    /// address that they have no way to: no DNS from there, no registry. `10.0.0.0/8` is what people
    /// mostly write; from 1.20 on `nativeRoutingCIDRFromClusterPool` makes it of the default pool.
    ///
    /// Where something may know the way back to pods (a cloud, BGP, another plugin), it only says
    /// so. A network without such an address may hold nothing but nodes, which know the way: that is
    /// a warning.
    ///
    /// ## Fix
    /// Set it to the network of all pods, and no more.
    ///
    /// ## References
    /// - cilium/cilium issues 26588, 28302
    /// - Cilium source: `pkg/datapath/iptables/iptables.go`, `bpf/lib/nat.h`
    "CFG-05", Error, Configuration, "the native routing CIDR covers the LAN", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    let natives: Vec<(Family, GivenPrefix)> = [Family::V4, Family::V6]
        .into_iter()
        .filter(|family| config.masquerades(*family))
        .filter_map(|family| Some((family, config.native_routing_cidr(family)?.parse().ok()?)))
        .collect();
    if natives.is_empty() {
        out.not_applicable("no native routing CIDR, or no masquerade");
        return;
    }
    premise::has_routes(view, out);
    for (family, native) in natives {
        let covered = Covered::by(view, native.prefix());
        if !covered.evidence.is_empty() {
            out.found(finding(view, config, family, &native, covered));
        }
    }
}

/// What a native routing CIDR covers besides pods.
struct Covered {
    /// By whom it is known, and what it is.
    evidence: Vec<(String, String)>,
    has_addresses: bool,
}

/// Of each kind.
const SHOWN: usize = 3;

impl Covered {
    fn by(view: &View<'_>, native: IpNet) -> Self {
        let addresses = view.protected().filter(|(_, protected)| {
            // Nodes know the way to pods.
            let is_outside = |role: &Role| !matches!(role, Role::Node(_) | Role::ApiServer);
            native.contains(&protected.address)
                && protected.roles.iter().any(is_outside)
                && !view.is_node_address(protected.address)
        });
        let addresses = addresses.map(|(node, protected)| {
            let fact = format!("{} ({})", protected.address, protected.roles_in_words());
            (node.name().to_string(), fact)
        });
        let mut evidence: Vec<_> = addresses.take(SHOWN).collect();
        let has_addresses = !evidence.is_empty();
        let routes = view.nodes().iter().flat_map(|node| networks(view, node, native));
        for route in routes {
            if evidence.len() == 2 * SHOWN {
                break;
            }
            if !evidence.iter().any(|(_, fact)| *fact == route.1) {
                evidence.push(route);
            }
        }
        Self { evidence, has_addresses }
    }
}

/// Networks that a node has a route to, other than those of pods. Of the table `local` they would be
/// its own addresses.
fn networks<'v>(
    view: &'v View<'_>,
    node: &'v NodeView<'_>,
    native: IpNet,
) -> impl Iterator<Item = (String, String)> + 'v {
    let routes = node.lan_routes().filter(move |route| {
        route.table == TableId::MAIN
            && route.destination.prefix_len() < route.family().bits()
            && overlap(native, route.destination).is_some()
            && view.pod_cidrs_overlapping(route.destination).is_empty()
            && !route.links().any(LinkName::is_other_cni)
    });
    routes.map(|route| (node.name().to_string(), format!("route to {}", route.destination)))
}

fn finding(
    view: &View<'_>,
    config: &CiliumConfig,
    family: Family,
    native: &GivenPrefix,
    covered: Covered,
) -> Finding {
    let key = spelling::native_routing_key(family);
    let ways = ways_back(view, config);
    let severity = match (ways.is_empty(), covered.has_addresses) {
        (false, _) => Severity::Info,
        (true, true) => Severity::Error,
        (true, false) => Severity::Warn,
    };
    let mut finding = Finding::about(RULE.code, severity, key)
        .saying(
            format!("{key} {native} covers networks outside the cluster"),
            "packets of pods to hosts there keep the pod's address, and answers find no way back",
        )
        .seen(config.origin.clone(), format!("{key} {native}"))
        .mended_by(Remedy::text("set it to the network of all pods, and no more").with_values(
            spelling::native_routing_cidr(family, &aggregated(&pod_networks(view, config, family))),
        ));
    for (source, fact) in covered.evidence {
        finding = finding.seen(source, format!("{fact} lies in it"));
    }
    finding.evidence.extend(ways.into_iter().map(|way| way.evidence));
    if severity == Severity::Info {
        finding.impact = "none, where those hosts know the way back to pods".into();
    }
    finding
}
