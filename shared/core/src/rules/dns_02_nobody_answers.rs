use std::{collections::BTreeSet, net::IpAddr};

use super::{Finding, Judgement, Remedy, Severity, command::quoted, dns, premise, rule};
use crate::{
    facts::{Component, KubeletConfig, Service},
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether somebody answers at the address that pods ask: the cluster's DNS has a Service, the
    /// Service has endpoints that are ready, and the kubelets' `clusterDNS` is an address of that
    /// Service, of another one with port 53, or of the cache on the nodes. Where pods of the DNS
    /// are in trouble, POD-08 says why.
    ///
    /// Whether packets to the Service arrive takes probes, which the doctor does not send yet; who
    /// serves it is KP-02's.
    ///
    /// ## Why it hurts
    /// Every name in every pod fails after a timeout of seconds, which looks like a dead network.
    ///
    /// ## Fix
    /// Bring the Service's pods back, or give kubelets the Service's address; pods take it over when
    /// they are made anew.
    ///
    /// ## References
    /// - Kubernetes documentation, "Debugging DNS Resolution"
    "DNS-02", Error, State, "nobody answers at the address that pods ask for names", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let cluster = &view.facts.cluster;
    let Some(services) = premise::known(view, &cluster.services, "Services", out) else { return };
    let kubelet = cluster.kubelet_config.known();
    let Some(service) = dns::service(view) else {
        if dns::workload(view).is_some() {
            out.found(no_service(view));
        } else {
            out.not_applicable("the cluster has no DNS of its own that is known here");
        }
        return;
    };
    judge_endpoints(view, service, out);
    if let Some(kubelet) = kubelet {
        judge_kubelets(view, services, service, kubelet, out);
    }
}

fn judge_endpoints(view: &View<'_>, service: &Service, out: &mut Judgement) {
    let cluster = &view.facts.cluster;
    match cluster.dns_endpoints.get() {
        // A Service that nobody answers for has a slice too, an empty one.
        Ok(_) => {}
        Err(why) => {
            out.missing("endpoints of the cluster's DNS", why);
            return;
        }
    }
    if dns::ready_endpoints(view).unwrap_or(0) > 0 {
        return;
    }
    let is_dns = |component| component == Component::CoreDns;
    if cluster.troubled_pods.items().iter().any(|pod| is_dns(pod.component)) {
        // POD-08's.
        return;
    }
    let name = &service.name;
    let finding = Finding::about(RULE.code, Severity::Error, name.clone()).saying(
        format!("the Service kube-system/{name} has no endpoint that is ready"),
        "no pod resolves a name",
    );
    let finding = finding.seen("endpoints", format!("0 of kube-system/{name} are ready"));
    out.found(match dns::workload(view) {
        Some(workload) => {
            let counts = &workload.pods;
            let shown = format!("{} of {} pods are ready", counts.ready, counts.desired);
            let kind = format!("{:?}", workload.kind).to_lowercase();
            let workload_name = quoted(&workload.name);
            let remedy = if counts.desired == 0 {
                Remedy::text("let it have pods again").with_commands([format!(
                    "kubectl -n kube-system scale {kind} {workload_name} --replicas=2"
                )])
            } else {
                Remedy::text("see whether the Service selects these pods, and what they say").with_commands([
                    format!("kubectl -n kube-system get service {} -o jsonpath='{{.spec.selector}}'", quoted(name)),
                    "kubectl -n kube-system get pods -l k8s-app=kube-dns --show-labels".into(),
                ])
            };
            finding.seen(format!("{kind} kube-system/{}", workload.name), shown).mended_by(remedy)
        }
        None => finding.mended_by(
            Remedy::text("find out what became of its pods")
                .with_commands(["kubectl -n kube-system get deployments,pods -l k8s-app=kube-dns"]),
        ),
    });
}

fn no_service(view: &View<'_>) -> Finding {
    let name = dns::workload(view).map_or("coredns", |workload| workload.name.as_str());
    let kubelet = view.facts.cluster.kubelet_config.known();
    let address = kubelet.and_then(|kubelet| kubelet.cluster_dns.first());
    let address = address.map_or("ADDRESS-THAT-KUBELETS-GIVE", String::as_str);
    Finding::about(RULE.code, Severity::Error, "kube-dns")
        .saying("the cluster's DNS has no Service", "no pod resolves a name")
        .seen("Services of kube-system", "none is called kube-dns")
        .mended_by(Remedy::text("make it again, with the address that pods ask").with_commands([
            format!(
                "kubectl -n kube-system expose deployment {} --name=kube-dns --port=53 --protocol=UDP \
                 --overrides='{{\"spec\":{{\"clusterIP\":\"{address}\"}}}}'",
                quoted(name)
            ),
            "# and port 53 of TCP: kubectl -n kube-system edit service kube-dns".into(),
        ]))
}

fn judge_kubelets(
    view: &View<'_>,
    services: &[Service],
    service: &Service,
    kubelet: &KubeletConfig,
    out: &mut Judgement,
) {
    let answers_names = |service: &&Service| service.ports.iter().any(|port| port.port == 53);
    let served: BTreeSet<IpAddr> = services
        .iter()
        .filter(answers_names)
        .flat_map(|service| service.cluster_ips.iter().copied())
        .chain(service.cluster_ips.iter().copied())
        .chain(dns::cache_addresses(view))
        .chain(redirected(view))
        // The cache's own device, where its Corefile is somewhere else.
        .chain(
            view.nodes()
                .iter()
                .flat_map(|node| node.facts.addresses.items().iter().map(|own| own.address)),
        )
        .collect();
    for text in &kubelet.cluster_dns {
        let Ok(address) = text.parse::<IpAddr>() else { continue };
        if served.contains(&address) {
            continue;
        }
        // Whose Corefile could not be read may listen anywhere.
        let has_cache = view.facts.cluster.workloads(Component::NodeLocalDns).next().is_some();
        if has_cache && dns::cache_addresses(view).is_empty() {
            out.unknown(
                format!("who answers at {address}"),
                "the Corefile of the caches is not known",
            );
            continue;
        }
        let own =
            service.cluster_ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
        out.found(
            Finding::about(RULE.code, Severity::Error, address.to_string())
                .saying(
                    format!("pods are told to ask {address}, and the cluster's DNS is at {own}"),
                    "pods that are made with it resolve no name",
                )
                .seen("ConfigMap kube-system/kubelet-config", format!("clusterDNS {address}"))
                .seen(format!("Service kube-system/{}", service.name), format!("clusterIP {own}"))
                .mended_by(
                    Remedy::text(
                        "give kubelets the Service's address, restart them, and make the pods anew",
                    )
                    .with_commands([
                        "kubectl -n kube-system edit configmap kubelet-config".into(),
                        "# on each node".into(),
                        format!("sed -i 's/- {address}$/- {own}/' /var/lib/kubelet/config.yaml && systemctl restart kubelet"),
                    ]),
                ),
        );
    }
}

/// Addresses that Cilium turns to pods of the same node.
fn redirected<'a>(view: &View<'a>) -> impl Iterator<Item = IpAddr> + 'a {
    let policies = view.facts.cluster.local_redirect_policies.items();
    policies.iter().filter_map(|policy| policy.address)
}
