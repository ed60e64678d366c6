use std::net::IpAddr;

use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{Address, DhcpLease},
    view::{Fate, NodeView, View},
};

rule! {
    /// ## What it checks
    /// On a host that has its address from DHCP, whether packets to the server that lent it go into
    /// Cilium: its address lies in a pod CIDR. Leases of networkd, NetworkManager and dhclient count
    /// whose address the host still has. The host's own files tell it, so it is judged with `--local`.
    ///
    /// ## Why it hurts
    /// After half of a lease the host asks that server for more time, in a packet to its address. Where
    /// it goes into Cilium there is no answer. Many clients ask everybody in the end, by broadcast; where
    /// that fails too, the host loses its address, hours after Cilium was installed.
    ///
    /// ## Fix
    /// Move pods to a pod CIDR without the LAN's addresses (see CIDR-01). Until then a route to that
    /// address alone holds.
    ///
    /// ## References
    /// - RFC 2131, section 4.4.5, "Reacquisition and expiration"
    "HOST-08", Warn, State, "the DHCP server is lost to Cilium", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    for node in view.nodes() {
        let Some(leases) = premise::of_host(node, |host| &host.leases, "DHCP leases", out) else {
            continue;
        };
        let addresses = match node.facts.addresses.get() {
            Ok(addresses) => addresses,
            Err(why) => {
                out.missing_on(node.name(), "addresses", why);
                continue;
            }
        };
        for lease in leases {
            if !addresses.iter().any(|own| own.address == lease.address) {
                continue;
            }
            let fate = node.fate(lease.server);
            if let Fate::Unknown(why) = fate {
                out.missing_on(node.name(), format!("the way to {}", lease.server), why);
            } else if fate.into_cilium().is_some() {
                out.found(finding(node, lease, &fate));
            }
        }
    }
}

/// The gateway of the link with that address, in the address's family.
fn router(node: &NodeView<'_>, own: Option<&Address>) -> Option<IpAddr> {
    let own = own?;
    let routes =
        node.facts.routes.items().iter().filter(|route| route.destination.prefix_len() == 0);
    let hops = routes.flat_map(|route| &route.next_hops);
    let on_link = hops.filter(|hop| hop.link.as_ref() == Some(&own.link));
    on_link.filter_map(|hop| hop.gateway).find(|it| it.is_ipv4() == own.address.is_ipv4())
}

fn finding(node: &NodeView<'_>, lease: &DhcpLease, fate: &Fate<'_>) -> Finding {
    let DhcpLease { address, server, file } = lease;
    // The way that the lease itself stands for.
    let own = node.facts.addresses.items().iter().find(|own| own.address == *address);
    let link = own.map_or_else(|| "DEVICE".into(), |own| super::quoted(own.link.as_str()));
    // Behind a relay it is reached by a router; on the link itself nobody would answer for it.
    let via = match own {
        Some(own) if own.network().contains(server) => String::new(),
        _ => format!(
            "via {} ",
            router(node, own).map_or_else(|| "ROUTER".into(), |it| it.to_string())
        ),
    };
    Finding::about(RULE.code, Severity::Warn, server.to_string())
        .on(node.name())
        .saying(
            format!("{address} was lent by {server}, and packets to it go into Cilium"),
            "the lease cannot be renewed in the usual way; the host may lose its address hours later",
        )
        .seen(format!("{file} of {}", node.name()), format!("{address}, by server {server}"))
        .seen(format!("routes of {}", node.name()), fate.in_words())
        .mended_by(
            Remedy::text(
                "move pods to a pod CIDR without the LAN's addresses; until then keep a route to \
                 the server",
            )
            .with_commands([
                format!("# on {}, until pods have moved", node.name()),
                format!("ip route add {server} {via}dev {link}"),
            ]),
        )
}
