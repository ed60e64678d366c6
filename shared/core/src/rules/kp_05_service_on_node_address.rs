use std::{collections::BTreeMap, net::IpAddr};

use super::{Finding, Judgement, Remedy, Severity, command::quoted, premise, rule};
use crate::{
    facts::{ProxyReplacement, Service, ServiceType},
    view::View,
};

rule! {
    /// ## What it checks
    /// From 1.19 on, with Cilium in kube-proxy's place: whether a Service of type LoadBalancer has an
    /// address that belongs to a node, or that nodes depend on (gateway, DNS server, API server).
    /// Left alone are Services of a load balancer class that is not Cilium's, or without a class where
    /// `defaultLBServiceIPAM` is not `lbipam`; those with the annotation `service.cilium.io/type:
    /// ClusterIP`; and all where `bpf-lb-enable-wildcard-entries` is false. Agents of 1.20 make no
    /// such entry for their own node's addresses: there it is a warning. In which release of 1.19
    /// that came is not judged.
    ///
    /// ## Why it hurts
    /// Since 1.19 Cilium drops what goes to such an address on any port that is not the Service's: a
    /// wildcard entry of its load balancer. On a node's own address that is SSH, the kubelet, and the
    /// answers to the node's own connections; on a gateway or DNS server it is the way out. k3s's and
    /// RKE2's ServiceLB give Services just such addresses, and MetalLB may be told to.
    ///
    /// ## Fix
    /// Take the address out of the pool that gave it; or, until then, keep Cilium from answering at it
    /// with the annotation.
    ///
    /// ## References
    /// - cilium/cilium issues 43206, 44430, 46010, pull requests 40684, 43721, 45572, 46647
    "KP-05", Block, State, "a Service has the address of a node", judge
}

const ANNOTATION: &str = "service.cilium.io/type";

/// The first version with entries that drop what no Service wants.
const FIRST: (u64, u64, u64) = (1, 19, 0);

/// The first whose agents make none for addresses of their own node.
const NOT_OF_OWN_NODE: (u64, u64, u64) = (1, 20, 0);

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if config.kube_proxy_replacement != ProxyReplacement::Full {
        out.not_applicable("Cilium does not replace kube-proxy");
        return;
    }
    let Some(version) = premise::version(config, out) else { return };
    if !version.is_at_least(FIRST) {
        out.not_applicable(format!("{version} has no wildcard entries"));
        return;
    }
    let Some(services) = premise::known(view, &view.facts.cluster.services, "Services", out) else {
        return;
    };
    let dear = dear_addresses(view);
    if dear.is_empty() {
        out.unknown("addresses of nodes", "none is known");
        return;
    }
    if premise::written(view, "bpf-lb-enable-wildcard-entries").as_deref() == Some("false") {
        out.not_applicable("wildcard entries are off");
        return;
    }
    let default = premise::written(view, "default-lb-service-ipam");
    let is_candidate = |service: &Service| {
        service.kind == ServiceType::LoadBalancer
            && service.annotations.get(ANNOTATION).is_none_or(|kind| kind != "ClusterIP")
            && match &service.load_balancer_class {
                Some(class) => class.starts_with("io.cilium/"),
                None => default.as_deref().is_none_or(|default| default == "lbipam"),
            }
    };
    let severity =
        if version.is_at_least(NOT_OF_OWN_NODE) { Severity::Warn } else { Severity::Block };
    for service in services.iter().filter(|service| is_candidate(service)) {
        let addresses = service.load_balancer_ips.iter();
        let hits: Vec<(IpAddr, &String)> =
            addresses.filter_map(|address| Some((*address, dear.get(address)?))).collect();
        if !hits.is_empty() {
            out.found(finding(severity, service, &hits));
        }
    }
}

/// Addresses of nodes, and of what they depend on.
fn dear_addresses(view: &View<'_>) -> BTreeMap<IpAddr, String> {
    let mut found = BTreeMap::new();
    for (_, protected) in view.protected() {
        found.insert(protected.address, protected.roles_in_words());
    }
    let cluster = &view.facts.cluster;
    for node in cluster.nodes.items() {
        for address in node.addresses.iter().filter(|address| address.is_host_address()) {
            found.insert(address.address, format!("node {}", node.name));
        }
    }
    found
}

fn finding(severity: Severity, service: &Service, hits: &[(IpAddr, &String)]) -> Finding {
    let Service { namespace, name, .. } = service;
    let (address, what) = hits[0];
    let mut finding = Finding::about(RULE.code, severity, format!("{namespace}/{name}"))
        .saying(
            format!("Service {namespace}/{name} is reached at {address}, which is {what}"),
            "Cilium drops everything else that goes to that address: SSH, the kubelet, answers",
        )
        .mended_by(
            Remedy::text(
                "take these addresses from the pool that gave them; until then keep Cilium from answering at \
                 them, as whoever else announces them goes on to",
            )
            .with_commands([format!(
                "kubectl -n {} annotate service {} {ANNOTATION}=ClusterIP",
                quoted(namespace),
                quoted(name)
            )]),
        );
    for (address, what) in hits.iter().take(5) {
        finding = finding.seen(format!("Service {namespace}/{name}"), format!("{address}: {what}"));
    }
    let class = service.load_balancer_class.as_deref().unwrap_or("none");
    finding.seen(format!("Service {namespace}/{name}"), format!("loadBalancerClass {class}"))
}
