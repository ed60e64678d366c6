//! Routes by way of `ip nexthop` objects.

use kcilium_core::facts::{NextHop, Route, RouteKind};
use netlab::{Lab, Namespace, require_root_netns};

use crate::inside::{assert_as_iproute2, node, route, routes};

const OBJECTS: &str = "\
nexthop add id 1 via 10.0.0.1 dev eth0
nexthop add id 2 via 10.9.0.1 dev eth1 onlink
nexthop add id 3 blackhole
nexthop add id 4 via fe80::1 dev eth0
nexthop add id 5 via fe80::1 dev eth1
nexthop add id 10 group 1/2,5
nexthop add id 11 group 4/5,200
nexthop add id 12 group 1
route add 10.1.0.0/16 nhid 1
route add 10.2.0.0/16 nhid 10
route add 10.3.0.0/16 nhid 3
route add 10.4.0.0/16 nhid 4
route add 10.5.0.0/16 nhid 12
route add 2001:db8:1::/48 nhid 4
route add 2001:db8:2::/48 nhid 11
";

fn lab() -> Option<(Lab, Namespace)> {
    if !require_root_netns() {
        return None;
    }
    let lab = Lab::new("nexthop objects").unwrap();
    let node = node(&lab);
    node.ip_batch(OBJECTS).unwrap();
    Some((lab, node))
}

/// Interface, gateway and weight of each hop.
fn hops(routes: &[Route], destination: &str) -> Vec<(String, String, u16)> {
    let written = |hop: &NextHop| {
        let gateway = hop.gateway.map(|gateway| gateway.to_string()).unwrap_or_default();
        (hop.link.as_ref().map(ToString::to_string).unwrap_or_default(), gateway, hop.weight)
    };
    route(routes, destination).next_hops.iter().map(written).collect()
}

fn hop(link: &str, gateway: &str, weight: u16) -> (String, String, u16) {
    (link.to_owned(), gateway.to_owned(), weight)
}

fn assert_resolved(routes: &[Route]) {
    assert_eq!(hops(routes, "10.1.0.0/16"), [hop("eth0", "10.0.0.1", 0)]);
    assert_eq!(
        hops(routes, "10.2.0.0/16"),
        [hop("eth0", "10.0.0.1", 1), hop("eth1", "10.9.0.1", 5)]
    );
    assert_eq!(route(routes, "10.3.0.0/16").kind, RouteKind::Blackhole);
    assert_eq!(hops(routes, "10.4.0.0/16"), [hop("eth0", "fe80::1", 0)]);
    assert_eq!(hops(routes, "10.5.0.0/16"), [hop("eth0", "10.0.0.1", 0)]);
    assert_eq!(hops(routes, "2001:db8:1::/48"), [hop("eth0", "fe80::1", 0)]);
    assert_eq!(
        hops(routes, "2001:db8:2::/48"),
        [hop("eth0", "fe80::1", 1), hop("eth1", "fe80::1", 200)]
    );
}

#[test]
fn the_kernel_writes_them_out() {
    let Some((_lab, node)) = lab() else { return };
    assert_eq!(node.sysctl_get("net.ipv4.nexthop_compat_mode").unwrap(), "1");
    assert_resolved(&routes(&node));
    assert_as_iproute2(&node);
}

#[test]
fn where_the_kernel_does_not_they_are_looked_up() {
    let Some((_lab, node)) = lab() else { return };
    node.sysctl("net.ipv4.nexthop_compat_mode", "0").unwrap();
    assert_resolved(&routes(&node));
}
