use std::collections::HashSet;

use ipnet::IpNet;

use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{CiliumConfig, Family, NodeName, Route},
    prefix::Pool,
    view::{Protected, View},
};

rule! {
    /// ## What it checks
    /// The operator hands out the blocks of a cluster pool in order: the first node gets the first
    /// block. So it is known beforehand which addresses the next nodes will take. This rule looks
    /// for the first block, not yet owned by a CiliumNode, that would contain an address a node
    /// depends on or overlap a network of the LAN.
    ///
    /// The first `max(2 * nodes, 16)` blocks count as near; what lies behind them is latent, and
    /// named with the number of the node that will meet it. Where Cilium is not installed, the
    /// chart's default pool is judged, as a prediction without effect on the exit code.
    ///
    /// ## Why it hurts
    /// A laboratory of one node is fine; the third node takes the gateway's addresses.
    ///
    /// ## Fix
    /// Set a pool that is free before you install (CIDR-12 suggests one).
    ///
    /// ## References
    /// - Cilium source, `pkg/ipam/cidrset`: blocks are allocated in order
    /// - Cilium documentation, "Cluster Scope": check for conflicting node CIDRs
    "CIDR-03", Block, Configuration, "blocks of the pool will hit the LAN", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some((config, basis)) = premise::cluster_pool(view, out) else { return };
    if !premise::has_routes(view, out) {
        return;
    }
    let near = (view.node_count() * 2).max(16) as u128;
    // A node gets a block of each family.
    for family in [Family::V4, Family::V6] {
        let mut ahead: u128 = 0;
        for pool in premise::pools(&config, family) {
            if let Some(hit) = first_hit(view, pool) {
                out.found(finding(&config, pool, &hit, ahead, near, basis));
                break;
            }
            ahead = ahead.saturating_add(pool.block_count());
        }
    }
}

struct Hit {
    index: u128,
    block: IpNet,
    what: String,
    source: String,
    is_address: bool,
}

/// The first free block that meets something of the LAN; an address before a network.
fn first_hit(view: &View<'_>, pool: Pool) -> Option<Hit> {
    let owned: HashSet<IpNet> = view
        .pod_cidrs()
        .iter()
        .filter(|claim| claim.is_allocated())
        .map(|claim| claim.prefix)
        .collect();
    candidates(view)
        .into_iter()
        .filter_map(|candidate| {
            let index = first_free_block(&owned, pool, candidate.network())?;
            Some((index, !candidate.is_address(), candidate))
        })
        .min_by_key(|(index, is_network, _)| (*index, *is_network))
        .and_then(|(index, _, candidate)| {
            Some(Hit {
                index,
                block: pool.block(index)?,
                what: candidate.what(),
                source: candidate.source(),
                is_address: candidate.is_address(),
            })
        })
}

/// Something of the LAN, with a node that knows it.
enum Candidate<'v> {
    Address(&'v NodeName, &'v Protected),
    Network(&'v NodeName, &'v Route),
}

impl Candidate<'_> {
    fn network(&self) -> IpNet {
        match self {
            Self::Address(_, protected) => IpNet::from(protected.address),
            Self::Network(_, route) => route.destination,
        }
    }

    fn is_address(&self) -> bool {
        matches!(self, Self::Address(..))
    }

    fn what(&self) -> String {
        match self {
            Self::Address(_, protected) => {
                format!("{} ({})", protected.address, protected.roles_in_words())
            }
            Self::Network(_, route) => format!("the network {}", route.destination),
        }
    }

    fn source(&self) -> String {
        match self {
            Self::Address(node, _) => node.to_string(),
            Self::Network(node, route) => format!("routes of {node}: {route}"),
        }
    }
}

/// Each address and each network once: most of them are known to all nodes.
fn candidates<'v>(view: &'v View<'_>) -> Vec<Candidate<'v>> {
    let mut seen = HashSet::new();
    let addresses =
        view.protected().map(|(node, protected)| Candidate::Address(node.name(), protected));
    let networks = view.nodes().iter().flat_map(|node| {
        node.lan_routes().map(move |route| Candidate::Network(node.name(), route))
    });
    addresses
        .chain(networks)
        .filter(|candidate| seen.insert((candidate.network(), candidate.is_address())))
        .collect()
}

/// The first block that touches the network and that no CiliumNode owns: owned ones are judged by
/// CIDR-01 and CIDR-02. A wide network covers many blocks, so the owned ones are skipped one by one.
fn first_free_block(owned: &HashSet<IpNet>, pool: Pool, network: IpNet) -> Option<u128> {
    let first = pool.first_block_touching(network)?;
    (first..pool.block_count()).find_map(|index| {
        let block = pool.block(index)?;
        if crate::prefix::overlap(block, network).is_none() {
            return Some(None);
        }
        (!owned.contains(&block)).then_some(Some(index))
    })?
}

fn finding(
    config: &CiliumConfig,
    pool: Pool,
    hit: &Hit,
    ahead: u128,
    near: u128,
    basis: Basis,
) -> Finding {
    let number = ahead.saturating_add(hit.index).saturating_add(1);
    let is_near = number <= near;
    let when = if is_near { "near" } else { "latent" };
    Finding {
        code: RULE.code,
        severity: if is_near { Severity::Block } else { Severity::Warn },
        basis,
        subject: pool.prefix().to_string(),
        nodes: Vec::new(),
        summary: format!(
            "node number {number} would get the block {}, which hits {}",
            hit.block, hit.what
        ),
        evidence: vec![
            Evidence::new(
                config.origin.clone(),
                format!("pool {}, blocks of /{}", pool.prefix(), hit.block.prefix_len()),
            ),
            Evidence::new(hit.source.clone(), hit.what.clone()),
            Evidence::new(
                "blocks are handed out in order",
                format!("block number {number} is {} ({when})", hit.block),
            ),
        ],
        impact: if hit.is_address {
            "every node would send packets for that address to a pod".into()
        } else {
            "hosts in that block could no longer be reached from the nodes".into()
        },
        remedy: Remedy::text(match basis {
            Basis::Predicted | Basis::Proposed => "set a free pool before installing (see CIDR-12)",
            Basis::Observed => "move the pods to a free pool before that node joins (see CIDR-12)",
        }),
    }
}
