use std::net::{IpAddr, Ipv4Addr};

use super::{
    Finding, Judgement, Remedy, Severity, dns, finding::merged, host_routing, premise, rule,
};
use crate::{
    facts::{CiliumConfig, KubeNode, NodeName},
    view::View,
};

rule! {
    /// ## What it checks
    /// A cluster whose DNS asks a forwarder on its own node, while BPF routes packets of pods beside
    /// that node's stack: Talos with `forwardKubeDNSToHost` (169.254.116.108 since 1.8, the Service
    /// `host-dns` before), and kind, where Docker's DNS is reached through rules of iptables. BPF goes
    /// around the stack with kube-proxy replacement and BPF masquerading, or without masquerading,
    /// from kernel 5.10 on; `bpf.hostLegacyRouting` forbids it.
    ///
    /// ## Why it hurts
    /// The answer of the node's own forwarder does not find the pod: names of the cluster resolve,
    /// all others time out (`read udp POD->169.254.116.108:53: i/o timeout`). It begins with
    /// `bpf.masquerade: true`, or with an upgrade to 1.16.5.
    ///
    /// ## Fix
    /// `bpf.hostLegacyRouting: true`, or `forwardKubeDNSToHost: false` in Talos's machine
    /// configuration; then restart CoreDNS.
    ///
    /// ## References
    /// - cilium/cilium issues 21504, 32489, 36737
    /// - siderolabs/talos issues 8836, 10002, pull request 9200
    "DNS-06", Error, State, "the DNS asks a forwarder beside which BPF routes", judge
}

/// Where Talos's host DNS listens for pods, since 1.8.
const TALOS: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 116, 108));

/// The Service by which pods asked it before.
const TALOS_SERVICE: &str = "host-dns";

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(nodes) = premise::known(view, &view.facts.cluster.nodes, "Nodes", out) else { return };
    let hosts: Vec<(&KubeNode, Kind)> =
        nodes.iter().filter_map(|node| Some((node, Kind::of(node)?))).collect();
    if hosts.is_empty() {
        out.not_applicable("no node runs Talos or kind");
        return;
    }
    let Some(config) = premise::config(view, out) else { return };
    let kernels = host_routing::kernels(view);
    let mut found = Vec::new();
    for (node, kind) in hosts {
        let kernel = kernels.iter().find(|(name, _)| **name == node.name).and_then(|it| it.1);
        match host_routing::bypasses_netfilter(config, kernel) {
            Some(true) => {}
            Some(false) => continue,
            None => {
                out.unknown_on(&node.name, "host routing", "version or kernel is not known");
                continue;
            }
        }
        match forwarder(view, &node.name, kind) {
            Ok(Some(address)) => found.push(finding(view, config, &node.name, kind, address)),
            Ok(None) => {}
            Err(why) => out.unknown_on(&node.name, "servers that the kubelet gives pods", why),
        }
    }
    merged(found).for_each(|finding| out.found(finding));
}

/// A system whose nodes forward for their pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Talos,
    Kind,
}

impl Kind {
    fn of(node: &KubeNode) -> Option<Self> {
        if node.info.os_image.starts_with("Talos") {
            Some(Self::Talos)
        } else {
            node.provider_id.starts_with("kind://").then_some(Self::Kind)
        }
    }
}

/// The forwarder that the kubelet of a node gives pods, if it does.
fn forwarder(view: &View<'_>, name: &NodeName, kind: Kind) -> Result<Option<IpAddr>, String> {
    let Some(node) = view.node(name) else { return Err("the node was not looked at".into()) };
    let servers = node.facts.pod_resolvers.get().map_err(ToString::to_string)?;
    let services = view.facts.cluster.services.items().iter();
    let services = services.filter(|it| it.namespace == "kube-system" && it.name == TALOS_SERVICE);
    let of_service: Vec<IpAddr> = services.flat_map(|it| it.cluster_ips.clone()).collect();
    let is_it = |server: &&IpAddr| match kind {
        Kind::Talos => **server == TALOS || of_service.contains(server),
        // The gateway of Docker's network, behind which the rules stand.
        Kind::Kind => node.protected().any(|it| it.is_gateway() && it.address == **server),
    };
    Ok(servers.iter().find(is_it).copied())
}

fn finding(
    view: &View<'_>,
    config: &CiliumConfig,
    node: &NodeName,
    kind: Kind,
    address: IpAddr,
) -> Finding {
    let (who, remedy) = match kind {
        Kind::Talos => (
            "Talos's own DNS",
            "let packets of pods pass the node's stack; or keep BPF host routing, and set \
             `machine.features.hostDNS.forwardKubeDNSToHost: false` in Talos",
        ),
        Kind::Kind => ("Docker's DNS", "let packets of pods pass the node's stack"),
    };
    Finding::about(RULE.code, Severity::Error, address.to_string())
        .saying(
            format!(
                "the cluster's DNS asks {who} at {address}, and BPF routes beside the node's stack"
            ),
            "names outside the cluster time out in pods",
        )
        .seen(format!("pods with the host's DNS on {node}"), format!("nameserver {address}"))
        .seen(
            config.origin.clone(),
            format!(
                "kube-proxy replacement on, BPF masquerading {}, enable-host-legacy-routing false",
                if config.masquerading.bpf { "on" } else { "off" }
            ),
        )
        .on(node)
        .mended_by(
            Remedy::text(remedy)
                .with_values("bpf:\n  hostLegacyRouting: true\n")
                .with_commands([dns::restart(view)]),
        )
}
