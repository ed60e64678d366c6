use ipnet::IpNet;

use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity, command::restart_agent, premise, rule,
};
use crate::{
    facts::{CiliumNode, Route, RouteKind, RoutingMode, TableId, TunnelProtocol},
    prefix::PrefixIndex,
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// Each node needs a way to the pod CIDRs of all other nodes. In tunnel mode that is a route to
    /// `cilium_host`; in native mode with `autoDirectNodeRoutes` a route over the other node's
    /// InternalIP. In native mode without it either the node has routes of its own (BIRD, FRR), or
    /// the network must know the way: that is not visible from a node's default route, and counts as
    /// unknown, never as fine.
    ///
    /// ## Why it hurts
    /// Pods of the nodes cannot reach each other; packets go to the default gateway instead.
    ///
    /// ## Fix
    /// Look into the agent's log for the reason why it could not install the route, and restart the
    /// agent on the node that lacks it. Where systemd-networkd or NetworkManager removed it, tell
    /// them to leave foreign routes alone.
    ///
    /// ## References
    /// - cilium/cilium issues 26588, 28302
    "RT-02", Error, State, "a route to another node's pods is missing", judge
}

/// Missing routes of one node that are findings of their own.
const SINGLE: usize = 8;
/// Missing routes that are quoted where they are summed up.
const SHOWN: usize = 5;

/// How pods of other nodes are reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expectation {
    /// The agent installs a route to `cilium_host`.
    ThroughCiliumHost,
    /// The agent installs a route over the other node's address.
    OverNodeAddress,
    /// The agent installs none: the network outside knows the way, or a daemon on the node does.
    KnownOutside,
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let peers = match view.facts.cluster.cilium_nodes.get() {
        Ok(peers) => peers,
        Err(_) if view.coming_config().is_some() => {
            out.not_applicable("Cilium is not installed");
            return;
        }
        Err(why) => {
            out.missing("CiliumNodes", why);
            return;
        }
    };
    if peers.iter().all(|peer| peer.pod_cidrs.is_empty()) {
        out.not_applicable("CiliumNodes carry no pod CIDRs in this IPAM mode");
        return;
    }
    if !premise::has_nodes(view, out) {
        return;
    }
    for node in view.nodes() {
        judge_node(view, node, peers, out);
    }
}

fn judge_node(view: &View<'_>, node: &NodeView<'_>, peers: &[CiliumNode], out: &mut Judgement) {
    let routes = match node.facts.routes.get() {
        Ok(routes) => routes,
        Err(why) => {
            out.missing_on(node.name(), "routes", why);
            return;
        }
    };
    let own = view.cilium_node(node.name());
    if own.is_none() {
        out.unknown_on(
            node.name(),
            "peers",
            "no CiliumNode has this name, so its peers cannot be told from itself",
        );
        return;
    }
    // Without an agent nobody keeps routes: RT-07 judges what is left.
    if view.agent_runs_on(node.facts) == Some(false) {
        return;
    }
    let expectation = match expectation(view, node) {
        Ok(expectation) => expectation,
        Err(why) => {
            out.unknown_on(node.name(), "routes to pods", why);
            return;
        }
    };
    let routes = Routes::new(routes);
    let mut missing =
        of_others(peers, own).filter(|(peer, cidr)| !routes.lead_to(peer, *cidr, expectation));
    if expectation == Expectation::KnownOutside {
        if let Some((_, cidr)) = missing.next() {
            out.unknown_on(
                node.name(),
                "routes to pods",
                format!(
                    "native routing without autoDirectNodeRoutes, and no route of its own for {cidr}: \
                     the network outside must know it, which a node cannot see"
                ),
            );
        }
        return;
    }
    // Of a large cluster only some are kept: each of its nodes has as many peers.
    let mut first: Vec<(&CiliumNode, IpNet)> = missing.by_ref().take(SINGLE + 1).collect();
    if first.len() > SINGLE {
        let count = first.len() + missing.count();
        first.truncate(SHOWN);
        let all: usize = peers.iter().map(|peer| peer.pod_cidrs.len()).sum();
        let of = all - own.map_or(0, |own| own.pod_cidrs.len());
        let counts = (count, of);
        out.found(summed_up(view, node, &first, counts, expectation));
        return;
    }
    for (peer, cidr) in first {
        out.found(finding(view, node, peer, cidr, expectation));
    }
}

/// Pod CIDRs of the other nodes.
fn of_others<'c>(
    peers: &'c [CiliumNode],
    own: Option<&'c CiliumNode>,
) -> impl Iterator<Item = (&'c CiliumNode, IpNet)> {
    // Not by name: each of many nodes asks for all others.
    let others = peers.iter().filter(move |peer| own.is_none_or(|own| !std::ptr::eq(*peer, own)));
    others.flat_map(|peer| peer.pod_cidrs.iter().map(move |cidr| (peer, *cidr)))
}

/// Whether a node of the view has none of the routes that its agent installs, and should have some.
pub(crate) fn has_lost_all(view: &View<'_>, node: &NodeView<'_>) -> bool {
    let Some((routes, expectation)) = kept_routes(view, node) else { return false };
    let peers = view.facts.cluster.cilium_nodes.items();
    let mut others = of_others(peers, view.cilium_node(node.name())).peekable();
    others.peek().is_some() && others.all(|(peer, cidr)| !routes.lead_to(peer, cidr, expectation))
}

/// The routes of a node whose agent keeps some, and what is expected of them.
fn kept_routes<'a>(view: &View<'_>, node: &NodeView<'a>) -> Option<(Routes<'a>, Expectation)> {
    let expectation = expectation(view, node).ok();
    let expectation = expectation.filter(|it| *it != Expectation::KnownOutside)?;
    Some((Routes::new(node.facts.routes.known()?), expectation))
}

/// Pod CIDRs of other nodes to which the agent of a node installs a route, and there is none.
pub(crate) fn lost_routes(view: &View<'_>, node: &NodeView<'_>) -> Vec<IpNet> {
    let Some((routes, expectation)) = kept_routes(view, node) else { return Vec::new() };
    of_others(view.facts.cluster.cilium_nodes.items(), view.cilium_node(node.name()))
        .filter(|(peer, cidr)| !routes.lead_to(peer, *cidr, expectation))
        .map(|(_, cidr)| cidr)
        .collect()
}

fn expectation(view: &View<'_>, node: &NodeView<'_>) -> Result<Expectation, String> {
    let Some(config) = view.config() else {
        // The overlay's device is only there in tunnel mode.
        let mut links = node.cilium_links();
        return if links.any(|link| matches!(link.as_str(), "cilium_vxlan" | "cilium_geneve")) {
            Ok(Expectation::ThroughCiliumHost)
        } else {
            Err("the routing mode is not known".into())
        };
    };
    match &config.routing {
        RoutingMode::Tunnel(TunnelProtocol::Unknown(_)) | RoutingMode::Unknown(_) => {
            Err(format!("Cilium knows no routing mode {}", config.routing))
        }
        RoutingMode::Tunnel(_) => Ok(Expectation::ThroughCiliumHost),
        RoutingMode::Native if config.auto_direct_node_routes => Ok(Expectation::OverNodeAddress),
        RoutingMode::Native => Ok(Expectation::KnownOutside),
    }
}

/// Routes of the table `main` beyond the default ones, indexed.
struct Routes<'a> {
    routes: Vec<&'a Route>,
    index: PrefixIndex,
}

impl<'a> Routes<'a> {
    fn new(all: &'a [Route]) -> Self {
        let is_candidate = |route: &&Route| route.table == TableId::MAIN && !route.is_default();
        let routes: Vec<&Route> = all.iter().filter(is_candidate).collect();
        Self { index: PrefixIndex::new(routes.iter().map(|route| route.destination)), routes }
    }

    fn lead_to(&self, peer: &CiliumNode, cidr: IpNet, expectation: Expectation) -> bool {
        self.index.around(cidr).map(|position| self.routes[position]).any(|route| {
            match expectation {
                Expectation::ThroughCiliumHost => {
                    route.links().any(|link| link.as_str() == "cilium_host")
                }
                // RT-03 judges over whose address it leads.
                Expectation::OverNodeAddress => {
                    let leads_to_peer =
                        |gateway| peer.addresses.iter().any(|own| own.address == gateway);
                    route.gateways().any(leads_to_peer) || route.destination == cidr
                }
                Expectation::KnownOutside => route.kind == RouteKind::Unicast,
            }
        })
    }
}

/// Routes as the agent would install them.
fn expected(peer: &CiliumNode, cidr: IpNet, expectation: Expectation) -> String {
    match expectation {
        Expectation::ThroughCiliumHost => format!("{cidr} … dev cilium_host"),
        Expectation::OverNodeAddress | Expectation::KnownOutside => {
            let internal = peer.addresses.iter().find(|own| own.is_host_address());
            let gateway =
                internal.map_or_else(|| "its InternalIP".into(), |own| own.address.to_string());
            format!("{cidr} via {gateway}")
        }
    }
}

fn finding(
    view: &View<'_>,
    node: &NodeView<'_>,
    peer: &CiliumNode,
    cidr: IpNet,
    expectation: Expectation,
) -> Finding {
    let expected = expected(peer, cidr, expectation);
    Finding {
        code: RULE.code,
        severity: Severity::Error,
        basis: Basis::Observed,
        subject: cidr.to_string(),
        nodes: vec![node.name().clone()],
        summary: format!("{} has no route to {cidr}, the pods of {}", node.name(), peer.name),
        evidence: vec![
            Evidence::new(format!("CiliumNode {}", peer.name), format!("pod CIDR {cidr}")),
            Evidence::new(
                format!("routes of {}", node.name()),
                format!("expected `{expected}`, and there is none"),
            ),
        ],
        impact: format!("pods on {} cannot reach pods on {}", node.name(), peer.name),
        remedy: remedy(view, node),
    }
}

/// Many missing routes of one node: its own trouble, and not that of each peer.
fn summed_up(
    view: &View<'_>,
    node: &NodeView<'_>,
    first: &[(&CiliumNode, IpNet)],
    (missing, of): (usize, usize),
    expectation: Expectation,
) -> Finding {
    let first = first.iter().map(|(peer, cidr)| expected(peer, *cidr, expectation));
    let first: Vec<String> = first.collect();
    Finding {
        code: RULE.code,
        severity: Severity::Error,
        basis: Basis::Observed,
        subject: node.name().to_string(),
        nodes: vec![node.name().clone()],
        summary: format!(
            "{} has no route to {missing} of {of} pod CIDRs of other nodes",
            node.name()
        ),
        evidence: vec![Evidence::new(
            format!("routes of {}", node.name()),
            format!("expected, and not there: {} …", first.join(", ")),
        )],
        impact: format!("pods on {} cannot reach pods on those nodes", node.name()),
        remedy: remedy(view, node),
    }
}

fn remedy(view: &View<'_>, node: &NodeView<'_>) -> Remedy {
    Remedy::text("read the agent's log on that node for the reason, then restart the agent")
        .with_commands([restart_agent(view.namespace(), node.name())])
}
