use std::net::IpAddr;

use ipnet::IpNet;

use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity, host_routing::rp_filter, premise, rule,
};
use crate::{
    facts::{Address, LinkFlag, Route, RouteKind, TableId},
    view::{Fate, NodeView, View},
};

rule! {
    /// ## What it checks
    /// Hosts with several ways out: two default routes of the same metric over different devices,
    /// and devices that check the way back strictly (`rp_filter=1`) although the answers to their
    /// own network leave by another device.
    ///
    /// ## Why it hurts
    /// Packets come in by one device and answers leave by the other; a strict check, or the next
    /// router, drops them. It fails for some peers only, which makes it hard to find.
    ///
    /// ## Fix
    /// Give the default routes different metrics. Set `rp_filter` to 2 (loose) on devices that are
    /// not the way back.
    ///
    /// ## References
    /// - Linux documentation, ip-sysctl: rp_filter
    "RT-08", Warn, State, "several ways out, and the way back is another", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    for node in view.nodes() {
        if let Err(why) = node.facts.routes.get() {
            out.missing_on(node.name(), "routes", why);
            continue;
        }
        equal_defaults(node, out);
        match (node.facts.sysctls.get(), node.facts.addresses.get()) {
            (Ok(_), Ok(addresses)) => strict_devices(node, addresses, out),
            (Err(why), _) | (_, Err(why)) => out.missing_on(node.name(), "rp_filter", why),
        }
    }
}

fn equal_defaults(node: &NodeView<'_>, out: &mut Judgement) {
    let defaults: Vec<&Route> = node
        .facts
        .routes
        .items()
        .iter()
        .filter(|route| {
            route.is_default()
                && route.kind == RouteKind::Unicast
                && route.table == TableId::MAIN
                && !route.leads_into_cilium()
        })
        .collect();
    for (index, a) in defaults.iter().enumerate() {
        let same = defaults[index + 1..].iter().find(|b| {
            a.family() == b.family() && a.metric == b.metric && a.links().next() != b.links().next()
        });
        if let Some(b) = same {
            out.found(finding(
                node,
                format!("{} default routes", a.family()),
                format!(
                    "{} has two {} default routes of metric {}",
                    node.name(),
                    a.family(),
                    a.metric
                ),
                vec![a.to_string(), b.to_string()],
                "give them different metrics",
            ));
        }
    }
}

fn strict_devices(node: &NodeView<'_>, addresses: &[Address], out: &mut Judgement) {
    for own in addresses.iter().filter(|own| is_judged(node, own)) {
        let Some(peer) = some_other_address(own) else { continue };
        let Fate::Leaves { hops, .. } = node.fate(peer) else { continue };
        let other = hops
            .iter()
            .map(|(link, _)| link)
            .find(|link| **link != own.link && !link.leads_into_cilium() && link.as_str() != "lo");
        if let Some(other) = other {
            out.found(finding(
                node,
                own.link.to_string(),
                format!(
                    "{} on {} checks the way back strictly, but answers to {} leave by {other}",
                    own.link,
                    node.name(),
                    own.network()
                ),
                vec![
                    format!("rp_filter is 1 for {}", own.link),
                    format!("{peer} leaves by {other}"),
                ],
                "set rp_filter to 2 on that device, or route its network over it",
            ));
        }
    }
}

/// IPv4 devices of the LAN that are up and strict. A device with a master is asked about in another table (VRF), or under the master's name.
fn is_judged(node: &NodeView<'_>, own: &Address) -> bool {
    let is_up = node.facts.links.items().iter().any(|link| {
        link.name == own.link
            && link.has(LinkFlag::LowerUp)
            && !link.has(LinkFlag::Loopback)
            && link.master.is_none()
    });
    own.address.is_ipv4()
        && own.prefix_len < 31
        && is_up
        && !own.link.leads_into_cilium()
        && rp_filter(node, &own.link) == 1
}

/// An address of the connected network that is not the host's own.
fn some_other_address(own: &Address) -> Option<IpAddr> {
    let IpNet::V4(network) = own.network() else { return None };
    network.hosts().map(IpAddr::V4).find(|address| *address != own.address)
}

fn finding(
    node: &NodeView<'_>,
    subject: String,
    summary: String,
    facts: Vec<String>,
    remedy: &str,
) -> Finding {
    let source = node.name().as_str();
    Finding {
        code: RULE.code,
        severity: Severity::Warn,
        basis: Basis::Observed,
        subject,
        nodes: vec![node.name().clone()],
        summary,
        evidence: facts.into_iter().map(|fact| Evidence::new(source, fact)).collect(),
        impact:
            "answers leave by another way than the questions came, and are dropped for some peers"
                .into(),
        remedy: Remedy::text(remedy),
    }
}
