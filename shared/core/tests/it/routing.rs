//! Route lookup, as the kernel does it. What is expected here was asked of a kernel (6.18) by hand.

use kcilium_core::{
    facts::{Fact, Family, LookupRefusal, NodeFacts, Unavailable},
    routing::{Decision, Router},
};

use crate::notation::host;

const DEFAULT_RULES: &str = "
    rule 0: lookup local
    rule 32766: lookup main
    rule 32767: lookup default
    rule6 0: lookup local
    rule6 32766: lookup main
";

/// What becomes of a packet, in words: `via 10.0.0.1 dev eth0`, several ways joined by `or`.
fn way(node: &NodeFacts, address: &str) -> String {
    match Router::new(node).unwrap().look_up(address.parse().unwrap()) {
        Decision::Route { hops, .. } => {
            let words = hops.iter().map(|hop| {
                let link = hop.link.as_ref().map(ToString::to_string).unwrap_or_default();
                match hop.gateway {
                    Some(gateway) => format!("via {gateway} dev {link}"),
                    None => format!("dev {link}"),
                }
            });
            words.collect::<Vec<_>>().join(" or ")
        }
        Decision::Refused { refusal, .. } => match refusal {
            LookupRefusal::NoRoute => "no route",
            LookupRefusal::Unreachable => "unreachable",
            LookupRefusal::Prohibited => "prohibited",
            LookupRefusal::Blackhole => "blackhole",
            LookupRefusal::Other => "other",
        }
        .into(),
    }
}

/// Checks ways on a host with the default rules, where the text names none.
fn assert_ways(text: &str, expected: &[(&str, &str)]) {
    let has_rules = text.contains("rule");
    let node = if has_rules { host(text) } else { host(&format!("{text}{DEFAULT_RULES}")) };
    for (address, way_out) in expected {
        assert_eq!(way(&node, address), *way_out, "{address}");
    }
}

#[test]
fn the_longest_prefix_wins_whatever_the_metric() {
    assert_ways(
        "
        default via 10.0.0.1 dev eth0
        10.0.0.0/8 dev eth1 metric 1
        10.0.0.0/16 dev eth2 metric 100
        10.0.0.0/24 via 10.0.2.208 dev cilium_host metric 900
        10.0.0.7 dev eth3 metric 4000000000
        ",
        &[
            ("1.1.1.1", "via 10.0.0.1 dev eth0"),
            ("10.9.9.9", "dev eth1"),
            ("10.0.9.9", "dev eth2"),
            ("10.0.0.1", "via 10.0.2.208 dev cilium_host"),
            ("10.0.0.7", "dev eth3"),
        ],
    );
}

#[test]
fn the_lowest_metric_wins_among_equal_prefixes() {
    assert_ways(
        "
        default via 10.0.0.1 dev eth0 metric 100
        default via 10.24.0.1 dev eth1 metric 50
        default via 10.1.0.1 dev wlan0 metric 600
        ",
        &[("1.1.1.1", "via 10.24.0.1 dev eth1")],
    );
}

#[test]
fn routes_for_a_tos_are_not_for_plain_packets() {
    assert_ways(
        "
        7.7.7.0/24 via 10.0.0.9 dev eth0 tos 0x10
        7.7.0.0/16 via 10.0.0.8 dev eth0
        ",
        &[("7.7.7.7", "via 10.0.0.8 dev eth0")],
    );
}

#[test]
fn routes_for_a_source_are_not_for_packets_without_one() {
    assert_ways(
        "
        2001:db8:f::/48 from 2001:db8:b::/64 via fe80::5 dev eth0
        2001:db8::/32 via fe80::9 dev eth0
        ",
        &[("2001:db8:f::1", "via fe80::9 dev eth0")],
    );
}

#[test]
fn a_throw_goes_on_with_the_next_rule() {
    assert_ways(
        "
        rule 70: lookup 77
        rule 32766: lookup main
        throw 3.3.3.0/24 table 77
        default via 10.0.0.88 dev eth0 table 77
        default via 10.0.0.1 dev eth0
        ",
        &[("3.3.3.3", "via 10.0.0.1 dev eth0"), ("3.3.4.4", "via 10.0.0.88 dev eth0")],
    );
}

#[test]
fn a_throw_does_not_fall_back_to_a_shorter_prefix_of_its_table() {
    assert_ways(
        "
        throw 3.3.3.0/24
        default via 10.0.0.1 dev eth0
        ",
        &[("3.3.3.3", "no route"), ("3.3.4.4", "via 10.0.0.1 dev eth0")],
    );
}

#[test]
fn refusing_routes_refuse_each_in_its_own_way() {
    assert_ways(
        "
        default via 10.0.0.1 dev eth0
        blackhole 10.1.0.0/16
        unreachable 10.2.0.0/16
        prohibit 10.3.0.0/16
        10.1.1.0/24 dev eth1
        blackhole fd00:1::/32 dev lo metric 1024
        unreachable fd00:2::/32 dev lo metric 1024
        prohibit fd00:3::/32 dev lo metric 1024
        ",
        &[
            ("10.1.0.1", "blackhole"),
            ("10.2.0.1", "unreachable"),
            ("10.3.0.1", "prohibited"),
            ("10.1.1.1", "dev eth1"),
            ("fd00:1::1", "blackhole"),
            ("fd00:2::1", "unreachable"),
            ("fd00:3::1", "prohibited"),
        ],
    );
}

#[test]
fn a_refusing_route_with_a_higher_metric_loses() {
    assert_ways(
        "
        10.244.0.0/24 via 10.244.0.120 dev cilium_host
        blackhole 10.244.0.0/24 metric 32
        ",
        &[("10.244.0.9", "via 10.244.0.120 dev cilium_host")],
    );
}

#[test]
fn refusing_rules_refuse_each_in_its_own_way() {
    assert_ways(
        "
        rule 90: to 9.9.9.9 unreachable
        rule 91: to 9.9.9.8 prohibit
        rule 92: to 9.9.9.7 blackhole
        rule 32766: lookup main
        default via 10.0.0.1 dev eth0
        ",
        &[
            // ENETUNREACH, as where nothing matches.
            ("9.9.9.9", "no route"),
            ("9.9.9.8", "prohibited"),
            ("9.9.9.7", "blackhole"),
            ("9.9.9.6", "via 10.0.0.1 dev eth0"),
        ],
    );
}

const WG_QUICK: &str = "
    rule 0: lookup local
    rule 32764: lookup main suppress_prefixlength 0
    rule 32765: not fwmark 0xca6c lookup 51820
    rule 32766: lookup main
    rule 32767: lookup default
    default dev wg0 table 51820
    default via 10.0.0.1 dev eth0
    10.0.0.0/16 dev eth0
";

#[test]
fn wg_quick_takes_what_main_has_only_a_default_route_for() {
    assert_ways(WG_QUICK, &[("1.1.1.1", "dev wg0"), ("10.0.0.1", "dev eth0")]);
}

#[test]
fn suppression_does_not_soften_a_refusal() {
    assert_ways(
        "
        rule 100: lookup main suppress_prefixlength 0
        rule 101: lookup 55
        unreachable default
        default via 10.0.0.5 dev eth0 table 55
        ",
        &[("2.2.2.2", "unreachable")],
    );
}

#[test]
fn suppression_is_by_the_length_of_the_prefix() {
    assert_ways(
        "
        rule 100: lookup main suppress_prefixlength 16
        rule 101: lookup 55
        10.0.0.0/16 dev eth0
        10.1.0.0/17 dev eth1
        default via 10.0.0.5 dev eth2 table 55
        ",
        &[("10.0.0.1", "via 10.0.0.5 dev eth2"), ("10.1.0.1", "dev eth1")],
    );
}

#[test]
fn rules_for_a_mark_do_not_match_plain_packets() {
    assert_ways(
        "
        rule 9: fwmark 0x200/0xf00 lookup 2004
        rule 10: fwmark 0xa00/0xf00 lookup 2005
        rule 100: lookup local
        rule 32766: lookup main
        local default dev lo table 2004
        default via 10.244.0.120 dev cilium_host table 2005
        default via 10.0.0.1 dev eth0
        ",
        &[("10.0.0.1", "via 10.0.0.1 dev eth0")],
    );
}

#[test]
fn a_mark_of_zero_and_a_mark_outside_its_mask_match() {
    assert_ways(
        "
        rule 30: fwmark 0/0xf to 8.8.8.8 lookup 77
        rule 31: fwmark 0x10/0x0f to 8.8.8.9 lookup 77
        rule 32: not fwmark 0x1 to 8.8.8.7 lookup 78
        rule 32766: lookup main
        default dev eth7 table 77
        default dev eth8 table 78
        default dev eth0
        ",
        &[("8.8.8.8", "dev eth7"), ("8.8.8.9", "dev eth7"), ("8.8.8.7", "dev eth8")],
    );
}

#[test]
fn an_inverted_rule_inverts_the_whole_selector() {
    assert_ways(
        "
        rule 31: not to 8.8.0.0/16 lookup 77
        rule 32766: lookup main
        default dev eth7 table 77
        default dev eth0
        ",
        &[("8.8.8.8", "dev eth0"), ("9.9.9.9", "dev eth7")],
    );
    // `not (from X and to Y)` holds for everything that is not from X.
    assert_ways(
        "
        rule 31: not from 10.9.0.0/16 to 8.8.0.0/16 lookup 77
        rule 32766: lookup main
        default dev eth7 table 77
        default dev eth0
        ",
        &[("8.8.8.8", "dev eth7"), ("9.9.9.9", "dev eth7")],
    );
}

#[test]
fn goto_jumps_forward_and_nop_goes_on() {
    assert_ways(
        "
        rule 10: to 10.1.0.0/16 goto 200
        rule 20: nop
        rule 100: lookup 77
        rule 200: lookup 78
        default dev eth7 table 77
        default dev eth8 table 78
        ",
        &[("10.1.0.1", "dev eth8"), ("10.2.0.1", "dev eth7")],
    );
}

#[test]
fn goto_without_a_target_does_nothing() {
    assert_ways(
        "
        rule 10: goto 50
        rule 100: lookup 77
        rule 200: goto 10
        default dev eth7 table 77
        ",
        &[("10.2.0.1", "dev eth7")],
    );
    // Backward as well: the kernel does not let it be added, a recording may hold it.
    assert_ways("rule 10: lookup 55 \n rule 200: goto 10", &[("10.2.0.1", "no route")]);
}

#[test]
fn selectors_that_a_plain_packet_lacks_do_not_match() {
    for selector in [
        "from 10.0.0.0/8",
        "oif eth0",
        "iif eth0",
        "tos 0x10",
        "uidrange 1000-1999",
        "ipproto tcp",
        "dport 53",
        "sport 1024",
        "l3mdev",
    ] {
        let text = format!(
            "
            rule 10: {selector} lookup 77
            rule 32766: lookup main
            default dev eth7 table 77
            default dev eth0
            "
        );
        assert_ways(&text, &[("10.2.0.1", "dev eth0")]);
    }
}

#[test]
fn selectors_that_a_plain_packet_of_this_host_has_match() {
    // As `ip route get` asks it: of root, from this host, UDP for IPv4.
    for selector in ["from 0.0.0.0/0", "iif lo", "uidrange 0-1000", "ipproto udp", "to 10.2.0.1"] {
        let text = format!(
            "
            rule 10: {selector} lookup 77
            rule 32766: lookup main
            default dev eth7 table 77
            default dev eth0
            "
        );
        assert_ways(&text, &[("10.2.0.1", "dev eth7")]);
    }
    assert_ways(
        "
        rule6 10: ipproto udp lookup 77
        rule6 32766: lookup main
        fd00::/8 dev eth7 table 77
        fd00::/8 dev eth0
        ",
        &[("fd00::1", "dev eth0")],
    );
}

#[test]
fn dead_next_hops_are_not_used_and_those_without_carrier_are() {
    assert_ways(
        "
        default via 10.0.0.1 dev eth0
        172.17.0.0/16 dev docker0 linkdown
        172.18.0.0/16 dev br-1 dead linkdown
        10.1.0.0/16 nexthop via 10.0.0.2 dev eth0 nexthop via 10.0.0.3 dev eth1 dead linkdown
        10.2.0.0/16 nexthop via 10.0.0.2 dev eth0 nexthop via 10.0.0.3 dev eth1 linkdown
        ",
        &[
            ("172.17.0.9", "dev docker0"),
            ("172.18.0.9", "via 10.0.0.1 dev eth0"),
            ("10.1.0.9", "via 10.0.0.2 dev eth0"),
            ("10.2.0.9", "via 10.0.0.2 dev eth0 or via 10.0.0.3 dev eth1"),
        ],
    );
}

const NO_CARRIER: &str = "
    default via 10.0.0.1 dev eth0
    172.17.0.0/16 dev docker0 linkdown
    172.19.0.0/16 dev eth0.100 linkdown
    ::/0 via fe80::1 dev eth0
    fd17::/64 dev docker0 linkdown
";

#[test]
fn a_sysctl_of_all_devices_or_of_one_makes_ipv4_ignore_routes_without_carrier() {
    for sysctl in ["all", "docker0"] {
        assert_ways(
            &format!("{NO_CARRIER} sysctl net.ipv4.conf.{sysctl}.ignore_routes_with_linkdown = 1"),
            &[("172.17.0.9", "via 10.0.0.1 dev eth0"), ("fd17::9", "dev docker0")],
        );
    }
    // For IPv4 either is enough.
    assert_ways(
        &format!(
            "{NO_CARRIER} sysctl net.ipv4.conf.all.ignore_routes_with_linkdown = 1
            sysctl net.ipv4.conf.docker0.ignore_routes_with_linkdown = 0"
        ),
        &[("172.17.0.9", "via 10.0.0.1 dev eth0")],
    );
    assert_ways(
        &format!("{NO_CARRIER} sysctl net.ipv4.conf.eth0/100.ignore_routes_with_linkdown = 1"),
        &[("172.17.0.9", "dev docker0"), ("172.19.0.9", "via 10.0.0.1 dev eth0")],
    );
}

#[test]
fn ipv6_looks_at_the_sysctl_of_the_device() {
    assert_ways(
        &format!(
            "{NO_CARRIER} sysctl net.ipv6.conf.all.ignore_routes_with_linkdown = 1
            sysctl net.ipv6.conf.docker0.ignore_routes_with_linkdown = 0"
        ),
        &[("fd17::9", "dev docker0")],
    );
    assert_ways(
        &format!(
            "{NO_CARRIER} sysctl net.ipv6.conf.all.ignore_routes_with_linkdown = 0
            sysctl net.ipv6.conf.docker0.ignore_routes_with_linkdown = 1"
        ),
        &[("fd17::9", "via fe80::1 dev eth0"), ("172.17.0.9", "dev docker0")],
    );
}

#[test]
fn the_local_table_comes_first() {
    assert_ways(
        "
        local 10.0.0.124 dev eth0 table local
        broadcast 10.0.255.255 dev eth0 table local
        10.0.0.0/24 via 10.0.2.208 dev cilium_host
        10.0.0.124 dev eth9
        ",
        &[
            ("10.0.0.124", "dev eth0"),
            ("10.0.255.255", "dev eth0"),
            ("10.0.0.1", "via 10.0.2.208 dev cilium_host"),
        ],
    );
}

#[test]
fn a_rule_in_front_of_a_moved_local_rule_wins_even_over_own_addresses() {
    assert_ways(
        "
        rule 10: to 10.0.0.0/8 lookup 77
        rule 100: lookup local
        rule 32766: lookup main
        local 10.0.0.124 dev eth0 table local
        local 192.168.0.9 dev eth1 table local
        default dev eth7 table 77
        ",
        &[("10.0.0.124", "dev eth7"), ("192.168.0.9", "dev eth1")],
    );
}

#[test]
fn the_families_have_rules_and_tables_of_their_own() {
    assert_ways(
        "
        rule 0: lookup local
        rule 32766: lookup main
        rule6 0: lookup local
        rule6 500: to fd00:10::/32 lookup 77
        rule6 32766: lookup main
        default via 10.0.0.1 dev eth0
        default via fe80::1 dev eth0 metric 1024
        fd00:10:244::/56 dev cilium_host
        fd00:10::/32 dev eth7 table 77
        ",
        &[
            ("10.9.9.9", "via 10.0.0.1 dev eth0"),
            ("2600::1", "via fe80::1 dev eth0"),
            ("fd00:10:244::1", "dev eth7"),
        ],
    );
}

#[test]
fn a_gateway_may_be_of_the_other_family() {
    assert_ways(
        "10.2.0.0/16 via 2001:db8:a::99 dev eth0 inet6",
        &[("10.2.0.1", "via 2001:db8:a::99 dev eth0")],
    );
}

#[test]
fn empty_and_missing_tables_go_on_to_the_next_rule() {
    assert_ways(
        "
        rule 10: lookup 4000000000
        rule 32766: lookup main
        default via 10.0.0.1 dev eth0
        ",
        &[("1.1.1.1", "via 10.0.0.1 dev eth0")],
    );
    assert_ways(DEFAULT_RULES, &[("1.1.1.1", "no route"), ("fd00::1", "no route")]);
}

#[test]
fn rules_that_nobody_recorded_are_taken_to_be_the_default_ones() {
    let node = host(
        "
        local 10.0.0.124 dev eth0 table local
        default via 10.0.0.1 dev eth0
        default via 10.0.0.9 dev eth0 table default metric 1
        10.0.0.124 dev eth9
        ::/0 via fe80::1 dev eth0
        ",
    );
    let router = Router::new(&node).unwrap();
    assert!(router.rules_are_assumed(Family::V4) && router.rules_are_assumed(Family::V6));
    assert_eq!(way(&node, "10.0.0.124"), "dev eth0");
    assert_eq!(way(&node, "1.1.1.1"), "via 10.0.0.1 dev eth0");
    assert_eq!(way(&node, "2600::1"), "via fe80::1 dev eth0");
}

#[test]
fn ipv6_rules_are_assumed_where_only_ipv4_rules_were_recorded() {
    let node = host("rule 0: lookup 77 \n ::/0 via fe80::1 dev eth0 \n default dev eth0");
    let router = Router::new(&node).unwrap();
    assert!(router.rules_are_assumed(Family::V6) && !router.rules_are_assumed(Family::V4));
    assert_eq!(way(&node, "2600::1"), "via fe80::1 dev eth0");
    assert_eq!(way(&node, "1.1.1.1"), "no route");
}

#[test]
fn a_host_whose_ipv4_rules_are_all_gone_reaches_nobody() {
    let mut node = host("default via 10.0.0.1 dev eth0");
    node.rules = Fact::Known(Vec::new());
    assert!(!Router::new(&node).unwrap().rules_are_assumed(Family::V4));
    assert_eq!(way(&node, "1.1.1.1"), "no route");
}

#[test]
fn the_decision_names_the_rule_that_asked_and_the_route() {
    let node = host(WG_QUICK);
    let router = Router::new(&node).unwrap();
    let Decision::Route { route, rule, .. } = router.look_up("1.1.1.1".parse().unwrap()) else {
        panic!("refused")
    };
    assert_eq!((rule, route.table.to_string().as_str()), (32_765, "51820"));
    assert_eq!(route.to_string(), "default dev wg0 table 51820");
}

#[test]
fn without_routes_there_is_no_router() {
    let mut node = NodeFacts::named("host");
    let why = Unavailable::forbidden("routes", "needs CAP_NET_ADMIN");
    node.routes = Fact::Unavailable(why.clone());
    assert_eq!(Router::new(&node).err(), Some(&why));
}
