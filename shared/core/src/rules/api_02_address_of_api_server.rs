use std::net::IpAddr;

use super::{Basis, Evidence, Finding, Judgement, Severity, api_server, premise, rule};
use crate::{
    facts::{ApiServer, CiliumConfig, KubeNode, ProxyReplacement},
    view::{KubeProxy, View},
};

rule! {
    /// ## What it checks
    /// The address that agents are told for the API server (`k8sServiceHost`) must be one that each
    /// node reaches without Cilium: not a Service's, not a pod's, not the word `auto` where the chart
    /// does not look it up, and the loopback only where each node has an API server or a local proxy
    /// before it (k3s, RKE2, Talos, Kubespray); where that could not be seen, it is an error if the
    /// cluster names another address. A name of a Service is an error: only the cluster's own DNS
    /// knows it. Another name is a warning: the host must resolve it; not where a cloud provider runs
    /// the API server and gives no address.
    ///
    /// ## Why it hurts
    /// Agents need the API server before they can answer for Services and pods. What is reached
    /// through Cilium is not reached until Cilium runs.
    ///
    /// ## Fix
    /// Set the address of an API server, or of the load balancer before them.
    ///
    /// ## References
    /// - Cilium documentation, "Kubernetes Without kube-proxy"
    /// - cilium/cilium issues 20679, 29094
    "API-02", Block, Configuration, "agents ask for the API server at a useless address", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::judged_config(view, out) else { return };
    let Some(server) = &config.api_server else {
        out.not_applicable("agents are told no address of the API server");
        return;
    };
    if let Some(from) = &server.from {
        out.unknown("address of the API server", format!("pods take it from {from}"));
        return;
    }
    let judged = if server.host == "auto" {
        auto(view, &config, out)
    } else if let Ok(address) = server.host.parse::<IpAddr>() {
        if address.is_loopback() {
            loopback(view, server, out)
        } else {
            of_service_or_pod(view, &config, address, out)
        }
    } else if server.host == "localhost" {
        loopback(view, server, out)
    } else if is_name(&server.host) {
        name(view, &server.host)
    } else {
        // What is neither address nor name is API-05's.
        None
    };
    if let Some((severity, summary)) = judged {
        out.found(finding(view, &config, server, severity, summary));
    }
}

type Judged = Option<(Severity, String)>;

/// Before 1.16 charts know no `auto`; later ones read `kube-public/cluster-info`, which kubeadm makes.
fn auto(view: &View<'_>, config: &CiliumConfig, out: &mut Judgement) -> Judged {
    let literal = "the word `auto` is taken for the name of the API server";
    let Some(proposal) = view.proposal() else {
        return Some((Severity::Block, literal.into()));
    };
    if !proposal.chart.is_at_least((1, 16, 0)) {
        let why = format!("{literal}: chart {} does not look the address up", proposal.chart);
        return Some((Severity::Block, why));
    }
    let values = view.chart_values();
    let elsewhere = values.and_then(|values| values.text("k8sServiceLookupConfigMapName"));
    if let Some(name) = elsewhere.filter(|name| !name.is_empty()) {
        out.unknown(
            "address of the API server",
            format!("the chart takes it from ConfigMap {name}"),
        );
        return None;
    }
    match view.facts.cluster.cluster_info.get() {
        Ok(_) => None,
        Err(why) if why.is_absent() => Some((
            Severity::Block,
            format!(
                "{}: `auto` needs the ConfigMap kube-public/cluster-info, which is not there",
                config.origin
            ),
        )),
        Err(why) => {
            out.missing("ConfigMap kube-public/cluster-info", why);
            None
        }
    }
}

fn of_service_or_pod(
    view: &View<'_>,
    config: &CiliumConfig,
    address: IpAddr,
    out: &mut Judgement,
) -> Judged {
    let services = view.facts.cluster.services.items();
    let service = services.iter().find(|service| service.cluster_ips.contains(&address));
    let ranges = view.service_cidrs();
    let in_range = ranges
        .as_ref()
        .is_ok_and(|all| all.iter().flatten().any(|given| given.prefix().contains(&address)));
    if service.is_some() || in_range {
        // With kube-proxy the Service is answered before Cilium runs.
        let is_answered = matches!(view.kube_proxy(), Ok(KubeProxy::Running(_)))
            || config.kube_proxy_replacement != ProxyReplacement::Full;
        let severity = if is_answered { Severity::Warn } else { Severity::Block };
        let whose = service.map_or_else(
            || "an address of Services".to_owned(),
            |service| format!("the ClusterIP of Service {}/{}", service.namespace, service.name),
        );
        return Some((severity, format!("{address} is {whose}")));
    }
    // A node inside a pod CIDR is CIDR-01's.
    let of_pods = view.pod_cidrs_overlapping(address.into());
    let of_pods = of_pods.iter().find(|claim| !claim.is_only_of_other_plugins());
    if let Some(claim) = of_pods.filter(|_| !view.is_node_address(address)) {
        let network = claim.with_owner();
        return Some((Severity::Error, format!("{address} is in the pod CIDR {network}")));
    }
    if let Err(why) = ranges {
        out.missing("service CIDR", why);
    }
    None
}

/// Fine where each node has an API server of its own, or a proxy that the distribution brings.
fn loopback(view: &View<'_>, server: &ApiServer, out: &mut Judgement) -> Judged {
    let cluster = &view.facts.cluster;
    let agents = cluster.agents.items();
    if view.proposal().is_none() && !agents.is_empty() && agents.iter().all(|agent| agent.ready) {
        return None;
    }
    let place = match &*server.port {
        "" => format!("{} is each node itself", server.host),
        port => format!("{}:{port} is each node itself", server.host),
    };
    let (nodes, why) = match (cluster.nodes.get(), cluster.api_servers.get(), cluster.pods.get()) {
        (Ok(nodes), Ok(_), Ok(_)) => (nodes, None),
        (Ok(nodes), Err(why), _) | (Ok(nodes), _, Err(why)) => (nodes, Some(why)),
        (Err(why), ..) => {
            out.missing("proxies of the API server on the nodes", why);
            return Some((unseen(view), format!("{place}, {NEEDS_PROXY}")));
        }
    };
    let without = nodes.iter().find(|node| !has_local_server(view, node, &server.port))?;
    if let Some(why) = why {
        out.missing("proxies of the API server on the nodes", why);
        return Some((unseen(view), format!("{place}, {NEEDS_PROXY}")));
    }
    let name = &without.name;
    let summary = format!("{place}, and {name} shows no API server and no proxy of one");
    Some((Severity::Error, summary))
}

/// What must be so where nobody looked.
const NEEDS_PROXY: &str = "where nothing answers unless each has a proxy of the API server (k3s and \
                           RKE2 at port 6444, Talos' KubePrism at 7445, Kubespray's nginx-proxy)";

/// How bad the loopback is where the nodes were not looked at. A cluster that tells its nodes another
/// address has no use for proxies.
fn unseen(view: &View<'_>) -> Severity {
    if api_server::named(view).is_empty() { Severity::Warn } else { Severity::Error }
}

fn has_local_server(view: &View<'_>, node: &KubeNode, port: &str) -> bool {
    let kubelet = node.info.kubelet_version.as_str();
    let by_distribution = match port {
        "6444" => kubelet.contains("+k3s") || kubelet.contains("+rke2"),
        // The load balancer of RKE2's agents has the API server's own port.
        "6443" => kubelet.contains("+rke2"),
        // KubePrism.
        "7445" => node.info.os_image.contains("Talos"),
        _ => false,
    };
    let servers = view.facts.cluster.api_servers.items();
    // Kubespray's static pods.
    let proxies = [format!("nginx-proxy-{}", node.name), format!("haproxy-{}", node.name)];
    let rows = view.facts.cluster.pods.known().map_or(&[][..], |pods| pods.rows());
    by_distribution
        || node.addresses.iter().any(|own| servers.contains(&own.address))
        || rows.iter().any(|pod| proxies.iter().any(|proxy| **proxy == *pod.name))
}

fn is_name(host: &str) -> bool {
    !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
}

/// A name, which each node's own resolver has to know.
fn name(view: &View<'_>, host: &str) -> Judged {
    let lower = host.trim_end_matches('.').to_ascii_lowercase();
    if is_of_service(view, &lower) {
        let why = "is the name of a Service, which only the cluster's own DNS knows, and nodes do not \
                   ask that";
        Some((Severity::Error, format!("{host} {why}")))
    } else if is_of_provider(view, &lower) {
        None
    } else {
        let why = "is a name, which each node must resolve before Cilium runs";
        Some((Severity::Warn, format!("{host} {why}")))
    }
}

/// Whether a name is one that the cluster's DNS makes for a Service. Agents ask the node's resolver,
/// because they are in the node's network (the chart leaves `dnsPolicy` empty).
fn is_of_service(view: &View<'_>, host: &str) -> bool {
    let domain = view.facts.cluster.kubelet_config.known().map(|kubelet| &*kubelet.cluster_domain);
    let domain = domain.filter(|domain| !domain.is_empty()).unwrap_or("cluster.local");
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    let name = host.strip_suffix(&format!(".{domain}")).unwrap_or(host);
    name.rsplit_once('.').is_some_and(|(_, last)| last == "svc")
        || ["kubernetes", "kubernetes.default"].contains(&name)
}

/// Domains of API servers that providers run: public names, which any resolver knows.
const PROVIDERS: [&str; 8] = [
    ".eks.amazonaws.com",
    ".eks.amazonaws.com.cn",
    // EKS with IPv6, `ID.eks-cluster.REGION.api.aws`.
    ".api.aws",
    ".azmk8s.io",
    ".cx.prod.service.azk8s.cn",
    ".gke.goog",
    ".k8s.ondigitalocean.com",
    ".k8s.ovh.net",
];

/// Whether a provider runs the control plane: EKS and AKS give it a name and no address.
fn is_of_provider(view: &View<'_>, host: &str) -> bool {
    let nodes = view.facts.cluster.nodes.items();
    let no_pods = view.facts.cluster.control_plane.known().is_some_and(Vec::is_empty);
    let is_hosted =
        no_pods && !nodes.is_empty() && nodes.iter().all(|node| !node.provider_id.is_empty());
    is_hosted || PROVIDERS.iter().any(|domain| host.ends_with(domain))
}

fn finding(
    view: &View<'_>,
    config: &CiliumConfig,
    server: &ApiServer,
    severity: Severity,
    summary: String,
) -> Finding {
    Finding {
        code: RULE.code,
        severity,
        basis: Basis::Observed,
        subject: api_server::key(view, "k8sServiceHost").into(),
        nodes: Vec::new(),
        summary,
        evidence: vec![Evidence::new(
            config.origin.clone(),
            format!("API server at `{}`, port `{}`", server.host, server.port),
        )],
        impact: "agents that start do not reach the API server".into(),
        remedy: api_server::remedy(
            view,
            config,
            "give agents an address of the API server that nodes reach without Cilium",
        ),
    }
}
