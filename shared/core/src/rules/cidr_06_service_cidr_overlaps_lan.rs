use ipnet::IpNet;

use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{LinkName, NodeName, RouteProtocol},
    prefix::overlap,
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// The service CIDRs against addresses that nodes depend on, and against the networks that
    /// nodes are attached to. Networks on devices that hold Service addresses by design
    /// (`kube-ipvs0`, `nodelocaldns`) do not count, nor does a route for the service CIDR itself
    /// that somebody added. A host that asks the cluster's own DNS is only mentioned.
    ///
    /// ## Why it hurts
    /// With kube-proxy's work done in the socket, a Service that gets the address of a machine
    /// takes its connections away, on every node. kubeadm's default 10.96.0.0/12 spans 10.96 to
    /// 10.111.
    ///
    /// ## Fix
    /// Renumber the LAN, or rebuild the cluster with another service CIDR.
    ///
    /// ## References
    /// - Kubernetes documentation, "Cluster networking": ranges must not overlap
    "CIDR-06", Error, Configuration, "service CIDR overlaps the LAN", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(services) = premise::service_cidrs(view, out) else { return };
    if !premise::has_routes(view, out) {
        return;
    }
    for node in view.nodes() {
        for service in &services {
            judge_node(node, *service, out);
        }
    }
}

fn judge_node(node: &NodeView<'_>, service: IpNet, out: &mut Judgement) {
    for protected in node.protected_in(service) {
        let is_only_dns =
            protected.roles.iter().all(|role| matches!(role, crate::view::Role::Dns { .. }));
        let severity = if is_only_dns { Severity::Info } else { Severity::Error };
        out.found(finding(
            severity,
            node.name(),
            service,
            format!(
                "{} ({}) lies in the service CIDR {service}",
                protected.address,
                protected.roles_in_words()
            ),
            Evidence::new(node.name().as_str(), protected.address.to_string()),
        ));
    }
    let networks = node.lan_routes().filter(|route| {
        !route.links().any(LinkName::is_other_cni)
            && !route.links().any(|link| link.as_str() == "nodelocaldns")
            && (route.destination.trunc() != service || route.protocol == RouteProtocol::KERNEL)
            && overlap(route.destination, service).is_some()
    });
    for route in networks {
        out.found(finding(
            Severity::Error,
            node.name(),
            service,
            format!(
                "the network {} of {} overlaps the service CIDR {service}",
                route.destination,
                node.name()
            ),
            Evidence::new(format!("routes of {}", node.name()), route.to_string()),
        ));
    }
}

fn finding(
    severity: Severity,
    node: &NodeName,
    service: IpNet,
    summary: String,
    evidence: Evidence,
) -> Finding {
    Finding {
        code: RULE.code,
        severity,
        basis: Basis::Observed,
        subject: service.to_string(),
        nodes: vec![node.clone()],
        summary,
        evidence: vec![evidence, Evidence::new("service CIDR", service.to_string())],
        impact: "a Service may get the address of a machine, and take its connections".into(),
        remedy: Remedy::text(
            "renumber the LAN, or rebuild the cluster with a service CIDR that is free",
        ),
    }
}
