//! Routes of every form that `ip route` can make.

use kcilium_core::facts::{
    NextHop, NextHopFlag, Route, RouteKind, RouteProtocol, RouteScope, TableId,
};
use netlab::{Lab, require_root_netns};

use crate::inside::{assert_as_iproute2, ip_batch_v6, node, route, routes};

const V4: &str = "\
route add default via 10.0.0.1
route add 10.1.0.0/16 via 10.0.0.1 metric 50 mtu 1400
route add 10.2.0.0/16 dev eth0 scope link src 10.0.0.2 proto static
route add 10.3.0.0/16 nexthop via 10.0.0.1 weight 2 nexthop via 192.0.2.1 dev eth1 weight 256 onlink
route add blackhole 10.4.0.0/16
route add unreachable 10.5.0.0/16 metric 4278198272
route add prohibit 10.6.0.0/16
route add throw 10.7.0.0/16 table 100
route add 10.8.0.0/16 via inet6 fe80::1 dev eth0
route add 10.9.128.0/17 via 10.0.0.1 table 4000000000 proto bird
route add 10.10.0.0/16 tos 0x10 dev eth0
route add 10.11.0.0/16 via 192.0.2.1 dev eth0 onlink
route add local 10.12.0.0/24 dev lo table local
route add 10.13.0.0/16 nexthop via inet6 fe80::1 dev eth0 nexthop via 10.9.0.1
route add 10.14.0.0/16 via 10.0.0.1 proto 80 mtu lock 1300
";

const V6: &str = "\
route add default via fe80::1 dev eth0 metric 512
route add 2001:db8:1::/48 via 2001:db8::1 mtu 1300
route add 2001:db8:2::/48 nexthop via 2001:db8::1 weight 3 nexthop via fe80::1 dev eth1
route add 2001:db8:3::/48 from 2001:db8:9::/48 via 2001:db8::1
route add blackhole 2001:db8:4::/48
route add unreachable 2001:db8:5::/48 metric 4278198272
route add prohibit 2001:db8:6::/48
route add throw 2001:db8:7::/48
route add 2001:db8:8::/48 dev eth1 table 5000 src 2001:db8::2
";

fn hop(link: &str, gateway: &str, weight: u16, flags: &[NextHopFlag]) -> NextHop {
    NextHop {
        link: Some(link.into()),
        gateway: (!gateway.is_empty()).then(|| gateway.parse().unwrap()),
        weight,
        flags: flags.to_vec(),
    }
}

fn lab() -> Option<(Lab, netlab::Namespace)> {
    if !require_root_netns() {
        return None;
    }
    let lab = Lab::new("routes").unwrap();
    let node = node(&lab);
    node.ip_batch(V4).unwrap();
    ip_batch_v6(&lab, &node, V6);
    Some((lab, node))
}

/// A route as `ip route add PREFIX via ROUTER` makes it.
fn plain(destination: &str, next_hops: Vec<NextHop>) -> Route {
    Route {
        destination: destination.parse().unwrap(),
        kind: RouteKind::Unicast,
        table: TableId::MAIN,
        protocol: RouteProtocol::BOOT,
        scope: RouteScope::GLOBAL,
        metric: 0,
        tos: 0,
        preferred_source: None,
        source: None,
        mtu: None,
        next_hops,
    }
}

#[test]
fn ipv4_routes_say_what_was_written() {
    let Some((_lab, node)) = lab() else { return };
    let routes = routes(&node);
    let expected = [
        plain("0.0.0.0/0", vec![hop("eth0", "10.0.0.1", 0, &[])]),
        Route {
            metric: 50,
            mtu: Some(1400),
            ..plain("10.1.0.0/16", vec![hop("eth0", "10.0.0.1", 0, &[])])
        },
        Route {
            scope: RouteScope::LINK,
            preferred_source: Some("10.0.0.2".parse().unwrap()),
            protocol: RouteProtocol::STATIC,
            ..plain("10.2.0.0/16", vec![hop("eth0", "", 0, &[])])
        },
        plain(
            "10.3.0.0/16",
            vec![
                hop("eth0", "10.0.0.1", 2, &[]),
                hop("eth1", "192.0.2.1", 256, &[NextHopFlag::Onlink]),
            ],
        ),
        Route { kind: RouteKind::Blackhole, ..plain("10.4.0.0/16", vec![]) },
        Route {
            kind: RouteKind::Unreachable,
            metric: 4_278_198_272,
            ..plain("10.5.0.0/16", vec![])
        },
        Route { kind: RouteKind::Prohibit, ..plain("10.6.0.0/16", vec![]) },
        Route { kind: RouteKind::Throw, table: TableId(100), ..plain("10.7.0.0/16", vec![]) },
        plain("10.8.0.0/16", vec![hop("eth0", "fe80::1", 0, &[])]),
        Route {
            table: TableId(4_000_000_000),
            protocol: RouteProtocol::BIRD,
            ..plain("10.9.128.0/17", vec![hop("eth0", "10.0.0.1", 0, &[])])
        },
        Route {
            tos: 0x10,
            scope: RouteScope::LINK,
            ..plain("10.10.0.0/16", vec![hop("eth0", "", 0, &[])])
        },
        plain("10.11.0.0/16", vec![hop("eth0", "192.0.2.1", 0, &[NextHopFlag::Onlink])]),
        Route {
            kind: RouteKind::Local,
            table: TableId::LOCAL,
            scope: RouteScope::HOST,
            ..plain("10.12.0.0/24", vec![hop("lo", "", 0, &[])])
        },
        plain(
            "10.13.0.0/16",
            vec![hop("eth0", "fe80::1", 1, &[]), hop("eth1", "10.9.0.1", 1, &[])],
        ),
        Route {
            protocol: RouteProtocol::CALICO,
            mtu: Some(1300),
            ..plain("10.14.0.0/16", vec![hop("eth0", "10.0.0.1", 0, &[])])
        },
    ];
    for expected in expected {
        assert_eq!(route(&routes, &expected.destination.to_string()), &expected);
    }
}

#[test]
fn ipv6_routes_say_what_was_written() {
    let Some((_lab, node)) = lab() else { return };
    let routes = routes(&node);
    let plain = |destination, next_hops| Route { metric: 1024, ..plain(destination, next_hops) };
    // IPv6 gives its refusals a device.
    let refusal =
        |destination, kind| Route { kind, ..plain(destination, vec![hop("lo", "", 0, &[])]) };
    let expected = [
        Route { metric: 512, ..plain("::/0", vec![hop("eth0", "fe80::1", 0, &[])]) },
        Route {
            mtu: Some(1300),
            ..plain("2001:db8:1::/48", vec![hop("eth0", "2001:db8::1", 0, &[])])
        },
        plain(
            "2001:db8:2::/48",
            vec![hop("eth0", "2001:db8::1", 3, &[]), hop("eth1", "fe80::1", 1, &[])],
        ),
        Route {
            source: Some("2001:db8:9::/48".parse().unwrap()),
            ..plain("2001:db8:3::/48", vec![hop("eth0", "2001:db8::1", 0, &[])])
        },
        refusal("2001:db8:4::/48", RouteKind::Blackhole),
        Route { metric: 4_278_198_272, ..refusal("2001:db8:5::/48", RouteKind::Unreachable) },
        refusal("2001:db8:6::/48", RouteKind::Prohibit),
        refusal("2001:db8:7::/48", RouteKind::Throw),
        Route {
            table: TableId(5000),
            preferred_source: Some("2001:db8::2".parse().unwrap()),
            ..plain("2001:db8:8::/48", vec![hop("eth1", "", 0, &[])])
        },
    ];
    for expected in expected {
        assert_eq!(route(&routes, &expected.destination.to_string()), &expected);
    }
    // Of the kernel's own, the ones with metric 0.
    let local = route(&routes, "2001:db8::2/128");
    assert_eq!((local.kind, local.table, local.metric), (RouteKind::Local, TableId::LOCAL, 0));
}

#[test]
fn everything_is_as_iproute2_prints_it() {
    let Some((_lab, node)) = lab() else { return };
    assert_as_iproute2(&node);
}

#[test]
fn hops_without_carrier_and_hops_that_are_down_are_marked() {
    let Some((lab, node)) = lab() else { return };
    let flags = |destination: &str| {
        let routes = routes(&node);
        let hops = &route(&routes, destination).next_hops;
        hops.iter().map(|hop| hop.flags.clone()).collect::<Vec<_>>()
    };
    let router = lab.prefix().to_owned() + "router";
    let no_carrier = |link: &str| {
        let command = std::process::Command::new("ip")
            .args(["-n", &router, "link", "set", link, "down"])
            .status();
        assert!(command.unwrap().success());
    };

    no_carrier("lan1");
    node.sysctl("net.ipv4.conf.eth1.ignore_routes_with_linkdown", "1").unwrap();
    wait_for(|| flags("10.9.0.0/24") == [[NextHopFlag::Dead, NextHopFlag::Linkdown]]);
    assert_eq!(flags("10.13.0.0/16")[0], []);
    assert_eq!(flags("10.13.0.0/16")[1], [NextHopFlag::Dead, NextHopFlag::Linkdown]);
    node.sysctl("net.ipv4.conf.eth1.ignore_routes_with_linkdown", "0").unwrap();
    assert_eq!(flags("10.9.0.0/24"), [[NextHopFlag::Linkdown]]);
    assert_as_iproute2(&node);

    no_carrier("lan0");
    wait_for(|| flags("10.1.0.0/16") == [[NextHopFlag::Linkdown]]);
    assert_eq!(flags("2001:db8:1::/48"), [[NextHopFlag::Linkdown]]);
    assert_as_iproute2(&node);
}

fn wait_for(condition: impl Fn() -> bool) {
    for _ in 0..100 {
        if condition() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("it did not come to pass");
}

#[test]
fn a_namespace_without_ipv6_has_only_ipv4_routes() {
    if !require_root_netns() {
        return;
    }
    let lab = Lab::new("no IPv6").unwrap();
    let node = lab.namespace("node").unwrap();
    node.sysctl("net.ipv6.conf.all.disable_ipv6", "1").unwrap();
    assert!(routes(&node).iter().all(|route| route.destination.addr().is_ipv4()));
    assert_as_iproute2(&node);
}
