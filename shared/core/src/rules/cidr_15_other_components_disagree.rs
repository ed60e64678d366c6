use ipnet::IpNet;

use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{CiliumConfig, Event, Family, IpamMode, ProxyReplacement, UnavailableKind},
    prefix::GivenPrefix,
    view::{KubeProxy, View},
};

rule! {
    /// ## What it checks
    /// Whether kube-proxy, where it runs, takes the blocks that nodes have for pods: its
    /// `clusterCIDR` must hold them. And whether kube-controller-manager runs out of pod CIDRs that
    /// nobody uses, because Cilium allocates its own.
    ///
    /// ## Why it hurts
    /// By its `clusterCIDR` kube-proxy tells pods from strangers: pods that are not in it are
    /// masqueraded on their way to Services, so that servers and policies see the node's address; and
    /// for `externalTrafficPolicy: Local` they count as clients from outside. The controller
    /// manager's events are only noise.
    ///
    /// ## Fix
    /// Give kube-proxy the network that pods really have, and restart it. Switch the allocation of
    /// the controller manager off.
    ///
    /// ## References
    /// - Kubernetes documentation, kube-proxy configuration: clusterCIDR, detectLocalMode
    /// - cilium/cilium issue 37759
    "CIDR-15", Warn, State, "kube-proxy or the controller manager mean other pod networks", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    unused_allocation(view, config, out);
    // Then no Service passes kube-proxy, whether or not it still runs (KP-01).
    if config.kube_proxy_replacement == ProxyReplacement::Full {
        return;
    }
    let proxy = match view.kube_proxy() {
        Ok(KubeProxy::Running(shown)) => shown,
        Ok(KubeProxy::NotReady(_) | KubeProxy::Absent) => return,
        // Recordings of nodes, and older ones of clusters, do not have it.
        Err(why) if why.kind == UnavailableKind::NotCollected => {
            out.not_applicable("kube-proxy was not read");
            return;
        }
        Err(why) => {
            out.missing("kube-proxy", &why);
            return;
        }
    };
    let cluster = &view.facts.cluster;
    let Some(own) = premise::known(view, &cluster.kube_proxy, "kube-proxy's configuration", out)
    else {
        return;
    };
    // In the other modes, and without a network, kube-proxy does not look at it.
    if own.cluster_cidr.is_empty() || !matches!(&*own.detect_local_mode, "" | "ClusterCIDR") {
        return;
    }
    let given: Vec<IpNet> = own
        .cluster_cidr
        .split(',')
        .filter_map(|text| Some(text.trim().parse::<GivenPrefix>().ok()?.prefix()))
        .collect();
    let strays: Vec<String> = view
        .pod_cidrs()
        .iter()
        .filter(|claim| claim.is_allocated())
        // A family that is not named is not looked at.
        .filter(|claim| {
            let family = Family::of_prefix(claim.prefix);
            given.iter().any(|own| Family::of_prefix(*own) == family)
                && !given.iter().any(|own| own.contains(&claim.prefix))
        })
        .map(crate::view::PodCidr::with_owner)
        .collect();
    let Some(first) = strays.first() else { return };
    out.found(
        Finding::about(RULE.code, Severity::Warn, "kube-proxy clusterCIDR")
            .saying(
                format!(
                    "kube-proxy takes {} for the pods' network, but {first} {}",
                    own.cluster_cidr,
                    match strays.len() {
                        1 => "is outside of it".to_owned(),
                        count => format!("and {} more are outside of it", count - 1),
                    }
                ),
                "packets of these pods to Services get their node's address; servers and policies \
                 do not see who asks",
            )
            .seen("kube-proxy", proxy)
            .seen("ConfigMap kube-system/kube-proxy", format!("clusterCIDR {}", own.cluster_cidr))
            .seen("pod CIDRs", crate::view::listing(&strays))
            .mended_by(
                Remedy::text(
                    "set clusterCIDR to the network of all pod CIDRs, and restart kube-proxy",
                )
                .with_commands([
                    "kubectl -n kube-system edit configmap kube-proxy   # clusterCIDR",
                    "kubectl -n kube-system rollout restart daemonset kube-proxy",
                ]),
            ),
    );
}

/// The controller manager writes an event for each Node for which it has no block left.
fn unused_allocation(view: &View<'_>, config: &CiliumConfig, out: &mut Judgement) {
    if !matches!(config.ipam, IpamMode::ClusterPool | IpamMode::MultiPool) {
        return;
    }
    let events = view.facts.cluster.events.items();
    let Some(event) = events.iter().find(|event: &&Event| event.reason == "CIDRNotAvailable")
    else {
        return;
    };
    out.found(
        Finding::about(RULE.code, Severity::Info, "kube-controller-manager")
            .saying(
                "kube-controller-manager has no pod CIDRs left, and nobody needs any",
                format!("none: in IPAM mode {} Cilium allocates its own", config.ipam),
            )
            .seen(format!("event CIDRNotAvailable of {}", event.object.name), event.message.clone())
            .mended_by(Remedy::text(
                "start kube-controller-manager with --allocate-node-cidrs=false",
            )),
    );
}
