//! Where pods get their addresses: `ipam`, `ipv4.enabled`, `ipv6.enabled`.

use ipnet::IpNet;
use kcilium_core::facts::{CiliumConfig, Family, IpamMode};
use serde_json::json;

use super::{
    Subject,
    cidrs::{self, PodNetwork},
    distribution::{Distribution, Recognised},
    finding::Findings,
};

const POOL_V4: &str = "ipam.operator.clusterPoolIPv4PodCIDRList";
const POOL_V6: &str = "ipam.operator.clusterPoolIPv6PodCIDRList";
const MASK_V4: &str = "ipam.operator.clusterPoolIPv4MaskSize";
const MASK_V6: &str = "ipam.operator.clusterPoolIPv6MaskSize";

/// How much longer than the pool's prefix that of a node's IPv6 block may be: the operator keeps a
/// bit for each block.
const LONGEST_V6: u8 = 16;

pub(super) fn find(subject: &Subject<'_>, recognised: &Recognised, findings: &mut Findings) {
    let facts = subject.facts;
    let network = cidrs::pods(facts);
    if let Some(network) = &network {
        families(network, findings);
    }
    match recognised.distribution {
        // These say themselves where pods get their addresses.
        Distribution::Aks
        | Distribution::Eks
        | Distribution::Gke
        | Distribution::Kind
        | Distribution::Talos => return,
        _ => {}
    }
    let running = facts.cluster.config.known();
    if let Some(config) = running {
        match &config.ipam {
            IpamMode::ClusterPool => {
                if keep_pool(subject, config, findings) {
                    return;
                }
            }
            mode => {
                let reason = "Cilium runs with it, and another IPAM mode cuts off running pods";
                findings.evidence("ipam.mode", mode.to_string(), &config.origin, reason);
                // A pool has no effect then, unless the user goes over to one.
                if !subject.gives("ipam.mode") {
                    return;
                }
            }
        }
    }
    match network {
        Some(network) => pool(subject, &network, findings),
        None => without_network(subject, findings),
    }
}

/// Which families pods have.
fn families(network: &PodNetwork, findings: &mut Findings) {
    let has = |family| network.cidrs.iter().any(|cidr| Family::of_prefix(*cidr) == family);
    let PodNetwork { cidrs, source } = network;
    if has(Family::V6) {
        let reason = format!("pods have IPv6 addresses: {}", list(cidrs));
        findings.evidence("ipv6.enabled", true, source, &reason);
        if !has(Family::V4) {
            let reason = format!("pods have no IPv4 addresses: {}", list(cidrs));
            findings.evidence("ipv4.enabled", false, source, &reason);
        }
    }
}

/// Keeps the pool that Cilium runs with, unless it is the chart's default, which nobody chose, or
/// lies over something else.
fn keep_pool(subject: &Subject<'_>, config: &CiliumConfig, findings: &mut Findings) -> bool {
    let pool: Vec<IpNet> = config.pool_v4.iter().flat_map(|text| cidrs::parse(text)).collect();
    let is_chosen = !pool.is_empty() && config.pool_v4 != [CiliumConfig::DEFAULT_POOL_V4];
    if !is_chosen || pool.iter().any(|cidr| cidrs::obstacle(subject.facts, *cidr).is_some()) {
        return false;
    }
    let reason = "Cilium runs with it, and running pods have addresses of it";
    findings.evidence(POOL_V4, json!(config.pool_v4), &config.origin, reason);
    if config.node_mask_v4 != CiliumConfig::DEFAULT_NODE_MASK_V4 {
        findings.evidence(MASK_V4, config.node_mask_v4, &config.origin, reason);
    }
    if config.ipv6 && !config.pool_v6.is_empty() {
        findings.evidence(POOL_V6, json!(config.pool_v6), &config.origin, reason);
        if config.node_mask_v6 != CiliumConfig::DEFAULT_NODE_MASK_V6 {
            findings.evidence(MASK_V6, config.node_mask_v6, &config.origin, reason);
        }
    }
    true
}

/// Takes the network of the cluster for Cilium's pool.
fn pool(subject: &Subject<'_>, network: &PodNetwork, findings: &mut Findings) {
    for (family, pool, mask, usual) in [
        (Family::V4, POOL_V4, MASK_V4, CiliumConfig::DEFAULT_NODE_MASK_V4),
        (Family::V6, POOL_V6, MASK_V6, CiliumConfig::DEFAULT_NODE_MASK_V6),
    ] {
        let of_family = network.cidrs.iter().filter(|it| Family::of_prefix(**it) == family);
        let cidrs: Vec<IpNet> = of_family.copied().collect();
        let Some(widest) = cidrs.iter().map(IpNet::prefix_len).min() else { continue };
        if let Some((cidr, obstacle)) =
            cidrs.iter().find_map(|cidr| Some((cidr, cidrs::obstacle(subject.facts, *cidr)?)))
        {
            findings.remark(format!(
                "{}: the pod CIDR {cidr} overlaps {obstacle}, so it is not taken for Cilium's pool",
                network.source
            ));
            continue;
        }
        let texts: Vec<String> = cidrs.iter().map(ToString::to_string).collect();
        let reason = "the cluster was set up with it for pods; the chart's default would be \
                      another network";
        findings.evidence(pool, json!(texts), &network.source, reason);
        let found = block(subject, family);
        let (size, source, reason) = match found {
            Some((size, node)) => {
                (size, format!("node {node}"), "as long as Kubernetes' own block of a node")
            }
            None if family == Family::V6 && usual.saturating_sub(widest) > LONGEST_V6 => (
                widest + LONGEST_V6,
                network.source.clone(),
                "the operator takes blocks that are up to 16 bits longer than the pool",
            ),
            None => (usual, String::new(), ""),
        };
        if size != usual {
            findings.evidence(mask, json!(size), &source, reason);
        }
    }
}

/// How long the prefixes of the nodes' blocks are.
fn block(subject: &Subject<'_>, family: Family) -> Option<(u8, String)> {
    subject.facts.cluster.nodes.items().iter().find_map(|node| {
        let block = node.pod_cidrs.iter().find(|it| Family::of_prefix(**it) == family)?;
        Some((block.prefix_len(), node.name.to_string()))
    })
}

/// Nothing says which network pods have.
fn without_network(subject: &Subject<'_>, findings: &mut Findings) {
    if findings.found.iter().any(|it| it.key == "ipam.mode") {
        return;
    }
    let nodes = subject.facts.cluster.nodes.items();
    let is_running = subject.facts.cluster.config.known().is_some();
    if let Some(node) = nodes.iter().find(|node| !is_running && !node.pod_cidrs.is_empty()) {
        let reason = format!(
            "nodes have pod CIDRs ({}), and from which network they are is not known",
            list(&node.pod_cidrs)
        );
        let source = format!("node {}", node.name);
        findings.convention("ipam.mode", "kubernetes", &source, &reason);
        return;
    }
    let gives_pool = [POOL_V4, "ipam.operator.clusterPoolIPv4PodCIDR", "ipam.mode"];
    if gives_pool.iter().any(|key| subject.gives(key)) {
        return;
    }
    let default = CiliumConfig::DEFAULT_POOL_V4;
    let clash = cidrs::parse(default)
        .into_iter()
        .find_map(|cidr| cidrs::obstacle(subject.facts, cidr))
        .map_or_else(String::new, |obstacle| format!(", which overlaps {obstacle}"));
    let unread = match subject.facts.cluster.kubeadm.get() {
        Err(why) if !why.is_absent() => format!(" ({why})"),
        _ => String::new(),
    };
    findings.remark(format!(
        "the pod CIDR is not known{unread}, so the chart's default pool {default} is used{clash}; give \
         another with --set 'ipam.operator.clusterPoolIPv4PodCIDRList={{CIDR}}'"
    ));
}

fn list(cidrs: &[IpNet]) -> String {
    cidrs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
