use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Finding, Judgement, Remedy, Severity, dns, finding::merged, premise, rule};
use crate::{
    facts::{Resolver, ResolverKind},
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// Nodes that resolve names through the cluster itself: a server in their `resolv.conf` is the
    /// DNS's Service, another address of the service CIDR, or the cache on the nodes. A server that
    /// merely lies in a pod CIDR is CIDR-01's and RT-01's.
    ///
    /// ## Why it hurts
    /// A node that asks the cluster cannot pull the images with which the cluster would come back:
    /// after a power cut, or while CoreDNS is down, both wait for each other. Kubespray sets nodes up
    /// like this (`resolvconf_mode: host_resolvconf`), so that alone it is no illness.
    ///
    /// ## Fix
    /// Give the nodes a second server outside the cluster, or only that one.
    ///
    /// ## References
    /// - Kubespray documentation, "DNS Stack in Kubespray"
    "DNS-05", Error, State, "nodes ask the cluster's own DNS", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    let caches = dns::cache_addresses(view);
    let services: Vec<ipnet::IpNet> = view
        .service_cidrs()
        .map(|given| given.into_iter().flatten().map(|given| given.prefix()).collect())
        .unwrap_or_default();
    let service = dns::service(view).map_or(&[][..], |service| &service.cluster_ips);
    let is_inside = |address: IpAddr| {
        service.contains(&address)
            || caches.contains(&address)
            || services.iter().any(|cidr| cidr.contains(&address))
    };
    let mut found = Vec::new();
    for node in view.nodes() {
        let resolvers = match node.facts.resolvers.get() {
            Ok(resolvers) => resolvers,
            Err(why) => {
                out.missing_on(node.name(), "DNS servers", why);
                continue;
            }
        };
        // A loopback address is a stub; the servers that count stand behind it.
        let asked: Vec<&Resolver> =
            resolvers.iter().filter(|resolver| !resolver.address.is_loopback()).collect();
        if let Some(inside) = asked.iter().find(|resolver| is_inside(resolver.address)) {
            let all_inside = asked.iter().all(|resolver| is_inside(resolver.address));
            found.push(finding(view, node, inside, all_inside, &caches));
        }
    }
    merged(found).for_each(|finding| out.found(finding));
}

fn finding(
    view: &View<'_>,
    node: &NodeView<'_>,
    resolver: &Resolver,
    all_inside: bool,
    caches: &BTreeSet<IpAddr>,
) -> Finding {
    let address = resolver.address;
    let what = if caches.contains(&address) { "the cache on the nodes" } else { "a Service" };
    let is_down = dns::ready_endpoints(view) == Some(0);
    let (severity, impact) = match (is_down, all_inside) {
        (true, true) => (
            Severity::Error,
            "the nodes resolve no name, and pull no image, until the cluster's DNS is back; it may \
             itself wait for an image",
        ),
        (true, false) => (Severity::Warn, "the nodes resolve names only after a timeout"),
        (false, _) => (
            Severity::Info,
            "while the cluster's DNS is down, the nodes pull no image and find no host",
        ),
    };
    let kind = match resolver.kind {
        ResolverKind::Direct => "nameserver",
        ResolverKind::BehindStub => "behind the stub, nameserver",
    };
    Finding::about(RULE.code, severity, address.to_string())
        .saying(format!("nodes ask {address} for names, which is {what} of the cluster"), impact)
        .seen(format!("{} of {}", resolver.file, node.name()), format!("{kind} {address}"))
        .on(node.name())
        .mended_by(Remedy::text("give the nodes a server outside the cluster").with_commands([
            "# on each of these nodes, for as long as it takes; keep it in netplan, NetworkManager or \
             systemd-resolved"
                .to_owned(),
            "sed -i '1i nameserver SERVER-OF-YOUR-SITE' /etc/resolv.conf".to_owned(),
        ]))
}
