//! The decoder of `ip -j` against what iproute2 (6.1) printed for every kind of route and rule that
//! a kernel (6.18) took, and against oddities.

use kcilium_core::{
    decode::iproute2::{addresses, links, routes, rules},
    facts::{
        Family, FwMark, LinkFlag, NextHop, NextHopFlag, Peer, Route, RouteKind, RouteProtocol,
        RouteScope, RoutingRule, RuleAction, TableId, ValueRange,
    },
};

use crate::fixture::text;

fn recorded_routes(file: &str) -> Vec<Route> {
    routes(&text(&format!("iproute2/{file}"))).unwrap()
}

fn recorded_rules(file: &str, family: Family) -> Vec<RoutingRule> {
    rules(&text(&format!("iproute2/{file}")), family).unwrap()
}

/// The route to a destination in a table.
fn to<'r>(routes: &'r [Route], destination: &str, table: u32) -> &'r Route {
    let mut found = routes.iter().filter(|route| {
        route.destination.to_string() == destination && route.table == TableId(table)
    });
    let route = found.next().unwrap_or_else(|| panic!("no route to {destination} in {table}"));
    assert_eq!(found.next(), None, "{destination} in {table} is there twice");
    route
}

fn hop(gateway: &str, link: &str) -> NextHop {
    NextHop {
        gateway: (!gateway.is_empty()).then(|| gateway.parse().unwrap()),
        link: Some(link.into()),
        ..NextHop::default()
    }
}

fn weighted(gateway: &str, link: &str, weight: u16, flags: &[NextHopFlag]) -> NextHop {
    NextHop { weight, flags: flags.to_vec(), ..hop(gateway, link) }
}

fn at(rules: &[RoutingRule], priority: u32) -> &RoutingRule {
    rules.iter().find(|rule| rule.priority == priority).unwrap()
}

#[test]
fn names_numbers_and_details_decode_to_the_same_routes() {
    let named = recorded_routes("route.json");
    assert_eq!(named.len(), 61);
    assert_eq!(recorded_routes("route-numeric.json"), named);
    assert_eq!(recorded_routes("route-detailed.json"), named);
    let v6: Vec<Route> = named.into_iter().filter(|route| route.family() == Family::V6).collect();
    assert_eq!(recorded_routes("route6-numeric.json"), v6);
}

#[test]
fn names_numbers_and_details_decode_to_the_same_rules() {
    let named = recorded_rules("rule.json", Family::V4);
    assert_eq!(named.len(), 38);
    assert_eq!(recorded_rules("rule-numeric.json", Family::V4), named);
    assert_eq!(recorded_rules("rule-detailed.json", Family::V4), named);
    let v6 = recorded_rules("rule6.json", Family::V6);
    assert_eq!((v6.len(), v6[0].family), (6, Family::V6));
    assert_eq!(recorded_rules("rule6-numeric.json", Family::V6), v6);
}

#[test]
fn every_kind_of_route_is_told_apart() {
    for file in ["route.json", "route-numeric.json"] {
        let routes = recorded_routes(file);
        for (destination, table, kind) in [
            ("10.9.0.0/16", 100, RouteKind::Unicast),
            ("192.0.2.1/32", 255, RouteKind::Local),
            ("192.0.2.255/32", 255, RouteKind::Broadcast),
            ("10.19.0.0/16", 255, RouteKind::Anycast),
            ("239.1.0.0/16", 300, RouteKind::Multicast),
            ("10.11.0.0/16", 254, RouteKind::Blackhole),
            ("10.12.0.0/16", 254, RouteKind::Unreachable),
            ("10.13.0.0/16", 254, RouteKind::Prohibit),
            ("10.14.0.0/16", 100, RouteKind::Throw),
            ("fd03::/16", 254, RouteKind::Blackhole),
            ("fd04::/16", 254, RouteKind::Unreachable),
            ("fd05::/16", 254, RouteKind::Prohibit),
            ("fd06::/16", 100, RouteKind::Throw),
            // A route over a nexthop object that drops.
            ("10.7.0.0/16", 254, RouteKind::Blackhole),
        ] {
            assert_eq!(to(&routes, destination, table).kind, kind, "{file}: {destination}");
        }
        assert!(routes.iter().all(|route| route.kind != RouteKind::Other), "{file}");
    }
}

#[test]
fn next_hops_keep_gateway_device_weight_and_state() {
    let routes = recorded_routes("route.json");
    let hops = |destination| to(&routes, destination, 254).next_hops.clone();
    let linkdown = [NextHopFlag::Linkdown];
    assert_eq!(
        hops("10.1.0.0/16"),
        [weighted("192.0.2.254", "a0", 2, &[]), weighted("198.51.100.254", "b0", 1, &linkdown)]
    );
    assert_eq!(
        hops("fd01::/16"),
        [weighted("2001:db8:a::fe", "a0", 2, &[]), weighted("2001:db8:b::fe", "b0", 1, &linkdown)]
    );
    assert_eq!(hops("10.4.0.0/16"), [weighted("203.0.113.1", "a0", 0, &[NextHopFlag::Onlink])]);
    // Over nexthop objects.
    assert_eq!(hops("10.5.0.0/16"), [hop("192.0.2.254", "a0")]);
    // Connected, and nowhere.
    assert_eq!(hops("192.0.2.0/24"), [hop("", "a0")]);
    assert_eq!(hops("10.11.0.0/16"), []);
}

#[test]
fn gateways_of_the_other_family_are_gateways() {
    let routes = recorded_routes("route.json");
    let hops = |destination| to(&routes, destination, 254).next_hops.clone();
    assert_eq!(hops("10.2.0.0/16"), [hop("2001:db8:a::99", "a0")]);
    assert_eq!(
        hops("10.3.0.0/16"),
        [
            weighted("2001:db8:a::99", "a0", 1, &[]),
            weighted("198.51.100.254", "b0", 1, &[NextHopFlag::Linkdown]),
        ]
    );
    assert_eq!(to(&routes, "10.2.0.0/16", 254).family(), Family::V4);
}

#[test]
fn dead_next_hops_are_dead() {
    let routes = recorded_routes("route-dead.json");
    let dead = [NextHopFlag::Dead, NextHopFlag::Linkdown];
    for (destination, gateway) in
        [("10.1.0.0/16", "198.51.100.254"), ("fd01::/16", "2001:db8:b::fe")]
    {
        let hops = &to(&routes, destination, 254).next_hops;
        assert_eq!(hops[1], weighted(gateway, "b0", 1, &dead), "{destination}");
    }
}

#[test]
fn attributes_of_routes_are_kept() {
    let routes = recorded_routes("route.json");
    let v4_default = routes
        .iter()
        .find(|route| route.is_default() && route.family() == Family::V4 && route.metric == 100);
    let v4_default = v4_default.unwrap();
    assert_eq!(v4_default.protocol.to_string(), "dhcp");
    assert_eq!(v4_default.preferred_source, Some("192.0.2.1".parse().unwrap()));
    assert_eq!(to(&routes, "10.9.0.0/16", 100).mtu, Some(1400));
    assert_eq!(to(&routes, "fd07::/16", 254).mtu, Some(1300));
    assert_eq!(to(&routes, "10.10.0.0/16", 254).protocol, RouteProtocol::BIRD);
    assert_eq!(to(&routes, "10.10.1.0/24", 254).protocol, RouteProtocol::CALICO);
    assert_eq!(to(&routes, "10.18.0.0/16", 300).scope, RouteScope(77));
    assert_eq!(to(&routes, "fd02::/16", 254).source, Some("fd99::/16".parse().unwrap()));
    let tos: Vec<u8> = routes
        .iter()
        .filter(|route| route.destination.to_string() == "10.8.0.0/16")
        .map(|route| route.tos)
        .collect();
    assert_eq!(tos, [0x10, 0x08]);
    assert_eq!(to(&routes, "::1/128", 255).scope, RouteScope::GLOBAL);
}

#[test]
fn default_routes_are_of_the_family_that_their_words_tell() {
    let routes = recorded_routes("route.json");
    let defaults: Vec<String> = routes
        .iter()
        .filter(|route| route.is_default())
        .map(|route| format!("{} {}", route.family(), route.table))
        .collect();
    assert_eq!(
        defaults,
        [
            "IPv4 400",
            "IPv4 400",
            "IPv4 2004",
            "IPv4 2005",
            "IPv4 main",
            "IPv4 main",
            "IPv6 400",
            "IPv6 2004",
            "IPv6 main",
            "IPv6 main",
            "IPv6 main",
        ]
    );
}

#[test]
fn the_destination_of_a_tunnel_is_not_the_destination_of_its_route() {
    let routes = recorded_routes("route.json");
    let route = to(&routes, "10.16.0.0/16", 254);
    assert_eq!((route.tos, &route.next_hops[..]), (0, &[hop("", "a0")][..]));
    assert!(routes.iter().all(|route| route.destination.to_string() != "192.0.2.33/32"));
}

#[test]
fn actions_of_rules_are_told_apart() {
    for file in ["rule.json", "rule-numeric.json"] {
        let rules = recorded_rules(file, Family::V4);
        for (priority, action) in [
            (0, RuleAction::Lookup(TableId::LOCAL)),
            (10, RuleAction::Lookup(TableId(100))),
            (24, RuleAction::Blackhole),
            (25, RuleAction::Unreachable),
            (26, RuleAction::Prohibit),
            (28, RuleAction::Goto(32_766)),
            (29, RuleAction::Nop),
            (30, RuleAction::LookupVrf),
            (37, RuleAction::Lookup(TableId(4_000_000_000))),
            (32_767, RuleAction::Lookup(TableId::DEFAULT)),
        ] {
            assert_eq!(at(&rules, priority).action, action, "{file}: {priority}");
        }
    }
}

#[test]
fn a_goto_without_a_target_keeps_its_number_or_does_nothing() {
    let recorded = recorded_rules("rule.json", Family::V4);
    assert_eq!(at(&recorded, 27).action, RuleAction::Goto(50));
    let none = rules(r#"[{"priority":27,"src":"all","goto":"none"}]"#, Family::V4).unwrap();
    assert_eq!(none[0].action, RuleAction::Nop);
}

#[test]
fn selectors_of_rules_are_kept() {
    let rules = recorded_rules("rule.json", Family::V4);
    let range = |start, end| Some(ValueRange { start, end });
    let both = at(&rules, 10);
    assert_eq!(both.from, Some("10.1.0.0/16".parse().unwrap()));
    assert_eq!(both.to, Some("10.2.0.0/16".parse().unwrap()));
    assert_eq!(at(&rules, 33).to, Some("10.9.9.9/32".parse().unwrap()));
    let wireguard = at(&rules, 11);
    assert!(wireguard.invert);
    assert_eq!(wireguard.mark, Some(FwMark { value: 0xca6c, mask: u32::MAX }));
    assert_eq!(at(&rules, 12).suppress_prefix_length, Some(0));
    assert_eq!(at(&rules, 13).mark, Some(FwMark { value: 0x200, mask: 0xf00 }));
    assert_eq!(at(&rules, 14).incoming, Some("a0".into()));
    assert_eq!(at(&rules, 15).outgoing, Some("b0".into()));
    // A device that is not there does not make the rule match.
    assert_eq!(at(&rules, 16).incoming, Some("nosuch".into()));
    assert_eq!((at(&rules, 17).tos, at(&rules, 18).tos), (0x10, 0x08));
    assert_eq!(at(&rules, 19).users, range(1000, 1999));
    assert_eq!(at(&rules, 20).ip_protocol, Some(6));
    assert_eq!(at(&rules, 21).destination_ports, range(53, 53));
    assert_eq!(at(&rules, 22).source_ports, range(1000, 2000));
    assert_eq!(at(&rules, 22).destination_ports, range(80, 90));
    assert_eq!(at(&rules, 34).protocol, RouteProtocol::BIRD);
    assert_eq!(at(&rules, 0).protocol, RouteProtocol::KERNEL);
    assert!(at(&rules, 0).matches_all());
    assert!([10, 11, 13, 14, 15, 17, 19, 20, 21].iter().all(|at_| !at(&rules, *at_).matches_all()));
}

#[test]
fn ip_protocols_are_numbers() {
    for file in ["rule.json", "rule-numeric.json"] {
        let rules = recorded_rules(file, Family::V4);
        let protocols: Vec<u8> = rules.iter().filter_map(|rule| rule.ip_protocol).collect();
        assert_eq!(protocols, [6, 17, 6, 89, 58, 132, 47, 50], "{file}");
    }
}

#[test]
fn rules_of_ipv6_have_prefixes_of_ipv6() {
    let rules = recorded_rules("rule6.json", Family::V6);
    assert_eq!(at(&rules, 10).from, Some("fd00::/8".parse().unwrap()));
    assert_eq!(at(&rules, 11).action, RuleAction::LookupVrf);
    assert_eq!(at(&rules, 12).action, RuleAction::Prohibit);
}

#[test]
fn links_keep_their_kind_peer_flags_and_names() {
    let links = links(&text("iproute2/link.json")).unwrap();
    let link = |name: &str| links.iter().find(|link| link.name.as_str() == name).unwrap();
    assert_eq!(link("a0").altnames, ["enp3s0f0np0", "anotherlongaltname"]);
    assert_eq!(link("a0").kind.as_deref(), Some("veth"));
    assert_eq!(link("a0").peer, Some(Peer::Here("a1".into())));
    assert_eq!(link("x0").peer, Some(Peer::Elsewhere { index: 2, namespace_id: Some(0) }));
    assert_eq!((link("lo").peer.clone(), link("lo").kind.clone()), (None, None));
    assert_eq!(link("lo").flags, [LinkFlag::Up, LinkFlag::LowerUp, LinkFlag::Loopback]);
    assert_eq!((link("b0").flags.clone(), link("b0").mtu), (Vec::new(), 1500));
    assert_eq!(link("a0").hardware_address.as_deref(), Some("06:29:3c:28:b6:59"));
}

#[test]
fn addresses_of_all_devices_are_kept() {
    let addresses = addresses(&text("iproute2/addr.json")).unwrap();
    let on = |link: &str| -> Vec<String> {
        let own = addresses.iter().filter(|own| own.link.as_str() == link);
        own.map(|own| format!("{}/{} {}", own.address, own.prefix_len, own.scope)).collect()
    };
    assert_eq!(
        on("a0"),
        ["192.0.2.1/24 global", "2001:db8:a::1/64 global", "fe80::429:3cff:fe28:b659/64 link"]
    );
    assert_eq!(on("lo"), ["127.0.0.1/8 host", "::1/128 host"]);
    assert_eq!(on("x0"), [""; 0]);
}

#[test]
fn nothing_printed_is_nothing_there() {
    for nothing in ["", "\n", "[]", "[  ]", "[{}]", "[{},{}]"] {
        assert_eq!(routes(nothing), Ok(Vec::new()), "{nothing:?}");
        assert_eq!(rules(nothing, Family::V4), Ok(Vec::new()), "{nothing:?}");
        assert_eq!(links(nothing), Ok(Vec::new()), "{nothing:?}");
        assert_eq!(addresses(nothing), Ok(Vec::new()), "{nothing:?}");
    }
}

#[test]
fn empty_objects_among_others_are_skipped() {
    let found = routes(r#"[{},{"dst":"default","gateway":"10.0.0.1","dev":"eth0","flags":[]},{}]"#);
    assert_eq!(found.unwrap().len(), 1);
    let found =
        addresses(r#"[{},{"ifname":"eth0","addr_info":[{},{"local":"10.0.0.1","prefixlen":8}]}]"#);
    assert_eq!(found.unwrap().len(), 1);
}

#[test]
fn a_name_that_is_not_known_here_is_an_error_that_names_entry_and_remedy() {
    let route = |field: &str| {
        let text = format!(r#"[{{}},{{"dst":"10.9.0.0/16","dev":"eth0",{field}}}]"#);
        routes(&text).unwrap_err().to_string()
    };
    for (field, name) in [
        (r#""table":"wireguard""#, "table name `wireguard`"),
        (r#""protocol":"nhrp""#, "protocol name `nhrp`"),
        (r#""scope":"campus""#, "scope name `campus`"),
    ] {
        let error = route(field);
        assert!(error.starts_with("entry 2, route 10.9.0.0/16: unknown "), "{error}");
        assert!(
            error.contains(name) && error.ends_with("record with `ip -N` to get numbers"),
            "{error}"
        );
    }
    let rule = |field: &str| {
        let text = format!(r#"[{{"priority":7,"src":"all",{field}}}]"#);
        rules(&text, Family::V4).unwrap_err().to_string()
    };
    for (field, name) in [
        (r#""table":"wireguard""#, "table name `wireguard`"),
        (r#""table":"main","ipproto":"homa""#, "IP protocol `homa`"),
        (r#""table":"main","protocol":"nhrp""#, "protocol name `nhrp`"),
    ] {
        let error = rule(field);
        assert!(error.starts_with("entry 1, rule 7: unknown "), "{error}");
        assert!(
            error.contains(name) && error.ends_with("record with `ip -N` to get numbers"),
            "{error}"
        );
    }
}

#[test]
fn what_makes_no_sense_is_an_error_that_names_the_entry() {
    for (text, reason) in [
        (r#"[{"dst":"10.0.0.0/33"}]"#, "entry 1, route 10.0.0.0/33"),
        (r#"[{"dst":"nowhere"}]"#, "`nowhere` is not an address or a prefix"),
        (r#"[{"dst":"10.0.0.0/8","tos":"0x1ff"}]"#, "tos 511 is out of range"),
        (r#"[{"dst":"10.0.0.0/8","tos":"lowdelay"}]"#, "`lowdelay` is not a number"),
        (r#"[{"dst":"10.0.0.0/8","from":"x"}]"#, "`x` is not an address or a prefix"),
        (r#"{"dst":"default"}"#, "invalid type: map, expected a sequence"),
        (r#"[{"dst":"default""#, "EOF while parsing"),
        (r#"["default"]"#, "invalid type: string \"default\", expected a route"),
        ("RTNETLINK answers: Operation not permitted", "expected value"),
    ] {
        let error = routes(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
    for (text, reason) in [
        (r#"[{"priority":1,"src":"all"}]"#, "entry 1, rule 1: neither a table nor an action"),
        (r#"[{"priority":1,"src":"all","action":"12"}]"#, "unknown action `12`"),
        (r#"[{"priority":1,"src":"x","table":"main"}]"#, "`x` is not an address"),
        (r#"[{"priority":1,"src":"10.0.0.0","srclen":40,"table":"main"}]"#, "prefix length 40"),
        (r#"[{"priority":1,"src":"all","fwmark":"red","table":"main"}]"#, "`red` is not a number"),
    ] {
        let error = rules(text, Family::V4).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}
