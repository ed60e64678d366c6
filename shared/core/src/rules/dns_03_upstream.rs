use std::{collections::BTreeMap, net::IpAddr};

use super::{
    Finding, Judgement, Remedy, Severity, dns,
    pod_networks::{aggregated, pod_networks},
    premise, rule, spelling,
    way_back::ways_back,
};
use crate::{
    decode::corefile::Upstream,
    facts::{CiliumConfig, Component, Family},
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether packets of the cluster's DNS reach the servers that it forwards to, those in its
    /// Corefile and, where that names `/etc/resolv.conf`, those that kubelets give pods: a server
    /// whose address lies in a pod CIDR is looked for among pods; one in the native routing CIDR
    /// gets packets with a pod's address, to which it may have no way back. Servers that are pods
    /// themselves are left alone, and where something may know the way back (a cloud, BGP, another
    /// plugin) it only says so. Where nothing is masqueraded at all, CFG-03 says it.
    ///
    /// ## Why it hurts
    /// Names of the cluster resolve, all others time out: `read udp POD->SERVER:53: i/o timeout` in
    /// the DNS's log. The nodes themselves resolve, so that it is taken for a matter of CoreDNS.
    ///
    /// ## Fix
    /// Move the pods elsewhere (CIDR-01), make the native routing CIDR as small as the pods' network
    /// (CFG-05), or name servers in the Corefile that lie outside of both.
    ///
    /// ## References
    /// - cilium/cilium issue 29113
    /// - Cilium documentation, "Masquerading"
    "DNS-03", Error, State, "the cluster's DNS does not reach the servers that it asks", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let cluster = &view.facts.cluster;
    if premise::known(view, &cluster.corefiles, "Corefile of the cluster's DNS", out).is_none() {
        return;
    }
    let Some(config) = premise::config(view, out) else { return };
    if dns::workload(view).is_some_and(|workload| workload.host_network) {
        out.not_applicable("the cluster's DNS is in the host's network");
        return;
    }
    for (address, source) in servers(view, out) {
        if let Some(finding) = judge_server(view, config, address, &source) {
            out.found(finding);
        }
    }
}

fn judge_server(
    view: &View<'_>,
    config: &CiliumConfig,
    address: IpAddr,
    source: &str,
) -> Option<Finding> {
    if is_pod(view, address) {
        return None;
    }
    let claims = view.pod_cidrs_overlapping(address.into());
    let mut claims = claims.into_iter().filter(|claim| !claim.is_only_of_other_plugins());
    if let Some(claim) = claims.next() {
        let who = claim.sources.first().map_or_else(String::new, ToString::to_string);
        return Some(among_pods(address, source, &claim.prefix.to_string(), &who));
    }
    let is_hit = keeps_pod_address(config, address) && !view.is_node_address(address);
    is_hit.then(|| without_masquerade(view, config, address, source))
}

/// The servers that are asked, each once, and who names them.
fn servers(view: &View<'_>, out: &mut Judgement) -> BTreeMap<IpAddr, String> {
    let mut found = BTreeMap::new();
    let mut reads_file = false;
    for asked in dns::asked(view) {
        match &asked.upstream {
            Upstream::Address { address, .. } => {
                found.entry(*address).or_insert_with(|| asked.source.clone());
            }
            Upstream::File(_) => reads_file = true,
            Upstream::Other(_) => {}
        }
    }
    if !reads_file {
        return found;
    }
    let nodes = dns::nodes(view);
    for node in view.nodes() {
        match node.facts.pod_resolvers.get() {
            Ok(servers) => {
                for server in servers.iter().filter(|server| !server.is_loopback()) {
                    let source = format!("pods with the host's DNS on {}", node.name());
                    found.entry(*server).or_insert(source);
                }
            }
            Err(why) if nodes.contains(node.name()) => {
                out.missing_on(node.name(), "servers that the kubelet gives pods", why);
            }
            Err(_) => {}
        }
    }
    found
}

/// Whether a pod, or a Service, has the address.
fn is_pod(view: &View<'_>, address: IpAddr) -> bool {
    let cluster = &view.facts.cluster;
    let rows = cluster.pods.known().map_or(&[][..], |pods| pods.rows());
    let mut services = cluster.services.items().iter().flat_map(|it| &it.cluster_ips);
    rows.iter().any(|row| row.address == Some(address)) || services.any(|it| *it == address)
}

fn keeps_pod_address(config: &CiliumConfig, address: IpAddr) -> bool {
    let family = Family::of(address);
    let native = config.native_routing_cidr(family).and_then(|text| text.parse().ok());
    config.masquerades(family)
        && native.is_some_and(|native: ipnet::IpNet| native.contains(&address))
}

fn among_pods(address: IpAddr, source: &str, prefix: &str, who: &str) -> Finding {
    Finding::about(RULE.code, Severity::Error, address.to_string())
        .saying(
            format!("the cluster's DNS asks {address}, and {prefix}, in which it lies, is a pod CIDR"),
            "names outside the cluster time out in pods",
        )
        .seen(source, format!("nameserver {address}"))
        .seen(who, prefix)
        .mended_by(
            Remedy::text(
                "give pods a network that the site does not use, see CIDR-01; until then, name a server \
                 outside of it in the Corefile",
            )
            .with_commands(["kubectl -n kube-system edit configmap coredns"]),
        )
}

fn without_masquerade(
    view: &View<'_>,
    config: &CiliumConfig,
    address: IpAddr,
    source: &str,
) -> Finding {
    let family = Family::of(address);
    let key = spelling::native_routing_key(family);
    let native = config.native_routing_cidr(family).unwrap_or_default();
    let ways = ways_back(view, config);
    let troubled = view.facts.cluster.troubled_pods.items().iter();
    let is_sick = troubled.filter(|pod| pod.component == Component::CoreDns).count() > 0;
    let (severity, impact) = match (ways.is_empty(), is_sick) {
        (false, _) => (Severity::Info, "none, where the server knows the way back to pods"),
        (true, true) => (Severity::Error, "names outside the cluster time out in pods"),
        // It may be a machine of the cluster's own network, which was told the way.
        (true, false) => (
            Severity::Warn,
            "names outside the cluster time out in pods, unless the server was told the way to them",
        ),
    };
    let mut finding = Finding::about(RULE.code, severity, address.to_string())
        .saying(
            format!(
                "the cluster's DNS asks {address} with a pod's address: {key} {native} covers it"
            ),
            impact,
        )
        .seen(source, format!("nameserver {address}"))
        .seen(config.origin.clone(), format!("{key} {native}"))
        .mended_by(Remedy::text("set it to the network of all pods, and no more").with_values(
            spelling::native_routing_cidr(family, &aggregated(&pod_networks(view, config, family))),
        ));
    finding.evidence.extend(ways.into_iter().map(|way| way.evidence));
    finding
}
