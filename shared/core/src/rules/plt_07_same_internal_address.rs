use std::{collections::BTreeMap, net::IpAddr};

use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{KubeNode, NodeAddressKind, NodeName},
    view::{View, listing},
};

rule! {
    /// ## What it checks
    /// Whether two nodes registered the same InternalIP.
    ///
    /// ## Why it hurts
    /// Tunnels and routes to both lead to one of them, or to the node itself. VirtualBox does it: the
    /// first interface of each machine has 10.0.2.15 behind a NAT of its own, and the kubelet takes
    /// the interface with the default route. Cloned machines and DHCP servers without an eye for each
    /// other do it too.
    ///
    /// ## Fix
    /// Start each kubelet with `--node-ip`, set to an address by which the other nodes reach it.
    ///
    /// ## References
    /// - Kubernetes documentation, kubelet: --node-ip
    /// - Cilium documentation, "Kubernetes Without kube-proxy": note on `--node-ip`
    "PLT-07", Block, State, "two nodes have the same InternalIP", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let cluster = &view.facts.cluster;
    let Some(nodes) = premise::known(view, &cluster.nodes, "Nodes", out) else { return };
    let mut by_address: BTreeMap<IpAddr, Vec<&NodeName>> = BTreeMap::new();
    for (name, address) in nodes.iter().flat_map(internal) {
        let names = by_address.entry(address).or_default();
        // A node may list an address twice.
        if names.last() != Some(&name) {
            names.push(name);
        }
    }
    for (address, names) in by_address.iter().filter(|(_, names)| names.len() > 1) {
        out.found(finding(*address, names));
    }
}

fn internal(node: &KubeNode) -> impl Iterator<Item = (&NodeName, IpAddr)> {
    let addresses = node.addresses.iter();
    let internal = addresses.filter(|own| own.kind == NodeAddressKind::InternalIP);
    internal.map(|own| (&node.name, own.address))
}

fn finding(address: IpAddr, names: &[&NodeName]) -> Finding {
    let words: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut finding = Finding::about(RULE.code, Severity::Block, address.to_string())
        .saying(
            format!("{} nodes have the InternalIP {address}: {}", names.len(), listing(&words)),
            "packets to all of them go to one, or nowhere: neither pods nor the API server's \
             connections to kubelets get through",
        )
        .seen("Nodes", format!("{address} is the InternalIP of {}", listing(&words)))
        .mended_by(
            Remedy::text(
                "give each kubelet the address by which other nodes reach it, and restart it; then \
                 delete the CiliumNode, whose addresses are made anew",
            )
            .with_commands([
                "# on each of these nodes; without kubeadm in the kubelet's own unit or configuration",
                "echo 'KUBELET_EXTRA_ARGS=--node-ip=ADDRESS' >/etc/default/kubelet   # RHEL: /etc/sysconfig/kubelet",
                "systemctl restart kubelet",
            ]),
        );
    finding.nodes = names.iter().map(|name| (*name).clone()).collect();
    finding
}
