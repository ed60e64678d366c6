use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;

use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity, command::delete_route, premise, rule,
};
use crate::{
    facts::{LinkName, Route},
    view::{Fate, NodeView, Protected, View, listing},
};

rule! {
    /// ## What it checks
    /// For each address that a node depends on (see CIDR-01) it asks by which device a packet
    /// leaves: the kernel's own answer (RTM_GETROUTE) where it was asked, else a lookup through the
    /// recorded rules and tables. It must not be `cilium_host`, `cilium_net`, `cilium_vxlan`,
    /// `cilium_geneve` or a pod's `lxc…` device, nor an agent's direct route to another node's pods.
    ///
    /// ## Why it hurts
    /// This is the proof for CIDR-01: the host hands packets for its gateway, its DNS server or
    /// another node to Cilium, which knows no pod with that address. A ping proves nothing either
    /// way: some agents let the node answer for addresses of the tunnel.
    ///
    /// ## Fix
    /// As for CIDR-01. First aid for some minutes, until the agent puts it back: delete the route
    /// on the node. Pods of that block lose their network meanwhile.
    ///
    /// ## References
    /// - Cilium source, `pkg/datapath/linux/node.go`: createNodeRouteSpec
    "RT-01", Block, State, "an address that the node needs leaves through Cilium", judge
}

/// The devices that carry pods' packets. `cilium_wg0` may carry a node's own by design.
const DEVICES: [&str; 4] = ["cilium_host", "cilium_net", "cilium_vxlan", "cilium_geneve"];

/// Nodes whose lookup is quoted; the others are the same.
const SHOWN_NODES: usize = 3;

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    let mut by_address: BTreeMap<IpAddr, Vec<Hijack<'_, '_>>> = BTreeMap::new();
    for node in view.nodes() {
        if node.protected().next().is_none() {
            let why = node.facts.routes.get().err();
            out.unknown_on(
                node.name(),
                "protected addresses",
                why.map_or_else(
                    || "it has no gateway, DNS server or peer to look for".into(),
                    ToString::to_string,
                ),
            );
        }
        if let Err(why) = node.facts.resolvers.get() {
            out.missing_on(node.name(), "DNS servers", why);
        }
        let mut unknown = 0;
        for protected in candidates(node) {
            let fate = node.fate(protected.address);
            if let Fate::Unknown(_) = &fate {
                unknown += 1;
            } else if let Some(way) = way_of(node, &fate) {
                by_address.entry(protected.address).or_default().push(Hijack {
                    node,
                    protected,
                    fate,
                    way,
                });
            }
        }
        if let (1.., Err(why)) = (unknown, node.router()) {
            out.missing_on(node.name(), format!("ways to {unknown} protected addresses"), why);
        }
    }
    for (address, hijacks) in &by_address {
        if let Some(finding) = finding(*address, hijacks) {
            out.found(finding);
        }
    }
}

fn carries_pods(link: &LinkName) -> bool {
    DEVICES.contains(&link.as_str()) || link.is_endpoint_device()
}

/// Addresses that the node may hand to Cilium: those in networks of routes that carry pods, of all
/// tables, and those about which the kernel was asked. Most addresses are neither, and need no lookup.
fn candidates<'v>(node: &'v NodeView<'_>) -> Vec<&'v Protected> {
    let Some(routes) = node.facts.routes.known() else { return node.protected().collect() };
    let into_cilium = routes
        .iter()
        .filter(|route| route.links().any(carries_pods) || node.is_direct_node_route(route))
        .map(|route| route.destination);
    let asked = node.facts.lookups.items().iter().map(|lookup| IpNet::from(lookup.destination));
    let mut networks: Vec<IpNet> = into_cilium.chain(asked).map(|it| it.trunc()).collect();
    networks.sort_unstable();
    networks.dedup();
    // One that lies in another holds nothing new.
    let networks = IpNet::aggregate(&networks);
    networks.into_iter().flat_map(|network| node.protected_in(network)).collect()
}

struct Hijack<'v, 'a> {
    node: &'v NodeView<'a>,
    protected: &'v Protected,
    fate: Fate<'a>,
    way: Way,
}

/// How Cilium takes a packet.
enum Way {
    /// By a device of its own.
    Device(LinkName),
    /// By the agent's route to another node's pods, without a tunnel.
    DirectRoute,
}

fn way_of(node: &NodeView<'_>, fate: &Fate<'_>) -> Option<Way> {
    if let Some(link) = fate.into_cilium().filter(|link| carries_pods(link)) {
        return Some(Way::Device(link.clone()));
    }
    match fate {
        Fate::Leaves { route: Some(route), .. } if node.is_direct_node_route(route) => {
            Some(Way::DirectRoute)
        }
        _ => None,
    }
}

fn finding(address: IpAddr, hijacks: &[Hijack<'_, '_>]) -> Option<Finding> {
    let first = hijacks.first()?;
    let mut evidence = Vec::new();
    for hijack in hijacks.iter().take(SHOWN_NODES) {
        if let Fate::Leaves { source, .. } = &hijack.fate {
            evidence.push(Evidence::new(
                format!("{source} on {}", hijack.node.name()),
                format!("{address} leaves {}", hijack.fate.in_words()),
            ));
        }
    }
    let deciding = match first.fate {
        Fate::Leaves { route, .. } => route,
        _ => None,
    };
    if let Some(beaten) = first.node.lan_route_to(address) {
        evidence.push(Evidence::new(
            format!("routes of {}", first.node.name()),
            format!("the LAN's own route loses{}: {beaten}", reason(deciding, beaten)),
        ));
    }
    let way = match &first.way {
        Way::Device(link) => format!("leave through {link}"),
        Way::DirectRoute => "go to another node, as if they were for its pods".to_owned(),
    };
    Some(Finding {
        code: RULE.code,
        severity: Severity::Block,
        basis: Basis::Observed,
        subject: address.to_string(),
        nodes: hijacks.iter().map(|hijack| hijack.node.name().clone()).collect(),
        summary: format!("packets for {address} ({}) {way}", first.protected.roles_in_words()),
        evidence,
        impact: "the host cannot talk to that address; a ping proves nothing either way".into(),
        remedy: Remedy::text("move the pods to a free pool (see CIDR-01 and CIDR-12)")
            .with_commands(first_aid(hijacks)),
    })
}

/// What deletes the routes that decide. Without a tunnel they differ from node to node.
fn first_aid(hijacks: &[Hijack<'_, '_>]) -> Vec<String> {
    let mut by_command: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for hijack in hijacks {
        if let Fate::Leaves { route: Some(route), .. } = hijack.fate {
            let nodes = by_command.entry(delete_route(route)).or_default();
            nodes.push(hijack.node.name().to_string());
        }
    }
    by_command
        .into_iter()
        .flat_map(|(command, nodes)| [format!("# on {}", listing(&nodes)), command])
        .collect()
}

/// Why one route loses against another.
fn reason(winner: Option<&Route>, loser: &Route) -> &'static str {
    match winner {
        Some(winner) if winner.table != loser.table => ", another table is asked first",
        Some(winner) if winner.destination.prefix_len() > loser.destination.prefix_len() => {
            ", its prefix is shorter"
        }
        Some(winner) if winner.metric < loser.metric => ", its metric is higher",
        _ => "",
    }
}
