use std::net::IpAddr;

use ipnet::IpNet;

use super::{Finding, Judgement, Remedy, Severity, premise, rule, spelling};
use crate::{
    chart::ChartVersion,
    facts::{
        CiliumConfig, NodeAddress, NodeAddressKind, NodeName, RouteKind, RoutingMode, TableId,
    },
    view::{Fate, NodeView, View},
};

rule! {
    /// ## What it checks
    /// Native routing with `autoDirectNodeRoutes`: whether each node reaches the InternalIP of the
    /// others without a router in between, by the kernel's own answer or the node's routes.
    ///
    /// ## Why it hurts
    /// An agent only installs a route to another node's pods where that node is its direct
    /// neighbour. Behind a router it logs "must be directly reachable" and installs none: pods of
    /// the two nodes do not reach each other, while the nodes do. Clouds that hand every node a /32
    /// (Hetzner, GCP) have a router between any two.
    ///
    /// ## Fix
    /// Use tunnel mode; or make the routers know the pod CIDRs (BGP, the cloud's route table). From
    /// 1.16 on `directRoutingSkipUnreachable` leaves nodes behind a router to those.
    ///
    /// ## References
    /// - Cilium documentation, "Routing": native routing, auto-direct-node-routes
    /// - cilium/cilium issues 24618, 24777, 28984
    "RT-04", Error, Configuration, "nodes with direct routes have a router in between", judge
}

/// The first version that can leave nodes behind a router out.
const SKIPS_SINCE: (u64, u64, u64) = (1, 16, 0);
/// Lookups for a node. In one network none is needed, and behind a router the first one tells.
const MOST_LOOKUPS: usize = 64;

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if config.routing != RoutingMode::Native || !config.auto_direct_node_routes {
        out.not_applicable("agents install no direct routes to other nodes");
        return;
    }
    if config.skip_unreachable_nodes {
        out.not_applicable("nodes behind a router are left out: directRoutingSkipUnreachable");
        return;
    }
    let peers = peers(view);
    if peers.is_empty() {
        out.unknown("addresses of the nodes", "neither Nodes nor CiliumNodes were read");
        return;
    }
    if !premise::has_routes(view, out) {
        return;
    }
    let mut apart = Vec::new();
    for node in view.nodes().iter().filter(|node| node.facts.routes.known().is_some()) {
        let connected = connected(node);
        let is_connected = |address| connected.iter().any(|network| network.contains(&address));
        let others = peers.iter().filter(|(name, _)| *name != node.name());
        let mut others = others.filter(|(_, address)| !is_connected(*address)).enumerate();
        let found = others.find_map(|(asked, (peer, address))| {
            if asked == MOST_LOOKUPS {
                let why = format!("more than {MOST_LOOKUPS} are in none of the node's networks");
                out.unknown_on(node.name(), "ways to other nodes", why);
            }
            if asked >= MOST_LOOKUPS {
                return None;
            }
            match node.fate(*address) {
                Fate::Leaves { hops, source, .. } => {
                    let router = hops.iter().find_map(|(link, gateway)| {
                        gateway.filter(|gateway| gateway != address).map(|it| (link.clone(), it))
                    });
                    router.map(|(link, gateway)| {
                        let way = format!("{address} goes by {gateway} on {link}");
                        Apart { node: node.name(), peer, source: source.to_string(), way }
                    })
                }
                Fate::Refused { refusal, source } => Some(Apart {
                    node: node.name(),
                    peer,
                    source: source.to_string(),
                    way: format!("{address}: {refusal}"),
                }),
                Fate::Unknown(why) => {
                    out.missing_on(node.name(), format!("the way to {peer}"), why);
                    None
                }
            }
        });
        apart.extend(found);
    }
    if !apart.is_empty() {
        out.found(finding(config, &apart));
    }
}

/// A node, and another one that is not its neighbour.
struct Apart<'a> {
    node: &'a NodeName,
    peer: &'a NodeName,
    source: String,
    way: String,
}

/// By which address each node is reached: agents take the InternalIP.
fn peers<'a>(view: &View<'a>) -> Vec<(&'a NodeName, IpAddr)> {
    fn internal(addresses: &[NodeAddress]) -> Option<IpAddr> {
        let mut own = addresses.iter().filter(|own| own.kind == NodeAddressKind::InternalIP);
        own.next().map(|own| own.address)
    }
    let cluster = &view.facts.cluster;
    let nodes = cluster.nodes.items().iter().map(|node| (&node.name, &node.addresses));
    let all: Vec<_> = match nodes.len() {
        0 => {
            let nodes = cluster.cilium_nodes.items().iter();
            nodes.map(|node| (&node.name, &node.addresses)).collect()
        }
        _ => nodes.collect(),
    };
    all.into_iter().filter_map(|(name, own)| Some((name, internal(own)?))).collect()
}

/// Networks on the node's own links, of which no part lies behind a router.
fn connected(node: &NodeView<'_>) -> Vec<IpNet> {
    let routes = node.facts.routes.items();
    let main = routes.iter().filter(|route| route.table == TableId::MAIN);
    let (direct, other): (Vec<_>, Vec<_>) = main.partition(|route| {
        route.kind == RouteKind::Unicast
            && route.gateways().next().is_none()
            && !route.leads_into_cilium()
            && !route.is_way_to_everywhere()
    });
    let networks = direct.into_iter().map(|route| route.destination);
    networks
        .filter(|network| !other.iter().any(|route| network.contains(&route.destination)))
        .collect()
}

fn finding(config: &CiliumConfig, apart: &[Apart<'_>]) -> Finding {
    let Apart { node, peer, .. } = &apart[0];
    let more = match apart.len() {
        1 => String::new(),
        count => format!(" (and {} other nodes are apart from some)", count - 1),
    };
    let mut finding = Finding::about(RULE.code, Severity::Error, "autoDirectNodeRoutes")
        .saying(
            format!("{peer} is not a direct neighbour of {node}{more}, which direct routes need"),
            "agents install no route to pods of such nodes; these pods do not reach each other",
        )
        .seen(config.origin.clone(), "native routing, auto-direct-node-routes true");
    for apart in apart.iter().take(3) {
        finding = finding.seen(format!("{}, {}", apart.node, apart.source), apart.way.clone());
    }
    finding.nodes = apart.iter().map(|apart| apart.node.clone()).collect();
    finding.mended_by(remedy(config))
}

fn remedy(config: &CiliumConfig) -> Remedy {
    let version = config.version.clone().map(ChartVersion::from);
    let tunnel = spelling::vxlan(config);
    let skips = version.as_ref().is_some_and(|version| version.is_at_least(SKIPS_SINCE));
    let skip = if skips {
        "\n# or, where BGP or the cloud's route table knows the pod CIDRs:\n\
         # directRoutingSkipUnreachable: true\n"
    } else {
        "\n# or, where BGP or the cloud's route table knows the pod CIDRs of all nodes:\n\
         # autoDirectNodeRoutes: false\n"
    };
    Remedy::text("use tunnel mode, or let the routers between the nodes know the pod CIDRs")
        .with_values(format!("{tunnel}autoDirectNodeRoutes: false{skip}"))
}
