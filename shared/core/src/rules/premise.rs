//! What a rule must know before it can judge. Each of these says so in the judgement when it is not
//! known, or does not apply, and the rule ends there.

use std::borrow::Cow;

use ipnet::IpNet;

use super::{Basis, Judgement};
use crate::{
    chart::{ChartValues, ChartVersion, Nearness, refusals::refusals},
    facts::{
        AgentPod, CiliumConfig, Fact, Family, HostFacts, HostService, IpamMode, KubeProxyConfig,
        NodeName, ProxyReplacement, Source, UnavailableKind,
    },
    prefix::{GivenPrefix, Pool},
    view::{Installation, NodeView, View},
};

/// Whether a node was looked at. A rule about nodes says nothing without one, and that is not fine.
pub(super) fn has_nodes(view: &View<'_>, out: &mut Judgement) -> bool {
    if view.nodes().is_empty() {
        out.unknown("nodes", "none was looked at");
    }
    !view.nodes().is_empty()
}

/// Whether an agent runs on a node.
pub(super) fn runs_agent(view: &View<'_>, node: &NodeView<'_>, out: &mut Judgement) -> bool {
    let runs = view.agent_runs_on(node.facts);
    if runs.is_none() {
        out.unknown_on(node.name(), "agent", "nobody knows whether one runs");
    }
    runs == Some(true)
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

/// The configuration that is judged: the live one, or what an installation would bring.
pub(super) fn judged_config(view: &View<'_>, out: &mut Judgement) -> Option<CiliumConfig> {
    let judged = view.judged_config().map_err(|why| out.missing("configuration", why));
    judged.ok().map(|(config, _)| config)
}

/// Whether Cilium answers Services in kube-proxy's place; `otherwise` says why the rule does not apply
/// where it does not.
pub(super) fn replaces_kube_proxy(
    config: &CiliumConfig,
    otherwise: &str,
    out: &mut Judgement,
) -> bool {
    match config.kube_proxy_replacement {
        ProxyReplacement::Full => return true,
        ProxyReplacement::Probe | ProxyReplacement::Unknown(_) => {
            out.unknown("who answers Services", "the kernel decides, or nobody knows the value");
        }
        ProxyReplacement::Off | ProxyReplacement::Partial => out.not_applicable(otherwise),
    }
    false
}

/// The configuration of one node: CiliumNodeConfigs may change the live one.
pub(super) fn of_node<'c>(
    view: &View<'_>,
    node: &NodeName,
    config: &'c CiliumConfig,
    out: &mut Judgement,
) -> Option<Cow<'c, CiliumConfig>> {
    if view.proposal().is_some() || view.facts.cluster.cilium_node_configs.items().is_empty() {
        return Some(Cow::Borrowed(config));
    }
    match view.node_config(node) {
        Ok(own) => Some(Cow::Owned(own)),
        Err(why) => {
            out.missing_on(node, "configuration", &why);
            None
        }
    }
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

/// The Helm values of the judged configuration, if they are those of a chart whose keys are known.
pub(super) fn chart_values<'v>(view: &'v View<'_>, out: &mut Judgement) -> Option<ChartValues<'v>> {
    let values = any_chart_values(view, out)?;
    if values.chart().nearness() == Nearness::SameMinor {
        return Some(values);
    }
    out.unknown(format!("keys of chart {}", values.version()), "that chart is not known here");
    None
}

/// The Helm values that are about to be installed.
pub(super) fn proposed_values<'v>(
    view: &'v View<'_>,
    out: &mut Judgement,
) -> Option<ChartValues<'v>> {
    if view.proposal().is_none() {
        out.not_applicable("no values are about to be installed");
        return None;
    }
    any_chart_values(view, out)
}

/// The Helm values of the judged configuration.
pub(super) fn any_chart_values<'v>(
    view: &'v View<'_>,
    out: &mut Judgement,
) -> Option<ChartValues<'v>> {
    // Charts that wrap Cilium's have keys of their own.
    let other = view.release().filter(|release| release.chart != "cilium");
    if let Some(other) = other.filter(|_| view.proposal().is_none()) {
        out.not_applicable(format!("chart {} is not Cilium's own", other.chart));
        return None;
    }
    let values = view.chart_values();
    if values.is_none() {
        match view.facts.cluster.releases.get() {
            // A recording of nodes is not asked for what no command on a node tells.
            Err(why) if why.kind == UnavailableKind::NotCollected => {
                out.not_applicable("Helm values were not read");
            }
            Err(why) => out.missing("Helm values", why),
            Ok(releases) if releases.is_empty() => {
                out.not_applicable("Cilium was not installed by Helm");
            }
            Ok(_) => out.unknown("Helm values", "the release has no version that can be read"),
        }
    }
    values
}

/// A fact of the cluster. Who looks at this host alone has not asked for any.
pub(super) fn known<'a, T>(
    view: &View<'a>,
    fact: &'a Fact<T>,
    what: &str,
    out: &mut Judgement,
) -> Option<&'a T> {
    match fact.get() {
        Ok(value) => return Some(value),
        Err(why)
            if why.kind == UnavailableKind::NotCollected
                && view.facts.origin.source == Source::LocalHost =>
        {
            out.not_applicable("only this host was looked at, not the cluster");
        }
        Err(why) => out.missing(what, why),
    }
    None
}

/// What only a node's own files tell. Agents' containers do not see them, so that a rule about them
/// concerns nodes on which the doctor itself ran.
pub(super) fn of_host<'a, T>(
    node: &NodeView<'a>,
    fact: impl FnOnce(&'a HostFacts) -> &'a Fact<T>,
    what: &str,
    out: &mut Judgement,
) -> Option<&'a T> {
    let Some(host) = node.facts.host.as_deref() else {
        out.not_applicable("the hosts' own files are not seen from agents; --local reads them");
        return None;
    };
    fact(host).get().map_err(|why| out.missing_on(node.name(), what, why)).ok()
}

/// Whether what a host lacks for Cilium is seen now, or would be where Cilium is not installed.
pub(super) fn basis(view: &View<'_>) -> Basis {
    match view.installation() {
        Installation::NotSeen => Basis::Predicted,
        Installation::Seen | Installation::Unknown => Basis::Observed,
    }
}

/// Whether one of these services runs on a node.
pub(super) fn runs_service(node: &NodeView<'_>, service: HostService, out: &mut Judgement) -> bool {
    let services = of_host(node, |host| &host.services, "processes", out);
    services.is_some_and(|services| services.contains(&service))
}

/// What kube-proxy is told, where it is there.
pub(super) fn kube_proxy_config<'a>(
    view: &View<'a>,
    out: &mut Judgement,
) -> Option<&'a KubeProxyConfig> {
    match view.kube_proxy() {
        Ok(proxy) if proxy.is_there() => {}
        Ok(_) => {
            out.not_applicable("kube-proxy does not run");
            return None;
        }
        Err(why) => {
            out.missing("kube-proxy", &why);
            return None;
        }
    }
    known(view, &view.facts.cluster.kube_proxy, "kube-proxy's configuration", out)
}

/// The agents of a cluster that has some.
pub(super) fn agents<'a>(view: &View<'a>, out: &mut Judgement) -> Option<&'a [AgentPod]> {
    let agents = known(view, &view.facts.cluster.agents, "agents", out)?;
    if agents.is_empty() {
        out.not_applicable("the cluster has no agent");
        return None;
    }
    Some(agents)
}

/// Whether the chart itself stops over one of these values; VAL-02 and VAL-11 say so, and of what it
/// would make of them there is nothing to say.
pub(super) fn is_refused(view: &View<'_>, keys: &[&str], out: &mut Judgement) -> bool {
    if view.proposal().is_none() {
        // What runs was not refused.
        return false;
    }
    let values = view.chart_values();
    let refused = values.as_ref().map(refusals).unwrap_or_default();
    let refused = refused.iter().filter(|refused| refused.depends.is_none());
    let key = refused.flat_map(|refused| refused.keys).find(|key| keys.contains(key));
    if let Some(key) = key {
        out.not_applicable(format!("the chart refuses {key}"));
    }
    key.is_some()
}

/// A key of `cilium-config` as it is written: of a proposal, as its chart makes it.
pub(super) fn written(view: &View<'_>, key: &str) -> Option<String> {
    let text = match (view.proposal(), view.chart_values()) {
        (Some(_), Some(values)) => values.config_map().ok()?.remove(key),
        _ => view.facts.cluster.config_data.known()?.data.get(key).cloned(),
    };
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}
