//! The networks of pods and Services.

use ipnet::IpNet;
use kcilium_core::{
    facts::{ControlPlanePod, Facts, KubeNode, NodeAddress},
    prefix::GivenPrefix,
};

use super::node_arguments::NodeArguments;

/// What K3s and RKE2 give pods if they are not told otherwise.
const K3S_PODS: &str = "10.42.0.0/16";

/// The network of all pods, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PodNetwork {
    pub(super) cidrs: Vec<IpNet>,
    pub(super) source: String,
}

/// What the cluster was set up with. What its nodes got out of it must lie within.
pub(super) fn pods(facts: &Facts) -> Option<PodNetwork> {
    let cluster = &facts.cluster;
    let network = |text: &str, source: String| {
        let cidrs = parse(text);
        (!cidrs.is_empty()).then_some(PodNetwork { cidrs, source })
    };
    let kubeadm = || {
        let subnet = &cluster.kubeadm.known()?.pod_subnet;
        network(subnet, "ConfigMap kube-system/kubeadm-config".into())
    };
    let arguments = || {
        cluster.nodes.items().iter().find_map(|node| {
            let cidr = NodeArguments::of(node)?.value("cluster-cidr")?.to_owned();
            network(&cidr, format!("node {} (its arguments)", node.name))
        })
    };
    let control_plane = || {
        cluster.control_plane.items().iter().find_map(|pod| {
            let cidr = pod.flags.get("cluster-cidr")?;
            network(cidr, format!("pod {}/{} (--cluster-cidr)", pod.namespace, pod.name))
        })
    };
    let kube_proxy = || {
        let cidr = &cluster.kube_proxy.known()?.cluster_cidr;
        network(cidr, "ConfigMap kube-system/kube-proxy".into())
    };
    kubeadm()
        .or_else(arguments)
        .or_else(control_plane)
        .or_else(kube_proxy)
        .or_else(|| of_k3s(facts))
}

/// K3s and RKE2 write nothing down where their default is taken; their nodes' CIDRs show it.
fn of_k3s(facts: &Facts) -> Option<PodNetwork> {
    let nodes = facts.cluster.nodes.items();
    let is_k3s = |node: &KubeNode| {
        let kubelet = &node.info.kubelet_version;
        kubelet.contains("+k3s") || kubelet.contains("+rke2")
    };
    let cidrs = parse(K3S_PODS);
    let mut blocks = nodes.iter().flat_map(|node| &node.pod_cidrs).peekable();
    let shown = blocks.peek().is_some()
        && blocks.all(|block| cidrs.iter().any(|cidr| cidr.contains(block)));
    (shown && nodes.iter().all(is_k3s)).then(|| PodNetwork {
        cidrs,
        source: "nodes (their pod CIDRs, and what K3s gives by default)".into(),
    })
}

/// The networks of Services.
pub(super) fn services(facts: &Facts) -> Vec<IpNet> {
    let cluster = &facts.cluster;
    let mut cidrs: Vec<IpNet> =
        cluster.service_cidrs.items().iter().flat_map(|text| parse(text)).collect();
    let told = cluster.control_plane.items().iter().flat_map(ControlPlanePod::service_cidrs);
    cidrs.extend(told.flat_map(parse));
    cidrs.extend(cluster.kubeadm.known().map(|it| parse(&it.service_subnet)).unwrap_or_default());
    let arguments = cluster.nodes.items().iter().filter_map(NodeArguments::of);
    cidrs.extend(arguments.flat_map(|it| it.value("service-cidr").map(parse).unwrap_or_default()));
    cidrs.sort_unstable();
    cidrs.dedup();
    cidrs
}

/// Something that a prefix must not overlap: nodes, Services.
pub(super) fn obstacle(facts: &Facts, prefix: IpNet) -> Option<String> {
    let services = services(facts);
    let service = services.iter().find(|other| other.contains(&prefix) || prefix.contains(*other));
    if let Some(service) = service {
        return Some(format!("the Service CIDR {service}"));
    }
    facts.cluster.nodes.items().iter().find_map(|node| {
        let mut addresses = node.addresses.iter().filter(|it| NodeAddress::is_host_address(it));
        let address = addresses.find(|it| prefix.contains(&it.address))?.address;
        Some(format!("node {} ({address})", node.name))
    })
}

/// Prefixes with commas between them; what is none is left out.
pub(super) fn parse(text: &str) -> Vec<IpNet> {
    text.split(',').filter_map(|part| Some(part.parse::<GivenPrefix>().ok()?.prefix())).collect()
}
