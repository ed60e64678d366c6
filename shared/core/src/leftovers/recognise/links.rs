//! Network interfaces.

use std::collections::BTreeMap;

use super::Known;
use crate::facts::{Link, LinkFlag, LinkName, Peer, TableId};
use crate::leftovers::{Fate, HostState, Item, Leftover, Proof};

/// Devices that carry node-wide traffic, and the kinds that each has had.
const DEVICES: [(&str, &[&str]); 8] = [
    ("cilium_host", &["veth"]),
    ("cilium_net", &["veth"]),
    ("cilium_vxlan", &["vxlan"]),
    ("cilium_geneve", &["geneve"]),
    ("cilium_wg0", &["wireguard"]),
    ("cilium_ipip4", &["ipip"]),
    ("cilium_ipip6", &["ip6tnl"]),
    // Until 1.11.
    ("cilium_health", &["veth"]),
];

/// The kernel's fallback tunnels, which the agent renames and nobody can delete.
const FALLBACKS: [(&str, &str); 3] =
    [("cilium_tunl", "tunl0"), ("cilium_sit", "sit0"), ("cilium_ip6tnl", "ip6tnl0")];

/// The host's side of the agent's own health check.
const HEALTH: &str = "lxc_health";

pub(super) fn items(state: &HostState, programs: &BTreeMap<LinkName, Proof>) -> Vec<Item> {
    let links = state.links.items().iter();
    links
        .filter_map(|link| {
            node_device(link)
                .or_else(|| pod_device(link, state, programs))
                .or_else(|| unfinished(link))
        })
        .collect()
}

fn node_device(link: &Link) -> Option<Item> {
    let name = link.name.as_str();
    let kind = link.kind.as_deref().unwrap_or_default();
    let fate = if let Some((_, original)) = FALLBACKS.iter().find(|(own, _)| *own == name) {
        Fate::doubtful(format!(
            "it is the kernel's {original}, renamed; it cannot be deleted, and does no harm"
        ))
    } else {
        match DEVICES.iter().find(|(own, _)| *own == name) {
            Some((_, kinds)) if kinds.contains(&kind) => Fate::Remove,
            Some(_) => Fate::doubtful("Cilium's device of this name is of another kind"),
            None if link.name.is_cilium_device() => {
                Fate::doubtful("no device of Cilium's is known by this name")
            }
            None => return None,
        }
    };
    Some(item(link, fate, vec![Proof::Name]))
}

/// A pod's host-side device: form of the name and kind, and one proof besides. LXC's own veths may
/// be called anything.
fn pod_device(
    link: &Link,
    state: &HostState,
    programs: &BTreeMap<LinkName, Proof>,
) -> Option<Item> {
    let kind = link.kind.as_deref().unwrap_or_default();
    if !link.name.is_endpoint_device() || !["veth", "netkit"].contains(&kind) {
        return None;
    }
    if let Some(master) = &link.master {
        let why = format!("it has the name of a pod's device, but is a port of {master}");
        return Some(item(link, Fate::doubtful(why), vec![Proof::NameAndKind]));
    }
    if has_global_address(link, state) {
        let why = "it has the name of a pod's device, but an address of its own";
        return Some(item(link, Fate::doubtful(why), vec![Proof::NameAndKind]));
    }
    let mut proofs = vec![Proof::NameAndKind];
    proofs.extend(programs.get(&link.name).cloned());
    let endpoint = state.endpoints.items().iter().find(|endpoint| endpoint.link == link.name);
    proofs.extend(endpoint.map(|endpoint| Proof::EndpointFile(endpoint.id)));
    proofs.extend(pod_route(link, state));
    if state.remembered.pod_links.contains(&link.name) {
        proofs.push(Proof::Remembered);
    }
    if let Some(Peer::Here(peer)) = link.peer.as_ref().filter(|_| is_idle(link)) {
        proofs.extend(is_temporary(peer).then(|| Proof::Device(peer.clone())));
    }
    let fate = if proofs.len() == 1 {
        Fate::doubtful(
            "it has the name of a pod's device, and nothing else says that it is Cilium's",
        )
    } else if is_dead(link) || link.name.as_str() == HEALTH {
        Fate::Remove
    } else {
        let pod = endpoint.and_then(|endpoint| endpoint.pod.clone());
        Fate::InUse { by: pod.unwrap_or_else(|| "a pod whose name is not known".into()) }
    };
    Some(item(link, fate, proofs))
}

/// The pod's end of a pair that the CNI plugin made and, being killed, never moved into the pod.
fn unfinished(link: &Link) -> Option<Item> {
    if !is_temporary(&link.name) || link.kind.as_deref() != Some("veth") {
        return None;
    }
    let (fate, proofs) = match &link.peer {
        Some(Peer::Here(peer)) if peer.is_endpoint_device() && is_idle(link) => {
            (Fate::Remove, vec![Proof::NameAndKind, Proof::Device(peer.clone())])
        }
        _ => (
            Fate::doubtful("Cilium's plugin has such names for a moment, and so may others"),
            vec![Proof::NameAndKind],
        ),
    };
    Some(item(link, fate, proofs))
}

/// `tmp` and the first five digits of the container's id.
fn is_temporary(name: &LinkName) -> bool {
    let digits = name.as_str().strip_prefix("tmp");
    digits.is_some_and(|digits| {
        digits.len() == 5
            && digits.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
    })
}

fn is_idle(link: &Link) -> bool {
    !link.has(LinkFlag::Up) && link.master.is_none()
}

/// Whether no namespace of a pod is behind a device. A veth dies with its other end, so one whose
/// other end is elsewhere has a namespace that lives.
fn is_dead(link: &Link) -> bool {
    matches!(link.peer, Some(Peer::Here(_)))
}

fn has_global_address(link: &Link, state: &HostState) -> bool {
    let mut addresses = state.addresses.items().iter();
    addresses.any(|address| address.link == link.name && address.scope == "global")
}

/// The host route to a pod: one address in a known pod CIDR, straight by the device.
fn pod_route(link: &Link, state: &HostState) -> Option<Proof> {
    let route = state.routes.items().iter().find(|route| {
        let host = route.destination.prefix_len() == route.destination.max_prefix_len();
        host && route.table == TableId::MAIN
            && route.links().any(|by| *by == link.name)
            && state.remembered.pod_cidrs.iter().any(|cidr| cidr.contains(&route.destination))
    })?;
    Some(Proof::PodRoute(route.destination))
}

fn item(link: &Link, fate: Fate, proofs: Vec<Proof>) -> Item {
    let kind = link.kind.clone().unwrap_or_default();
    Item { what: Leftover::Link { name: link.name.clone(), kind }, fate, proofs }
}

impl Known<'_> {
    /// What is to become of a device, if it is Cilium's.
    pub(super) fn link_fate(&self, link: &LinkName) -> Option<&Fate> {
        self.links.get(link)
    }
}
