//! Why packets that keep a pod's address may find their way back from outside the cluster all the
//! same. What only people know (a router's static routes, that nothing is meant to leave) no fact
//! tells: those who ask must ask the user too.

use super::{Evidence, pod_networks::pod_networks};
use crate::{
    facts::{CiliumConfig, Family, IpamMode, NetworkPolicyKind},
    prefix::is_globally_routable,
    view::{View, is_of_routing_daemon},
};

/// A reason, and what it does not say.
pub(super) struct WayBack {
    pub(super) evidence: Evidence,
    /// What is still to be checked.
    pub(super) caveat: &'static str,
}

/// Every reason that facts and configuration give.
pub(super) fn ways_back(view: &View<'_>, config: &CiliumConfig) -> Vec<WayBack> {
    let config_says = |fact: String, caveat| WayBack {
        evidence: Evidence::new(config.origin.clone(), fact),
        caveat,
    };
    let mut found = Vec::new();
    if let Some(cloud) = addresses_of_cloud(config) {
        found.push(config_says(
            format!("pods have addresses of the cloud's own network ({cloud})"),
            "the internet needs the cloud's NAT gateway",
        ));
    } else if let Some(mode) = chained_to(config) {
        found.push(config_says(
            format!("another plugin is in the chain (cni.chainingMode {mode})"),
            "that plugin has to give packets the node's address",
        ));
    }
    if config.bgp_control_plane || announces_by_metallb(view) {
        found.push(config_says(
            "Cilium speaks BGP".into(),
            "sessions must be established, and announce the pods' networks (`cilium bgp peers`)",
        ));
    }
    found.extend(routes_of_cloud(view));
    found.extend(routing_daemon(view));
    found.extend(other_masquerade(view));
    found.extend(nothing_may_leave(view));
    found.extend(public_addresses(view, config));
    found
}

/// In these modes pods have addresses of the cloud's network, which knows the way to them.
fn addresses_of_cloud(config: &CiliumConfig) -> Option<&str> {
    let chained = config.chaining_mode.as_deref();
    match &config.ipam {
        IpamMode::Other(mode) if matches!(mode.as_str(), "eni" | "azure" | "alibabacloud") => {
            Some(mode)
        }
        _ => chained.filter(|mode| matches!(*mode, "aws-cni" | "azure")),
    }
}

/// `portmap` only opens ports of the host.
fn chained_to(config: &CiliumConfig) -> Option<&str> {
    config.chaining_mode.as_deref().filter(|mode| *mode != "portmap")
}

/// `bgp.announce.podCIDR` of the charts until 1.16.
fn announces_by_metallb(view: &View<'_>) -> bool {
    view.chart_values().is_some_and(|values| {
        values.is_truthy("bgp.enabled") && values.is_truthy("bgp.announce.podCIDR")
    })
}

/// GKE, and clusters in which a route controller tells the cloud about each node's pods: it sets
/// the reason `RouteCreated`.
fn routes_of_cloud(view: &View<'_>) -> Option<WayBack> {
    const CAVEAT: &str = "they lead back within the cloud's network; the internet needs its NAT";
    let way = |source: &str, fact: String| WayBack {
        evidence: Evidence::new(source, fact),
        caveat: CAVEAT,
    };
    if view.chart_values().is_some_and(|values| values.is_truthy("gke.enabled")) {
        return Some(way("values", "gke.enabled: Google's network has routes to the pods".into()));
    }
    let flags = view.facts.cluster.control_plane.items().iter();
    let is_on = |value: &String| value == "true";
    if let Some(pod) =
        flags.into_iter().find(|pod| pod.flags.get("configure-cloud-routes").is_some_and(is_on))
    {
        return Some(way(&pod.name, "--configure-cloud-routes: the cloud has routes".into()));
    }
    let node = view.facts.cluster.nodes.items().iter().find(|node| {
        !node.provider_id.is_empty()
            && node.conditions.iter().any(|condition| {
                condition.kind == "NetworkUnavailable" && condition.reason == "RouteCreated"
            })
    })?;
    Some(way(&format!("Node {}", node.name), "the cloud has routes (RouteCreated)".into()))
}

/// BIRD, FRR and the like on a node.
fn routing_daemon(view: &View<'_>) -> Option<WayBack> {
    let (node, route) = view.nodes().iter().find_map(|node| {
        let mut routes = node.facts.routes.items().iter();
        Some((node, routes.find(|route| is_of_routing_daemon(route))?))
    })?;
    Some(WayBack {
        evidence: Evidence::new(
            node.name().as_str(),
            format!("a routing daemon set the route {}", route.destination),
        ),
        caveat: "it must announce the pods' networks to the router",
    })
}

/// The agent of that name, on its own, as on GKE.
fn other_masquerade(view: &View<'_>) -> Option<WayBack> {
    let mut pods = view.facts.cluster.pods.known()?.rows().iter();
    let pod = pods.find(|pod| pod.name.starts_with("ip-masq-agent-"))?;
    Some(WayBack {
        evidence: Evidence::new(
            format!("pod {}/{}", pod.namespace, pod.name),
            "it gives packets the node's address",
        ),
        caveat: "its list of exceptions must not hold what pods need",
    })
}

/// Nothing leaves any pod, nor is meant to.
fn nothing_may_leave(view: &View<'_>) -> Option<WayBack> {
    let cluster = &view.facts.cluster;
    let clusterwide = cluster.cilium_clusterwide_network_policies.known()?;
    let all = clusterwide.iter().chain(cluster.cilium_network_policies.known()?);
    let mut all = all.chain(cluster.network_policies.known()?);
    let denial = clusterwide.iter().find(|policy| {
        policy.kind == NetworkPolicyKind::CiliumClusterwideNetworkPolicy
            && policy.selects_all
            && !policy.selects_nodes
            && policy.isolates_egress
    })?;
    if all.any(|policy| policy.allows_egress) {
        return None;
    }
    Some(WayBack {
        evidence: Evidence::new(
            format!("CiliumClusterwideNetworkPolicy {}", denial.name),
            "nothing may leave any pod",
        ),
        caveat: "",
    })
}

/// Addresses of the internet are routed back by their owner's routers.
fn public_addresses(view: &View<'_>, config: &CiliumConfig) -> Option<WayBack> {
    let networks = pod_networks(view, config, Family::V4);
    let first = networks.first()?;
    networks.iter().all(|network| is_globally_routable(network.prefix)).then(|| WayBack {
        evidence: Evidence::new(
            first.source.clone(),
            format!("{} is address space of the internet", first.prefix),
        ),
        caveat: "it must be yours (see CIDR-17)",
    })
}
