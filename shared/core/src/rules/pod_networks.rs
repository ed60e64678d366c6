//! Where pods get their addresses from.

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::{
    facts::{CiliumConfig, ControlPlaneComponent, Family, IpamMode},
    prefix::GivenPrefix,
    view::View,
};

/// A network in which pods live, or will, and who says so.
pub(super) struct PodNetwork {
    pub(super) prefix: IpNet,
    pub(super) source: String,
    /// Whether pods of some node have addresses there, rather than those of a later one.
    pub(super) is_in_use: bool,
}

/// All that are known for a configuration, each once; where one lies in another, both.
pub(super) fn pod_networks(
    view: &View<'_>,
    config: &CiliumConfig,
    family: Family,
) -> Vec<PodNetwork> {
    let claims = view.pod_cidrs().iter().filter(|claim| !claim.is_only_of_other_plugins());
    let mut found: Vec<PodNetwork> = claims
        .map(|claim| PodNetwork {
            prefix: claim.prefix,
            source: claim.sources.first().map_or_else(String::new, ToString::to_string),
            is_in_use: true,
        })
        .collect();
    found.extend(match config.ipam {
        IpamMode::ClusterPool => {
            let (pool, _) = config.pool(family);
            let source = format!("{}, pool", config.origin);
            parsed(pool.iter().map(|text| (source.clone(), text.as_str())))
        }
        IpamMode::Kubernetes => of_kubernetes(view),
        IpamMode::MultiPool | IpamMode::Other(_) => Vec::new(),
    });
    let mut seen = BTreeSet::new();
    found.retain(|network| {
        Family::of_prefix(network.prefix) == family && seen.insert(network.prefix)
    });
    found
}

/// The fewest networks that hold them all.
pub(super) fn aggregated(networks: &[PodNetwork]) -> Vec<IpNet> {
    IpNet::aggregate(&networks.iter().map(|network| network.prefix).collect())
}

/// The network out of which the controller manager gives each node its block.
fn of_kubernetes(view: &View<'_>) -> Vec<PodNetwork> {
    let cluster = &view.facts.cluster;
    let kubeadm = cluster.kubeadm.known().map_or("", |kubeadm| kubeadm.pod_subnet.as_str());
    let kubeadm = kubeadm.split(',').map(|text| ("kubeadm, podSubnet".to_owned(), text));
    let managers = cluster.control_plane.items().iter();
    let managers = managers.filter(|pod| pod.component == ControlPlaneComponent::ControllerManager);
    let managers = managers.filter_map(|pod| pod.flags.get("cluster-cidr"));
    let managers = managers.flat_map(|texts| texts.split(','));
    let managers = managers.map(|text| ("kube-controller-manager --cluster-cidr".to_owned(), text));
    let mut found = parsed(kubeadm.chain(managers));
    for node in cluster.nodes.items() {
        found.extend(node.pod_cidrs.iter().map(|prefix| PodNetwork {
            prefix: prefix.trunc(),
            source: format!("Node {}", node.name),
            is_in_use: true,
        }));
    }
    found
}

/// Those that are networks; CIDR-11 judges the others.
fn parsed<'t>(texts: impl Iterator<Item = (String, &'t str)>) -> Vec<PodNetwork> {
    let given = texts.filter_map(|(source, text)| {
        let prefix = text.trim().parse::<GivenPrefix>().ok()?.prefix();
        Some(PodNetwork { prefix, source, is_in_use: false })
    });
    given.collect()
}
