//! Pods of other nodes are not reached: missing routes, a blocked tunnel, a network that drops
//! addresses of pods, broken checksums.

use std::net::IpAddr;

use super::{Check, Decisive, Sign, Signature, Site, THROUGH_OTHER_NODES, in_agent};
use crate::{
    facts::{RoutingMode, TunnelProtocol},
    probe::{LinkCounters, matrix::Destination},
    rules::{Evidence, Finding, Remedy, Severity, lost_routes, vxlan_values},
};

const OTHER_NODE: Sign = Sign::Pod(Destination::PodOtherNode);
const SAME_NODE: Sign = Sign::Pod(Destination::PodSameNode);

pub(super) static NO_ROUTE: Signature = Signature {
    code: "C-NOROUTE",
    title: |_| "nodes lack routes to the pods of other nodes".into(),
    breaks: &[OTHER_NODE],
    may_break: THROUGH_OTHER_NODES,
    spares: &[SAME_NODE],
    decisive: |site| match site.evidence_of("RT-02", Severity::Error) {
        Some(evidence) if lacks_way_to_lost(site) => Decisive::SeenOfSome { evidence },
        Some(evidence) => Decisive::Seen { evidence, speaks_for_itself: false },
        None if site.tunnels() == Some(true) || knows_routes(site) => Decisive::RuledOut,
        None => Decisive::Unseen(Some(Check::new(
            "ip route",
            "no line for the pod CIDR of another node, if it is this",
        ))),
    },
    explains: |finding| finding.code.0 == "RT-02",
    because: "without a route of its own, a packet to a pod takes the default route, whose router does not know pods",
    broken: &["pods of other nodes; DNS too, for pods that ask a CoreDNS there"],
    still_works: &["pods of the same node, nodes, and the internet"],
    cautions: &[],
    fix: |site| site.of_rule("RT-02").take(1).map(|finding| finding.remedy.clone()).collect(),
    verify: |_| vec![Check::new("ip route", "a line for each other node's pod CIDR")],
};

pub(super) static OVERLAY: Signature = Signature {
    code: "C-OVERLAY",
    title: |site| {
        format!("packets of the tunnel do not get from node to node: UDP {} is blocked", port(site))
    },
    breaks: &[OTHER_NODE],
    may_break: THROUGH_OTHER_NODES,
    spares: &[SAME_NODE, Sign::Pod(Destination::OtherNode)],
    decisive: |site| match (site.tunnels(), site.readings.tunnel) {
        (Some(false), _) => Decisive::RuledOut,
        // Those of other nodes would arrive even if nobody there answered.
        (_, Some(LinkCounters { received: 0, sent: sent @ 1.., .. })) => Decisive::Seen {
            evidence: vec![Evidence::new(
                site.place(),
                format!(
                    "the tunnel's device sent {sent} packets and received none while probes ran"
                ),
            )],
            speaks_for_itself: false,
        },
        _ => Decisive::Unseen(Some(Check::new(
            format!(
                "tcpdump -ni any udp port {}   # on the other node, while a pod here sends",
                port(site)
            ),
            "nothing arrives, if it is this",
        ))),
    },
    explains: |_| false,
    because: "between nodes, packets of pods travel in UDP: a firewall that lets TCP through may drop it",
    broken: &["pods of other nodes, by every protocol; DNS too, for pods that ask a CoreDNS there"],
    still_works: &["pods of the same node", "nodes, by their addresses", "the internet by address"],
    cautions: &[
        "`cilium-health` shows nodes reachable and their endpoints not: that is this, not half health.",
    ],
    fix: |site| {
        vec![Remedy::text(format!(
            "Let UDP {} through between all nodes, in both directions: host firewalls, security groups, \
             hypervisors. Another plugin's VXLAN device on that port does the same harm: `ip -d link show type vxlan`.",
            port(site)
        ))]
    },
    verify: |site| {
        vec![Check::new(in_agent(site, "cilium-health status"), "every endpoint reachable")]
    },
};

pub(super) static ANTI_SPOOFING: Signature = Signature {
    code: "C-ANTISPOOF",
    title: |_| "the network between nodes drops packets that have addresses of pods".into(),
    breaks: &[OTHER_NODE],
    may_break: THROUGH_OTHER_NODES,
    spares: &[SAME_NODE, Sign::Pod(Destination::OtherNode)],
    decisive: |site| match site.tunnels() {
        Some(true) => Decisive::RuledOut,
        _ if site.node.is_some_and(|node| !lost_routes(site.view, node).is_empty()) => {
            Decisive::RuledOut
        }
        _ => Decisive::Unseen(Some(Check::new(
            "tcpdump -ni any net POD-CIDR   # on both nodes, while a pod here sends",
            "packets leave here and do not arrive there, if it is this",
        ))),
    },
    explains: |_| false,
    because: "without a tunnel, the network itself has to carry addresses of pods; clouds and hypervisors drop what \
              is not a machine's own",
    broken: &["pods of other nodes; DNS too, for pods that ask a CoreDNS there"],
    still_works: &["pods of the same node, nodes, and the internet"],
    cautions: &["Routes may all be right."],
    fix: |site| {
        vec![
            Remedy::text(
                "Turn the check of source addresses off for the nodes (AWS: source/destination check; OpenStack: \
                 allowed address pairs; VMware: forged transmits), or use a tunnel.",
            )
            .with_values(format!(
                "{}autoDirectNodeRoutes: false\n",
                site.config.as_ref().map_or("", vxlan_values)
            )),
        ]
    },
    verify: |site| {
        vec![Check::new(in_agent(site, "cilium-health status"), "every endpoint reachable")]
    },
};

pub(super) static CHECKSUMS: Signature = Signature {
    code: "C-CSUM",
    title: |_| {
        "packets of pods arrive on other nodes with wrong checksums: TCP dies, UDP and ping pass"
            .into()
    },
    breaks: &[Sign::PodTcp(Destination::PodOtherNode)],
    may_break: &[],
    spares: &[OTHER_NODE, Sign::PodLarge(Destination::PodOtherNode)],
    decisive: |site| match site.readings.deaths {
        Some(deaths) if deaths.checksum > 0 => Decisive::Seen {
            evidence: vec![Evidence::new(
                site.place(),
                format!("InCsumErrors rose by {} while probes ran", deaths.checksum),
            )],
            speaks_for_itself: false,
        },
        _ => Decisive::Unseen(Some(Check::new(
            "nstat -az TcpInCsumErrors UdpInCsumErrors   # on the other node, twice",
            "numbers that rise, if it is this",
        ))),
    },
    explains: |_: &Finding| false,
    because: "network cards of virtual machines (vmxnet3, virtio) compute checksums inside tunnels wrongly",
    broken: &["TCP to pods of other nodes"],
    still_works: &["ping and most of UDP, which misleads"],
    cautions: &[],
    fix: |_| {
        vec![
            Remedy::text("Let the kernel compute them, on every node, and make it last; or use another tunnel port.")
                .with_commands([
                    "ethtool -K DEVICE tx-udp_tnl-segmentation off tx-udp_tnl-csum-segmentation off",
                ]),
        ]
    },
    verify: |_| vec![Check::new("nstat -az TcpInCsumErrors", "a number that stays as it is")],
};

/// All pods that are not reached are those to which routes are missing.
fn lacks_way_to_lost(site: &Site<'_>) -> bool {
    let Some((node, seen)) = site.node.zip(site.readings.seen(OTHER_NODE)) else { return false };
    let routes = lost_routes(site.view, node);
    let is_without = |peer: IpAddr| routes.iter().any(|cidr| cidr.contains(&peer));
    !seen.lost.is_empty() && seen.lost.iter().all(|probe| probe.peer.is_some_and(is_without))
}

/// What RT-02 needs was there, and no other cause explains what it found.
fn knows_routes(site: &Site<'_>) -> bool {
    site.node.is_some_and(|node| node.facts.routes.known().is_some())
        && site.view.facts.cluster.cilium_nodes.known().is_some()
}

fn port(site: &Site<'_>) -> &'static str {
    match site.config.as_ref().map(|config| &config.routing) {
        Some(RoutingMode::Tunnel(TunnelProtocol::Geneve)) => "6081",
        _ => "8472",
    }
}
