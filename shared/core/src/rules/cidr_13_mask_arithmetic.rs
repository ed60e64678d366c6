use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, rule};
use crate::{
    facts::{CiliumConfig, Family, IpamMode},
    prefix::{GivenPrefix, Pool, PoolError},
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether pool, block length, number of nodes and pods per node fit together: the block must
    /// fit into each pool element, the pool must have a block for each node, and a block must have
    /// an address for each pod (the node's capacity, 110 unless it says otherwise, and three for
    /// router, health endpoint and ingress).
    ///
    /// ## Why it hurts
    /// A block longer than its pool gives no blocks at all. Too few blocks: the last nodes wait for
    /// a pod CIDR. Too few addresses: pods wait with "range is full".
    ///
    /// ## Fix
    /// Add an element to the pool (existing ones must not change), or choose another mask for a new
    /// installation.
    ///
    /// ## References
    /// - Cilium documentation, "Cluster Scope": expanding the cluster pool
    /// - cilium/cilium issue 21188
    "CIDR-13", Error, Configuration, "pool, mask and nodes do not fit together", judge
}

/// `maxPods` of a kubelet that is not told otherwise.
const DEFAULT_MAX_PODS: u32 = 110;
/// Addresses that Cilium itself takes from a block: router, health endpoint, ingress.
const OWN_ADDRESSES: u32 = 3;

fn judge(view: &View<'_>, out: &mut Judgement) {
    let config = match view.judged_config() {
        Ok((_, Basis::Predicted)) => {
            out.not_applicable("nothing is configured; the defaults fit together");
            return;
        }
        Ok((config, _)) => config,
        Err(why) => {
            out.missing("cluster pool", why);
            return;
        }
    };
    if config.ipam != IpamMode::ClusterPool {
        out.not_applicable(format!("IPAM mode {} has no cluster pool", config.ipam));
        return;
    }
    if config.ipv4 {
        judge_family(view, &config, Family::V4, out);
    }
    if config.ipv6 {
        judge_family(view, &config, Family::V6, out);
    }
    for node in view
        .facts
        .cluster
        .cilium_nodes
        .items()
        .iter()
        .filter(|node| !node.operator_error.is_empty())
    {
        let mut finding = finding(
            &config,
            node.name.to_string(),
            format!("the operator cannot serve node {}: {}", node.name, node.operator_error),
        );
        finding.nodes.push(node.name.clone());
        out.found(finding);
    }
}

fn judge_family(view: &View<'_>, config: &CiliumConfig, family: Family, out: &mut Judgement) {
    let (elements, mask) = config.pool(family);
    // Where an element is no CIDR, or one of the other family, there is no pool to speak of: CIDR-11
    // says so.
    let parsed: Result<Vec<GivenPrefix>, _> = elements.iter().map(|text| text.parse()).collect();
    let is_of_family = |given: &GivenPrefix| Family::of_prefix(given.prefix()) == family;
    if parsed.as_ref().is_ok_and(|all| !all.iter().all(is_of_family)) {
        return;
    }
    let mut blocks: u128 = 0;
    let mut all_could_be_cut = parsed.is_ok();
    for given in parsed.unwrap_or_default() {
        match Pool::new(given.prefix(), mask) {
            Ok(pool) => blocks = blocks.saturating_add(pool.block_count()),
            Err(error) => {
                all_could_be_cut = false;
                out.found(impossible(config, &given, error));
            }
        }
    }
    if elements.is_empty() || !all_could_be_cut {
        return;
    }
    let nodes = view.node_count();
    if blocks < nodes as u128 {
        out.found(finding(
            config,
            elements.join(" "),
            format!("the pool has {blocks} blocks of /{mask} for {nodes} nodes"),
        ));
    }
    let free_bits = u32::from(family.bits()).saturating_sub(u32::from(mask));
    // The network's own and the broadcast address are never given to pods.
    let addresses = 1_u128.checked_shl(free_bits).map_or(u128::MAX, |all| all.saturating_sub(2));
    let wanted = u128::from(max_pods(view)) + u128::from(OWN_ADDRESSES);
    if addresses < wanted {
        out.found(finding(
            config,
            format!("/{mask}"),
            format!("a /{mask} block has {addresses} addresses for up to {wanted} (pods of a node and Cilium's own)"),
        ));
    }
}

fn max_pods(view: &View<'_>) -> u32 {
    let stated = view.facts.cluster.nodes.items().iter().filter_map(|node| node.max_pods).max();
    stated.unwrap_or(DEFAULT_MAX_PODS)
}

fn impossible(config: &CiliumConfig, given: &GivenPrefix, error: PoolError) -> Finding {
    finding(config, given.text().to_owned(), format!("{error}: the pool gives no blocks at all"))
}

fn finding(config: &CiliumConfig, subject: String, summary: String) -> Finding {
    Finding {
        code: RULE.code,
        severity: Severity::Error,
        basis: Basis::Observed,
        evidence: vec![Evidence::new(
            config.origin.clone(),
            format!(
                "pool {}, blocks of /{} (IPv4), /{} (IPv6)",
                config.pool_v4.iter().chain(&config.pool_v6).cloned().collect::<Vec<_>>().join(" "),
                config.node_mask_v4,
                config.node_mask_v6
            ),
        )],
        subject,
        nodes: Vec::new(),
        summary,
        impact: "nodes wait for a pod CIDR, or pods for an address".into(),
        remedy: Remedy::text(
            "add an element to the pool (existing ones must not change); a new installation may \
             choose another mask",
        ),
    }
}
