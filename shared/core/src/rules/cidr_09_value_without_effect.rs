use serde_json::Value;

use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    chart::ChartValues,
    facts::{CiliumConfig, IpamMode},
    prefix::GivenPrefix,
    view::View,
};

rule! {
    /// ## What it checks
    /// Values of the cluster pool (`ipam.operator.clusterPool…`) that were given in an IPAM mode
    /// that has none; and, the other way round, a cluster pool beside the network that kubeadm was
    /// given for pods (`podSubnet`).
    ///
    /// ## Why it hurts
    /// The chart drops them without a word. Pods get their addresses from elsewhere: in mode
    /// `kubernetes` from the network of the controller manager (`podSubnet`, `--cluster-cidr`),
    /// which is the one to check, and to change. With a cluster pool it is the other network that
    /// does nothing.
    ///
    /// ## Fix
    /// Drop them; or set the mode that they are for.
    ///
    /// ## References
    /// - Cilium documentation, "IP Address Management (IPAM)"
    "CIDR-09", Warn, Configuration, "a value of IPAM without effect", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if config.ipam == IpamMode::ClusterPool {
        beside_kubeadm(view, config, out);
        return;
    }
    let Some(values) = premise::values(view, out) else { return };
    // A cluster that runs does well without it; who is about to install it may mean something by it.
    let severity = if view.proposal().is_some() { Severity::Warn } else { Severity::Info };
    for key in given(&values) {
        let remedy = if config.ipam == IpamMode::Kubernetes {
            "drop it, and check the networks that Kubernetes gives nodes (podCIDRs); or set \
             ipam.mode to cluster-pool"
        } else {
            "drop it; or set ipam.mode to cluster-pool"
        };
        out.found(
            Finding::about(RULE.code, severity, key.clone())
                .saying(
                    format!("{key} has no effect: IPAM mode {} has no cluster pool", config.ipam),
                    "pods get their addresses from elsewhere than the values say",
                )
                .seen("values", format!("{key}, ipam.mode {}", config.ipam))
                .mended_by(Remedy::text(remedy)),
        );
    }
}

/// What was given of the cluster pool.
fn given(values: &ChartValues<'_>) -> Vec<String> {
    let operator = values.given("ipam.operator").and_then(Value::as_object).into_iter().flatten();
    operator
        .filter(|(name, value)| name.starts_with("clusterPool") && !value.is_null())
        .map(|(name, _)| format!("ipam.operator.{name}"))
        .collect()
}

fn beside_kubeadm(view: &View<'_>, config: &CiliumConfig, out: &mut Judgement) {
    let Some(kubeadm) = view.facts.cluster.kubeadm.known() else { return };
    let subnets = kubeadm.pod_subnet.split(',').map(str::trim);
    let subnets: Vec<GivenPrefix> = subnets.filter_map(|text| text.parse().ok()).collect();
    let pool: Vec<GivenPrefix> =
        config.pool_v4.iter().chain(&config.pool_v6).filter_map(|text| text.parse().ok()).collect();
    let is_in = |subnet: &GivenPrefix| {
        pool.iter().any(|element| element.prefix().contains(&subnet.prefix()))
    };
    if let Some(subnet) = subnets.iter().find(|subnet| !is_in(subnet)) {
        out.found(
            Finding::about(RULE.code, Severity::Info, "ipam.mode")
                .saying(
                    format!("kubeadm's podSubnet {subnet} has no effect: Cilium has its own pool"),
                    "none, where nothing else goes by podSubnet",
                )
                .seen("ConfigMap kube-system/kubeadm-config", format!("podSubnet {subnet}"))
                .seen(config.origin.clone(), format!("pool {}", config.pool_v4.join(" ")))
                .mended_by(Remedy::text(
                    "nothing; or set ipam.mode to kubernetes on a new cluster, to use it",
                )),
        );
    }
}
