//! One table against a scan over all of its routes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use kcilium_core::{
    facts::{NextHop, Route, RouteKind, RouteProtocol, RouteScope, TableId},
    routing::Table,
};
use proptest::prelude::*;

fn route(destination: IpNet, metric: u32, tos: u8) -> Route {
    Route {
        destination,
        kind: RouteKind::Unicast,
        table: TableId::MAIN,
        protocol: RouteProtocol::BOOT,
        scope: RouteScope::LINK,
        metric,
        tos,
        preferred_source: None,
        source: None,
        mtu: None,
        next_hops: vec![NextHop { link: Some("eth0".into()), ..NextHop::default() }],
    }
}

/// Few addresses and all lengths, so that prefixes collide, nest and repeat; host bits stay.
fn route_v4() -> impl Strategy<Value = Route> {
    (0_u32..256, 0_u8..=32, 0_u32..3, 0_u8..2).prop_map(|(low, length, metric, tos)| {
        let net = Ipv4Net::new(Ipv4Addr::from(0x0a00_0000 | low), length).unwrap();
        route(IpNet::V4(net), metric, tos * 16)
    })
}

fn route_v6() -> impl Strategy<Value = Route> {
    (0_u128..256, 0_u8..=128, 0_u32..3).prop_map(|(low, length, metric)| {
        let net = Ipv6Net::new(Ipv6Addr::from(0xfd << 120 | low), length).unwrap();
        route(IpNet::V6(net), metric, 0)
    })
}

/// All routes around the address: longest prefix, routes for a TOS, lowest metric, then as given.
fn scan(routes: &[Route], address: IpAddr) -> Vec<&Route> {
    let mut found: Vec<&Route> =
        routes.iter().filter(|route| route.destination.contains(&address)).collect();
    found.sort_by_key(|route| {
        let reversed = |value: u8| std::cmp::Reverse(value);
        (reversed(route.destination.prefix_len()), reversed(route.tos), route.metric)
    });
    found
}

proptest! {
    #[test]
    fn a_table_finds_what_a_scan_finds_in_the_same_order(
        routes in prop::collection::vec(route_v4(), 0..60),
        low in 0_u32..300,
    ) {
        let address = IpAddr::V4(Ipv4Addr::from(0x0a00_0000 | low));
        let found: Vec<&Route> = Table::new(&routes).matching(address).collect();
        prop_assert_eq!(found, scan(&routes, address));
    }

    #[test]
    fn a_table_of_ipv6_finds_what_a_scan_finds_in_the_same_order(
        routes in prop::collection::vec(route_v6(), 0..60),
        low in 0_u128..300,
    ) {
        let address = IpAddr::V6(Ipv6Addr::from(0xfd << 120 | low));
        let found: Vec<&Route> = Table::new(&routes).matching(address).collect();
        prop_assert_eq!(found, scan(&routes, address));
    }
}

#[test]
fn an_empty_table_matches_nothing() {
    let table = Table::new(&[]);
    assert_eq!(table.matching(IpAddr::V4(Ipv4Addr::LOCALHOST)).count(), 0);
}

#[test]
fn an_address_of_the_other_family_matches_nothing() {
    let routes = [route("0.0.0.0/0".parse().unwrap(), 0, 0)];
    let table = Table::new(&routes);
    assert_eq!(table.matching(IpAddr::V6(Ipv6Addr::LOCALHOST)).count(), 0);
    assert_eq!(table.matching(IpAddr::V4(Ipv4Addr::LOCALHOST)).count(), 1);
}
