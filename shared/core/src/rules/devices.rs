//! Devices by which packets leave, and devices that agents attach BPF programs to.

use std::net::IpAddr;

use super::{
    Judgement,
    host_routing::{self, Kernel},
};
use crate::{
    facts::{CiliumConfig, Link, LinkFlag, LinkName, NodeAddressKind, TableId},
    view::{FAR_AWAY, Fate, NodeView, View},
};

/// Devices by which packets of a node to the internet leave. Where nobody knows, it says so.
pub(super) fn ways_out(node: &NodeView<'_>, out: &mut Judgement) -> Vec<LinkName> {
    match node.fate(FAR_AWAY) {
        Fate::Leaves { hops, .. } => {
            let links = hops.into_iter().map(|(link, _)| link);
            links.filter(|link| !link.leads_into_cilium()).collect()
        }
        Fate::Refused { .. } => Vec::new(),
        Fate::Unknown(why) => {
            out.missing_on(node.name(), "way to the internet", why);
            Vec::new()
        }
    }
}

/// The device with the address by which other nodes reach this one.
pub(super) fn of_internal_address<'a>(view: &View<'a>, node: &NodeView<'a>) -> Option<&'a Link> {
    // By the CiliumNode agents reach each other; the list of Nodes has no index.
    let of_kube = || {
        let mut nodes = view.facts.cluster.nodes.items().iter();
        nodes.find(|kube| kube.name == *node.name()).map(|kube| &kube.addresses)
    };
    let registered = view.cilium_node(node.name()).map(|own| &own.addresses).or_else(of_kube)?;
    let mut registered = registered.iter();
    let registered = registered.find(|own| own.kind == NodeAddressKind::InternalIP)?.address;
    let mut on_links = node.facts.addresses.items().iter();
    let own = on_links.find(|own| own.address == registered)?;
    node.facts.links.items().iter().find(|link| link.name == own.link)
}

/// Whether a pattern names a device: `eth+` is all that begin with `eth`.
pub(super) fn names(pattern: &str, link: &LinkName) -> bool {
    match pattern.strip_suffix('+') {
        Some(beginning) => link.as_str().starts_with(beginning),
        None => link.as_str() == pattern,
    }
}

/// Devices that the agent of a node attaches to, and who says so.
pub(super) struct Attached {
    pub(super) links: Vec<LinkName>,
    pub(super) source: String,
}

/// What the running agent says; of other configurations, and where it does not say, what it would
/// choose. None where too little is known of the node.
pub(super) fn attached(
    view: &View<'_>,
    node: &NodeView<'_>,
    config: &CiliumConfig,
) -> Option<Attached> {
    let status = node.facts.agent_status.known().filter(|_| view.proposal().is_none());
    let replacement = status.and_then(|status| status.kube_proxy_replacement.as_ref());
    if let Some(replacement) = replacement.filter(|replacement| !replacement.devices.is_empty()) {
        let links = replacement.devices.iter().map(|device| device.name.as_str().into());
        return Some(Attached { links: links.collect(), source: "agent".into() });
    }
    let all = node.facts.links.known()?;
    let (links, source) = if config.devices.is_empty() {
        node.facts.routes.known()?;
        node.facts.addresses.known()?;
        let chosen =
            all.iter().filter(|link| is_chosen(node, link) || is_of_node(view, node, config, link));
        (chosen.map(|link| link.name.clone()).collect(), "what agents choose by themselves".into())
    } else {
        // Since 1.17 some patterns take devices out.
        if config.devices.iter().any(|pattern| pattern.starts_with('!')) {
            return None;
        }
        let named = all.iter().map(|link| &link.name);
        let named = named.filter(|link| config.devices.iter().any(|name| names(name, link)));
        (named.cloned().collect(), format!("devices {}", config.devices.join(" ")))
    };
    Some(Attached { links, source })
}

/// Beginnings of names that agents leave out.
const LEFT_OUT: [&str; 5] = ["cilium_", "lo", "lxc", "cni", "docker"];

/// First kernel on which programs can be attached to devices without hardware addresses.
const LAYER_3: Kernel = (5, 8);

/// The choice of the agent (`devices_controller.go`).
fn is_chosen(node: &NodeView<'_>, link: &Link) -> bool {
    let addresses = node.facts.addresses.items();
    let has_address = addresses.iter().any(|own| own.link == link.name && own.scope != "link");
    let kernel = node.facts.kernel.known().and_then(host_routing::numbers);
    let takes_programs =
        link.hardware_address.is_some() || kernel.is_none_or(|kernel| kernel >= LAYER_3);
    has_address
        && takes_programs
        && link.has(LinkFlag::Up)
        && !link.has(LinkFlag::Loopback)
        && is_considered(&link.name)
        && !is_kind(link, &["bridge", "openvswitch"])
        && !is_enslaved(node, link)
        && has_route(node, link)
}

/// Before 1.15 agents took the device with the node's own address too, whatever it was.
fn is_of_node(view: &View<'_>, node: &NodeView<'_>, config: &CiliumConfig, link: &Link) -> bool {
    let version = config.version.as_ref();
    let mut addresses = node.facts.addresses.items().iter();
    version.is_none_or(|version| (version.major, version.minor) < (1, 15))
        && addresses.any(|own| own.link == link.name && view.is_node_address(own.address))
}

/// Whether a route leads over it to somewhere beyond the link; over one end of a pair, to everywhere.
fn has_route(node: &NodeView<'_>, link: &Link) -> bool {
    let is_pair = is_kind(link, &["veth"]);
    node.facts.routes.items().iter().any(|route| {
        route.table == TableId::MAIN
            && route.links().any(|other| *other == link.name)
            && (route.is_default() || !is_pair && is_global(route.destination.addr()))
    })
}

/// Whether agents consider a device of that name.
pub(super) fn is_considered(link: &LinkName) -> bool {
    !LEFT_OUT.iter().any(|beginning| link.as_str().starts_with(beginning))
}

fn is_kind(link: &Link, kinds: &[&str]) -> bool {
    link.kind.as_deref().is_some_and(|kind| kinds.contains(&kind))
}

/// Whether another device speaks for it; a VRF does not.
fn is_enslaved(node: &NodeView<'_>, link: &Link) -> bool {
    let Some(master) = &link.master else { return false };
    let mut links = node.facts.links.items().iter();
    !links.any(|other| other.name == *master && is_kind(other, &["vrf"]))
}

fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_link_local() && !address.is_loopback(),
        IpAddr::V6(address) => {
            !address.is_unicast_link_local() && !address.is_loopback() && !address.is_multicast()
        }
    }
}
