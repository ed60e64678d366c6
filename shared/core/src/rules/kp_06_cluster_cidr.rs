use ipnet::IpNet;

use super::{
    Finding, Judgement, Remedy, Severity,
    pod_networks::{aggregated, pod_networks},
    premise, rule,
};
use crate::{
    facts::{Family, ProxyReplacement},
    prefix::GivenPrefix,
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether kube-proxy's `clusterCIDR` holds the pod CIDRs of the nodes, where it is by this that
    /// kube-proxy tells pods from others (`detectLocalMode` not set, or `ClusterCIDR`). Where Cilium
    /// replaces kube-proxy nobody reads it.
    ///
    /// ## Why it hurts
    /// Connections of pods to Services count as coming from outside: kube-proxy gives them the node's
    /// address, so that the pods behind the Service see a node, and policies that go by the client's
    /// labels drop it. It happens where the cluster was made with another pod network than Cilium
    /// uses, as with `ipam.mode: cluster-pool`.
    ///
    /// ## Fix
    /// Give kube-proxy the pods' network, or `detectLocalMode: NodeCIDR` where Cilium uses the nodes'
    /// own pod CIDRs; then restart it.
    ///
    /// ## References
    /// - Kubernetes documentation, "kube-proxy Configuration (v1alpha1)", `detectLocalMode`
    "KP-06", Warn, State, "kube-proxy takes pods for strangers", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if config.kube_proxy_replacement == ProxyReplacement::Full {
        out.not_applicable("Cilium replaces kube-proxy");
        return;
    }
    let Some(proxy) = premise::kube_proxy_config(view, out) else { return };
    if !matches!(&*proxy.detect_local_mode, "" | "ClusterCIDR") || proxy.cluster_cidr.is_empty() {
        out.not_applicable("kube-proxy does not go by clusterCIDR");
        return;
    }
    let given = proxy.cluster_cidr.split(',').map(|text| text.trim().parse::<GivenPrefix>());
    let Ok(given) = given.map(|it| it.map(|it| it.prefix())).collect::<Result<Vec<IpNet>, _>>()
    else {
        out.unknown("kube-proxy's clusterCIDR", format!("`{}` is no CIDR", proxy.cluster_cidr));
        return;
    };
    if !premise::has_pod_cidrs(view, out) {
        return;
    }
    let strangers: Vec<String> = view
        .pod_cidrs()
        .iter()
        .filter(|claim| !claim.is_only_of_other_plugins())
        .map(|claim| claim.prefix)
        .filter(|prefix| {
            let of_family =
                given.iter().filter(|it| Family::of_prefix(**it) == Family::of_prefix(*prefix));
            let mut of_family = of_family.peekable();
            of_family.peek().is_some() && !of_family.any(|it| it.contains(prefix))
        })
        .map(|prefix| prefix.to_string())
        .collect();
    if strangers.is_empty() {
        return;
    }
    let networks = aggregated(&pod_networks(view, config, Family::V4));
    // It takes one network of a family.
    let network = match networks.as_slice() {
        [network] => network.to_string(),
        _ => "NETWORK-OF-ALL-PODS".to_owned(),
    };
    out.found(
        Finding::about(RULE.code, Severity::Warn, "clusterCIDR")
            .saying(
                format!(
                    "kube-proxy's clusterCIDR {} does not hold the pods' network",
                    proxy.cluster_cidr
                ),
                "pods reach Services with their node's address, and policies by labels drop them",
            )
            .seen("ConfigMap kube-system/kube-proxy", format!("clusterCIDR {}", proxy.cluster_cidr))
            .seen("pod CIDRs outside of it", crate::view::listing(&strangers))
            .mended_by(
                Remedy::text(format!(
                    "give kube-proxy the pods' network: `clusterCIDR: {network}`"
                ))
                .with_commands([
                    "kubectl -n kube-system edit configmap kube-proxy",
                    "kubectl -n kube-system rollout restart daemonset kube-proxy",
                ]),
            ),
    );
}
