//! What a rule must know before it can judge. Each of these says so in the judgement when it is not
//! known, or does not apply, and the rule ends there.

use ipnet::IpNet;

use super::{Basis, Judgement};
use crate::{
    chart::{ChartValues, ChartVersion},
    facts::{CiliumConfig, Family, IpamMode, ProxyReplacement, UnavailableKind},
    prefix::{GivenPrefix, Pool},
    view::View,
};

/// Whether a node was looked at. A rule about nodes says nothing without one, and that is not fine.
pub(super) fn has_nodes(view: &View<'_>, out: &mut Judgement) -> bool {
    if view.nodes().is_empty() {
        out.unknown("nodes", "none was looked at");
    }
    !view.nodes().is_empty()
}

/// The same, and says of which nodes the routes are missing.
pub(super) fn has_routes(view: &View<'_>, out: &mut Judgement) -> bool {
    for node in view.nodes() {
        if let Err(why) = node.facts.routes.get() {
            out.missing_on(node.name(), "routes", why);
        }
    }
    has_nodes(view, out)
}

/// Whether somebody claims a pod CIDR.
pub(super) fn has_pod_cidrs(view: &View<'_>, out: &mut Judgement) -> bool {
    if view.pod_cidrs().is_empty() {
        match view.facts.cluster.cilium_nodes.get() {
            Err(why) if view.coming_config().is_none() => out.missing("pod CIDRs", why),
            _ => out.not_applicable("no pod CIDR is in use"),
        }
    }
    !view.pod_cidrs().is_empty()
}

/// The configuration whose cluster pool is judged: the live one, or what an installation would
/// bring.
pub(super) fn cluster_pool(view: &View<'_>, out: &mut Judgement) -> Option<(CiliumConfig, Basis)> {
    let (config, basis) = match view.judged_config() {
        Ok(judged) => judged,
        Err(_) if !view.facts.declared.pod_cidrs.is_empty() => {
            out.not_applicable("pod CIDRs were given; no pool is judged");
            return None;
        }
        Err(why) => {
            out.missing("cluster pool", why);
            return None;
        }
    };
    if config.ipam != IpamMode::ClusterPool {
        out.not_applicable(format!("IPAM mode {} has no cluster pool", config.ipam));
        return None;
    }
    Some((config, basis))
}

/// The configuration that somebody wrote. Of the chart's defaults a rule about combinations of
/// values has nothing to say.
pub(super) fn config<'a>(view: &View<'a>, out: &mut Judgement) -> Option<&'a CiliumConfig> {
    if view.config().is_none() {
        match view.facts.cluster.config.get() {
            Err(why) if view.coming_config().is_none() => out.missing("configuration", why),
            _ => out.not_applicable("nothing is configured; the defaults fit together"),
        }
    }
    view.config()
}

/// The version that a configuration is for.
pub(super) fn version(config: &CiliumConfig, out: &mut Judgement) -> Option<ChartVersion> {
    if config.version.is_none() {
        out.unknown("Cilium's version", format!("nothing tells it for {}", config.origin));
    }
    config.version.clone().map(ChartVersion::from)
}

/// The Helm values behind a configuration.
pub(super) fn values<'v>(view: &'v View<'_>, out: &mut Judgement) -> Option<ChartValues<'v>> {
    let values = view.chart_values();
    if values.is_none() {
        match view.facts.cluster.releases.get() {
            Err(why) if why.kind != UnavailableKind::NotCollected => out.missing("values", why),
            _ => out.not_applicable("no Helm values are known"),
        }
    }
    values
}

/// Whether Cilium answers Services of type NodePort: with all of kube-proxy's work, or with that
/// alone. None for `probe`, where the kernel decides, and for values that Cilium refuses (CFG-18).
pub(super) fn answers_node_ports(config: &CiliumConfig) -> Option<bool> {
    match config.kube_proxy_replacement {
        ProxyReplacement::Full => Some(true),
        ProxyReplacement::Off | ProxyReplacement::Partial => Some(config.node_port),
        ProxyReplacement::Probe | ProxyReplacement::Unknown(_) => None,
    }
}

/// The elements of a pool that can be cut into blocks; the others are CIDR-11's and CIDR-13's.
pub(super) fn pools(config: &CiliumConfig, family: Family) -> impl Iterator<Item = Pool> {
    let (elements, mask) = config.pool(family);
    elements
        .iter()
        .filter_map(move |text| Pool::new(text.parse::<GivenPrefix>().ok()?.prefix(), mask).ok())
}

/// The service CIDRs that can be read; CIDR-11 judges the others.
pub(super) fn service_cidrs(view: &View<'_>, out: &mut Judgement) -> Option<Vec<IpNet>> {
    match view.service_cidrs() {
        Ok(given) => Some(given.into_iter().flatten().map(|given| given.prefix()).collect()),
        Err(why) => {
            out.missing("service CIDR", why);
            None
        }
    }
}

/// Says that no network of the cluster is known to compare with.
pub(super) fn no_cluster_network(view: &View<'_>, out: &mut Judgement) {
    match view.facts.cluster.config.get() {
        Err(why) if view.coming_config().is_none() => out.missing("pod CIDRs", why),
        _ => out.not_applicable("no pod CIDR and no service CIDR is known"),
    }
}
