use ipnet::IpNet;

use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{CiliumConfig, Family, IpamMode},
    prefix::overlap,
    view::View,
};

rule! {
    /// ## What it checks
    /// Pod CIDRs in use, and the cluster pool behind them, against the service CIDRs of the
    /// cluster. A block in use that overlaps is an error; a pool whose later blocks will is a
    /// warning that names the node.
    ///
    /// ## Why it hurts
    /// A pod may get the address of a Service. Cilium keys Services by address: whoever talks to
    /// that pod reaches the Service's backends, or nobody.
    ///
    /// ## Fix
    /// Move the pods to another pool. The service CIDR can only be changed by rebuilding the
    /// cluster.
    ///
    /// ## References
    /// - cilium/cilium issues 13766, 29881
    "CIDR-05", Error, Configuration, "pod CIDR overlaps the service CIDR", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(services) = premise::service_cidrs(view, out) else { return };
    let judged = view.judged_config().ok();
    let config = judged.as_ref().map(|(config, _)| config);
    if view.pod_cidrs().is_empty() && config.is_none() {
        out.unknown("pod CIDRs", "none is known");
        return;
    }
    let basis = judged.as_ref().map_or(Basis::Observed, |(_, basis)| *basis);
    for service in services {
        let active: Vec<_> = view
            .pod_cidrs()
            .iter()
            .filter(|claim| overlap(claim.prefix, service).is_some())
            .collect();
        for claim in &active {
            out.found(finding(
                Severity::Error,
                Basis::Observed,
                claim.prefix,
                service,
                format!("pod CIDR {} overlaps the service CIDR {service}", claim.with_owner()),
                claim.sources.first().map_or_else(String::new, ToString::to_string),
            ));
        }
        if active.is_empty()
            && let Some(config) = config
            && let Some((pool, number)) = latent(config, service)
        {
            out.found(finding(
                Severity::Warn,
                basis,
                pool,
                service,
                format!("the pool {pool} reaches into the service CIDR {service} at node number {number}"),
                config.origin.clone(),
            ));
        }
    }
}

/// The pool element that overlaps, and the number of the node that will get the first such block.
fn latent(config: &CiliumConfig, service: IpNet) -> Option<(IpNet, u128)> {
    if config.ipam != IpamMode::ClusterPool {
        return None;
    }
    let mut ahead: u128 = 0;
    for pool in premise::pools(config, Family::of_prefix(service)) {
        if let Some(index) = pool.first_block_touching(service) {
            return Some((pool.prefix(), ahead.saturating_add(index).saturating_add(1)));
        }
        ahead = ahead.saturating_add(pool.block_count());
    }
    None
}

fn finding(
    severity: Severity,
    basis: Basis,
    pods: IpNet,
    service: IpNet,
    summary: String,
    source: String,
) -> Finding {
    Finding {
        code: RULE.code,
        severity,
        basis,
        subject: pods.to_string(),
        nodes: Vec::new(),
        summary,
        evidence: vec![
            Evidence::new(source, pods.to_string()),
            Evidence::new("service CIDR", service.to_string()),
        ],
        impact: "a pod may get the address of a Service; traffic to either goes astray".into(),
        remedy: Remedy::text(
            "move the pods to a free pool (see CIDR-12); a service CIDR cannot be moved without \
             rebuilding the cluster",
        ),
    }
}
