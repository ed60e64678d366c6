use std::net::IpAddr;

use super::{Finding, Judgement, Remedy, Severity, dns, host_routing, premise, rule, spelling};
use crate::{
    facts::{CiliumConfig, Component, Workload},
    view::View,
};

rule! {
    /// ## What it checks
    /// NodeLocal DNSCache beside Cilium in kube-proxy's place. The cache stands in the host's network
    /// and catches packets for the DNS's Service with a device `nodelocaldns` and rules of iptables;
    /// Cilium turns these packets to CoreDNS before they get there. Where kubelets give pods the
    /// cache's own link-local address, packets reach it only through the host's stack, which BPF host
    /// routing goes around. A CiliumLocalRedirectPolicy for the Service or the address mends both,
    /// and a cache without the host's network is made for one.
    ///
    /// ## Why it hurts
    /// Nobody asks the cache, and it goes unnoticed: all load stays on CoreDNS. With the link-local
    /// address, names may time out on some nodes.
    ///
    /// ## Fix
    /// Install the cache as Cilium documents it, with a CiliumLocalRedirectPolicy; or remove it.
    ///
    /// ## References
    /// - Cilium documentation, "Local Redirect Policy", "Node-local DNS cache"
    /// - Kubernetes documentation, "Using NodeLocal DNSCache in Kubernetes Clusters"
    "DNS-04", Warn, State, "Cilium goes around the DNS cache on the nodes", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let cluster = &view.facts.cluster;
    if premise::known(view, &cluster.daemon_sets, "DaemonSets", out).is_none() {
        return;
    }
    let Some(cache) = cluster.workloads(Component::NodeLocalDns).next() else {
        out.not_applicable("there is no NodeLocal DNSCache");
        return;
    };
    if !cache.host_network {
        out.not_applicable("the cache is not in the host's network");
        return;
    }
    let Some(config) = premise::config(view, out) else { return };
    if !premise::replaces_kube_proxy(config, "kube-proxy answers Services", out) {
        return;
    }
    match cluster.local_redirect_policies.get() {
        Ok(_) => {}
        // Without the CRD there is none.
        Err(why) if why.is_absent() => {}
        Err(why) => {
            out.missing("CiliumLocalRedirectPolicies", why);
            return;
        }
    }
    if !is_redirected(view) {
        judge_cache(view, config, cache, out);
    }
}

/// Whether a policy turns packets for the DNS to the cache.
fn is_redirected(view: &View<'_>) -> bool {
    let service = dns::service(view).map_or("kube-dns", |service| service.name.as_str());
    let addresses = dns::cache_addresses(view);
    let policies = view.facts.cluster.local_redirect_policies.items();
    policies.iter().any(|policy| {
        policy.service.as_deref() == Some(service)
            || policy.address.is_some_and(|address| addresses.contains(&address))
            || policy.address.is_some_and(is_link_local)
    })
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if address.is_link_local())
}

fn judge_cache(view: &View<'_>, config: &CiliumConfig, cache: &Workload, out: &mut Judgement) {
    let kubelet = view.facts.cluster.kubelet_config.known();
    let servers = kubelet.into_iter().flat_map(|kubelet| &kubelet.cluster_dns);
    let servers: Vec<IpAddr> = servers.filter_map(|text| text.parse().ok()).collect();
    let link_local = servers.iter().copied().find(|server| is_link_local(*server));
    let (summary, impact) = match link_local {
        Some(server) => {
            let mut kernels = host_routing::kernels(view).into_iter();
            let goes_around =
                kernels.any(|(_, kernel)| host_routing::bypasses_netfilter(config, kernel) == Some(true));
            if !goes_around {
                return;
            }
            (
                format!("pods ask the cache at {server}, and BPF routes their packets beside the host's stack"),
                "names may time out on nodes where the cache is not reached",
            )
        }
        None => (
            "pods ask the Service of the cluster's DNS, and Cilium turns that to CoreDNS, beside the cache".to_owned(),
            "the cache on the nodes is never asked; all load stays on CoreDNS",
        ),
    };
    let name = format!("DaemonSet {}/{}", cache.namespace, cache.name);
    out.found(
        Finding::about(RULE.code, Severity::Warn, cache.name.clone())
            .saying(summary, impact)
            .seen(name, "hostNetwork: true")
            .seen(config.origin.clone(), "kube-proxy replacement is on")
            .seen("CiliumLocalRedirectPolicies", "none is for the cluster's DNS")
            .mended_by(
                Remedy::text(
                    "let Cilium read CiliumLocalRedirectPolicies, then install the cache as its documentation \
                     has it: without the host's network, with a policy for the Service",
                )
                .with_values(spelling::local_redirect_policies(config)),
            ),
    );
}
