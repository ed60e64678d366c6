//! What kube-proxy leaves on nodes.

use crate::{
    facts::{Iptables, LinkName},
    view::NodeView,
};

/// Takes kube-proxy's chains, and the kubelet's, out of iptables; the kubelet makes its own again.
pub(super) const REMOVE_CHAINS: &str =
    "for kind in iptables ip6tables; do $kind-save | grep -v KUBE | $kind-restore; done";

/// The device that kube-proxy in IPVS mode gives all addresses of Services.
pub(super) const IPVS_LINK: &str = "kube-ipvs0";

/// Whether the node has kube-proxy's IPVS device.
pub(super) fn ipvs_link<'a>(node: &NodeView<'a>) -> Option<&'a LinkName> {
    let mut links = node.facts.links.items().iter().map(|link| &link.name);
    links.find(|name| name.as_str() == IPVS_LINK)
}

/// Kinds of iptables in which chains of kube-proxy for single Services stand.
pub(super) fn with_services<'a>(node: &NodeView<'a>) -> impl Iterator<Item = &'a Iptables> {
    node.facts.iptables.items().iter().filter(|kind| kind.service_chains() > 0)
}
