//! The cluster's DNS: its Service, and who asks whom.

use std::{collections::BTreeSet, net::IpAddr};

use crate::{
    decode::corefile::{self, ServerBlock, Upstream},
    facts::{Component, Corefile, NodeName, Service, Workload},
    view::View,
};

/// Names of its Service: kubeadm's, RKE2's and Kubespray's.
const SERVICES: [&str; 3] = ["kube-dns", "rke2-coredns-rke2-coredns", "coredns"];

/// Where every distribution has it.
const NAMESPACE: &str = "kube-system";

/// The Service, among those that are known.
pub(super) fn service<'a>(view: &View<'a>) -> Option<&'a Service> {
    let services = view.facts.cluster.services.items();
    SERVICES.into_iter().find_map(|name| {
        services.iter().find(|service| service.namespace == NAMESPACE && service.name == name)
    })
}

/// Its Deployment or DaemonSet.
pub(super) fn workload<'a>(view: &View<'a>) -> Option<&'a Workload> {
    view.facts.cluster.workloads(Component::CoreDns).next()
}

/// Whether a Corefile is that of the caches on the nodes.
pub(super) fn is_of_cache(file: &Corefile) -> bool {
    ["node-local", "nodelocal"].iter().any(|name| file.name.contains(name))
}

/// Addresses on which the caches listen.
pub(super) fn cache_addresses(view: &View<'_>) -> BTreeSet<IpAddr> {
    let files = view.facts.cluster.corefiles.items().iter().filter(|file| is_of_cache(file));
    let blocks: Vec<ServerBlock> = files.flat_map(|file| corefile::blocks(&file.text)).collect();
    blocks.iter().flat_map(ServerBlock::bound_to).collect()
}

/// Nodes on which pods of the DNS are, as far as EndpointSlices or rows tell.
pub(super) fn nodes(view: &View<'_>) -> BTreeSet<NodeName> {
    let cluster = &view.facts.cluster;
    let endpoints = cluster.dns_endpoints.items().iter().filter_map(|it| it.node.clone());
    let troubled = cluster.troubled_pods.items().iter();
    let troubled = troubled.filter(|pod| pod.component == Component::CoreDns);
    endpoints.chain(troubled.filter_map(|pod| pod.node.clone())).collect()
}

/// How many endpoints of the Service are ready, where that is known.
pub(super) fn ready_endpoints(view: &View<'_>) -> Option<usize> {
    let endpoints = view.facts.cluster.dns_endpoints.known()?;
    // Without its Service the cluster has another DNS, or none.
    service(view)?;
    Some(endpoints.iter().filter(|endpoint| endpoint.ready).count())
}

/// A server that the DNS asks, and who says so.
pub(super) struct Asked {
    pub(super) upstream: Upstream,
    /// Such as `ConfigMap kube-system/coredns`.
    pub(super) source: String,
    /// Port on which the asking server itself listens.
    pub(super) own_port: u16,
    /// Whether it gives up when it finds that it asks itself.
    pub(super) finds_loops: bool,
}

/// Every server that the Corefiles of the DNS itself name.
pub(super) fn asked(view: &View<'_>) -> Vec<Asked> {
    let mut found = Vec::new();
    for file in view.facts.cluster.corefiles.items().iter().filter(|file| !is_of_cache(file)) {
        for block in corefile::blocks(&file.text) {
            found.extend(block.upstreams().map(|upstream| Asked {
                upstream,
                source: source(file),
                own_port: block.port(),
                finds_loops: block.has("loop"),
            }));
        }
    }
    found
}

/// What a Corefile is called in evidence.
pub(super) fn source(file: &Corefile) -> String {
    format!("ConfigMap {}/{}", file.namespace, file.name)
}

/// `kubectl` for the ConfigMap that [`source`] names.
pub(super) fn edit(source: &str) -> String {
    let (namespace, name) =
        source.strip_prefix("ConfigMap ").and_then(|it| it.split_once('/')).unwrap_or_default();
    let quoted = super::command::quoted;
    format!("kubectl -n {} edit configmap {}", quoted(namespace), quoted(name))
}

/// `kubectl` that starts the pods of the DNS again.
pub(super) fn restart(view: &View<'_>) -> String {
    let name = workload(view).map_or("coredns", |workload| workload.name.as_str());
    format!("kubectl -n {NAMESPACE} rollout restart deployment {}", super::command::quoted(name))
}

impl std::fmt::Display for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address { address, port: 53 } => write!(f, "{address}"),
            Self::Address { address: IpAddr::V6(address), port } => write!(f, "[{address}]:{port}"),
            Self::Address { address, port } => write!(f, "{address}:{port}"),
            Self::File(text) | Self::Other(text) => f.write_str(text),
        }
    }
}
