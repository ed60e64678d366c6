use std::{collections::BTreeSet, net::IpAddr};

use super::{
    Evidence, Finding, Judgement, Remedy, Severity,
    dns::{self, Asked},
    premise, rule,
};
use crate::{
    decode::corefile::Upstream,
    facts::NodeName,
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// Whether the cluster's DNS forwards questions to itself: its Corefile names a loopback address,
    /// its own Service, one of its own pods or the cache that asks it; or names `/etc/resolv.conf`,
    /// which a pod gets from its node's kubelet, and the kubelet gives a stub of the node
    /// (systemd-resolved at 127.0.0.53, dnsmasq). What the kubelet gives is read in the agent's pod; with
    /// `--local` in the files of the kubelet, and its stub alone is a warning.
    /// A loopback address with another port, where a resolver beside CoreDNS listens, and a DNS in
    /// the host's network are left alone.
    ///
    /// ## Why it hurts
    /// In a pod 127.0.0.53 is the pod itself. With the plugin `loop` CoreDNS gives up ("Loop … detected
    /// for zone"), without it every question runs in circles. Where the pods still run, they started
    /// before, or on another node: it is a warning then.
    ///
    /// ## Fix
    /// `resolvConf: /run/systemd/resolve/resolv.conf` in the kubelet's configuration, where
    /// systemd-resolved keeps the real servers; kubeadm sets it where it finds systemd-resolved, k3s
    /// and others must be told. Or name the real servers in the Corefile. Then restart the pods.
    ///
    /// ## References
    /// - CoreDNS documentation, plugin "loop", "Troubleshooting Loops In Kubernetes Clusters"
    /// - Kubernetes documentation, "Debugging DNS Resolution", "Known issues"
    "DNS-01", Error, State, "the cluster's DNS forwards to itself", judge
}

/// Where systemd-resolved keeps the servers behind its stub.
const BEHIND_STUB: &str = "/run/systemd/resolve/resolv.conf";

fn judge(view: &View<'_>, out: &mut Judgement) {
    let cluster = &view.facts.cluster;
    let host = view.nodes().iter().find(|node| node.facts.host.is_some());
    if let (None, Some(host)) = (cluster.corefiles.known(), host) {
        judge_host(host, out);
        return;
    }
    if premise::known(view, &cluster.corefiles, "Corefile of the cluster's DNS", out).is_none() {
        return;
    }
    let workload = dns::workload(view);
    if workload.is_some_and(|workload| workload.host_network) {
        out.not_applicable("the cluster's DNS is in the host's network");
        return;
    }
    let own = own_addresses(view);
    let mut reads_file = None;
    for asked in dns::asked(view) {
        match &asked.upstream {
            Upstream::Address { address, port } if *port == asked.own_port => {
                let what = match () {
                    () if address.is_loopback() => "the pod itself",
                    () if own.contains(address) => "the cluster's DNS",
                    () => continue,
                };
                out.found(names_itself(view, &asked, what));
            }
            Upstream::File(file) if file == "/etc/resolv.conf" => reads_file = Some(asked),
            Upstream::Address { .. } | Upstream::File(_) | Upstream::Other(_) => {}
        }
    }
    let Some(asked) = reads_file else { return };
    match workload.map(|workload| workload.dns_policy.as_str()) {
        Some("ClusterFirst") => out.found(asks_by_policy(view, &asked)),
        Some("None") => {
            out.unknown("/etc/resolv.conf of the DNS's pods", "their dnsConfig says what is in it");
        }
        _ => judge_nodes(view, &asked, out),
    }
}

/// Addresses at which the DNS, or the cache before it, answers.
fn own_addresses(view: &View<'_>) -> BTreeSet<IpAddr> {
    let service = dns::service(view).into_iter().flat_map(|service| service.cluster_ips.clone());
    let endpoints = view.facts.cluster.dns_endpoints.items().iter();
    let endpoints = endpoints.flat_map(|endpoint| endpoint.addresses.clone());
    service.chain(endpoints).chain(dns::cache_addresses(view)).collect()
}

/// What kubelets give pods of which the DNS asks.
fn judge_nodes(view: &View<'_>, asked: &Asked, out: &mut Judgement) {
    let kubelet = view.facts.cluster.kubelet_config.known();
    let is_told = kubelet.is_some_and(|kubelet| {
        !matches!(
            &*kubelet.resolv_conf,
            "" | "/etc/resolv.conf" | "/run/systemd/resolve/stub-resolv.conf"
        )
    });
    let dns_nodes = dns::nodes(view);
    let mut stubs: Vec<(&NodeName, IpAddr)> = Vec::new();
    for node in view.nodes() {
        match node.facts.pod_resolvers.get() {
            Ok(servers) => {
                let stub = servers.iter().find(|server| server.is_loopback());
                stubs.extend(stub.map(|stub| (node.name(), *stub)));
            }
            // What kubeadm tells all kubelets is as good, where it tells anything.
            Err(why) if dns_nodes.contains(node.name()) && !is_told => {
                out.missing_on(node.name(), "servers that the kubelet gives pods", why);
            }
            Err(_) => {}
        }
    }
    if view.nodes().is_empty() && !is_told {
        out.unknown("servers that kubelets give pods", "no node was looked at");
    }
    if !stubs.is_empty() {
        out.found(asks_stub(view, asked, &dns_nodes, &stubs));
    }
}

/// A host alone: whom the cluster's DNS asks is not known, and pods that ask the node's servers are
/// what kubeadm makes of it.
fn judge_host(node: &NodeView<'_>, out: &mut Judgement) {
    let servers = match node.facts.pod_resolvers.get() {
        Ok(servers) => servers,
        Err(why) if why.is_absent() => {
            out.not_applicable("no configuration of a kubelet is on this host");
            return;
        }
        Err(why) => {
            out.missing_on(node.name(), "servers that the kubelet gives pods", why);
            return;
        }
    };
    let Some(stub) = servers.iter().find(|server| server.is_loopback()) else { return };
    out.found(
        Finding::about(RULE.code, Severity::Warn, stub.to_string())
            .on(node.name())
            .saying(
                format!("the kubelet gives pods {stub} to ask, which is the pod itself there"),
                "pods of the cluster's DNS that start here find no server, or ask themselves",
            )
            .seen(
                format!("resolvConf of the kubelet on {}", node.name()),
                format!("nameserver {stub}, a stub of the node"),
            )
            .mended_by(give_servers()),
    );
}

/// Names the servers behind the stub to the kubelet.
fn give_servers() -> Remedy {
    Remedy::text(format!(
        "give the kubelets the file with the real servers: `resolvConf: {BEHIND_STUB}`"
    ))
    .with_commands([
        "# on each of these nodes; k3s and RKE2: `resolv-conf: …` in their config.yaml".into(),
        format!("sed -i '/^resolvConf:/d' /var/lib/kubelet/config.yaml && echo 'resolvConf: {BEHIND_STUB}' >> /var/lib/kubelet/config.yaml"),
        "systemctl restart kubelet".into(),
    ])
}

fn severity(view: &View<'_>, finds_loops: bool) -> Severity {
    let endpoints = view.facts.cluster.dns_endpoints.items();
    let all_ready = !endpoints.is_empty() && endpoints.iter().all(|endpoint| endpoint.ready);
    // Pods that look for loops when they start, and found none, are older than this one.
    if finds_loops && all_ready { Severity::Warn } else { Severity::Error }
}

fn impact(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "names outside the cluster have no answer, and pods of the DNS crash",
        _ => {
            "the pods that run now started before; the next one there gives up, or runs in circles"
        }
    }
}

fn names_itself(view: &View<'_>, asked: &Asked, what: &str) -> Finding {
    let severity = severity(view, asked.finds_loops);
    Finding::about(RULE.code, severity, asked.upstream.to_string())
        .saying(
            format!("the cluster's DNS forwards to {}, which is {what}", asked.upstream),
            impact(severity),
        )
        .seen(asked.source.clone(), format!("forward … {}", asked.upstream))
        .mended_by(
            Remedy::text("name the real servers in the Corefile: those that the nodes ask")
                .with_commands([dns::edit(&asked.source), dns::restart(view)]),
        )
}

fn asks_by_policy(view: &View<'_>, asked: &Asked) -> Finding {
    let severity = severity(view, asked.finds_loops);
    Finding::about(RULE.code, severity, "dnsPolicy")
        .saying(
            "pods of the cluster's DNS get their /etc/resolv.conf from the cluster's DNS",
            impact(severity),
        )
        .seen(asked.source.clone(), format!("forward … {}", asked.upstream))
        .seen("Deployment of the DNS", "dnsPolicy: ClusterFirst")
        .mended_by(
            Remedy::text("give its pods the node's servers: `dnsPolicy: Default`").with_commands([
                format!(
                    "kubectl -n kube-system patch deployment {} -p \
                     '{{\"spec\":{{\"template\":{{\"spec\":{{\"dnsPolicy\":\"Default\"}}}}}}}}'",
                    super::command::quoted(
                        dns::workload(view).map_or("coredns", |workload| &workload.name)
                    )
                ),
            ]),
        )
}

fn asks_stub(
    view: &View<'_>,
    asked: &Asked,
    dns_nodes: &BTreeSet<NodeName>,
    stubs: &[(&NodeName, IpAddr)],
) -> Finding {
    let is_hit = |node: &NodeName| dns_nodes.contains(node);
    let hit: Vec<_> = stubs.iter().filter(|(node, _)| is_hit(node)).copied().collect();
    let (severity, shown) = match hit.as_slice() {
        // The next pod may come here.
        [] => (Severity::Warn, stubs),
        hit => (severity(view, asked.finds_loops), hit),
    };
    let stub = shown.first().map_or_else(String::new, |(_, stub)| stub.to_string());
    let mut finding = Finding::about(RULE.code, severity, stub.clone())
        .saying(
            format!("the cluster's DNS forwards to {stub}, which is the pod itself there"),
            impact(severity),
        )
        .seen(asked.source.clone(), format!("forward … {}", asked.upstream))
        .mended_by(give_servers().with_commands(["# then, once".to_owned(), dns::restart(view)]));
    finding.nodes = shown.iter().map(|(node, _)| (*node).clone()).collect();
    if let Some((node, stub)) = shown.first() {
        let fact = format!("nameserver {stub}, a stub of the node");
        finding.evidence.push(Evidence::new(format!("pods with the host's DNS on {node}"), fact));
    }
    finding
}
