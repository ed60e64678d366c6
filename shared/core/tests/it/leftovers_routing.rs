//! Rules and routes, told by what they select.

use std::net::IpAddr;

use kcilium_core::decode::iproute2;
use kcilium_core::facts::{Fact, Family, FwMark, RoutingRule, TableId};
use kcilium_core::leftovers::{HostState, Transform, TransformState};

use crate::leftovers::told;

fn rules(text: &str) -> Vec<RoutingRule> {
    iproute2::rules(text, Family::V4).unwrap()
}

/// Fates of what has these rules, by the rules' text.
fn rule_fates(json: &str, pod_cidrs: &[&str]) -> Vec<String> {
    let mut state = HostState { rules: Fact::Known(rules(json)), ..HostState::default() };
    state.remembered.pod_cidrs = pod_cidrs.iter().map(|cidr| cidr.parse().unwrap()).collect();
    told(&state)
}

const LOCAL_AT_0: &str = r#"{"priority":0,"src":"all","table":"local"}"#;

#[test]
fn rules_are_cilium_s_only_with_priority_mark_and_table() {
    let found = rule_fates(
        r#"[{"priority":9,"src":"all","fwmark":"0x200","fwmask":"0xf00","table":"2004"},
            {"priority":9,"src":"all","fwmark":"0x200","fwmask":"0xff00","table":"2004"},
            {"priority":9,"src":"all","fwmark":"0x200","fwmask":"0xf00","table":"2005"},
            {"priority":9,"src":"10.0.0.1","fwmark":"0x200","fwmask":"0xf00","table":"2004"},
            {"priority":9,"src":"all","fwmark":"0x200","fwmask":"0xf00","table":"2004",
             "suppress_prefixlen":0},
            {"priority":10,"src":"all","fwmark":"0xa00","fwmask":"0xf00","table":"2005"},
            {"priority":1024,"src":"all","fwmark":"0x80","fwmask":"0x80","table":"main"},
            {"priority":100,"src":"all","table":"local"},
            {"priority":110,"src":"10.9.9.9","table":"42"},
            {"priority":111,"src":"10.244.0.7","table":"11"},
            {"priority":111,"src":"10.244.0.0","srclen":24,"table":"11"}]"#,
        &["10.244.0.0/16"],
    );
    assert_eq!(
        found,
        [
            "remove IPv4 rule for table local at 100 instead of 0",
            "remove IPv4 rule 9: from all fwmark 0x200/0xf00 lookup 2004",
            "remove IPv4 rule 10: from all fwmark 0xa00/0xf00 lookup 2005",
            "doubtful IPv4 rule 110: from 10.9.9.9/32 lookup 42",
            "remove IPv4 rule 111: from 10.244.0.7/32 lookup 11",
        ]
    );
}

#[test]
fn the_rule_for_local_addresses_is_missed_only_where_none_is_left() {
    assert_eq!(rule_fates(&format!("[{LOCAL_AT_0}]"), &[]), [""; 0]);
    let none = r#"[{"priority":32766,"src":"all","table":"main"}]"#;
    assert_eq!(rule_fates(none, &[]), ["remove no IPv4 rule for table local"]);
    // Where VRFs want it.
    let moved = r#"[{"priority":32765,"src":"all","table":"local"}]"#;
    assert_eq!(rule_fates(moved, &[]), [""; 0]);
    let both = format!(r#"[{LOCAL_AT_0},{{"priority":100,"src":"all","table":"local"}}]"#);
    assert_eq!(rule_fates(&both, &[]), ["remove IPv4 rule for table local at 100 instead of 0"]);
}

#[test]
fn direct_node_routes_need_pod_cidr_and_node() {
    let routes = r#"[
        {"dst":"10.244.1.0/24","gateway":"10.24.0.4","dev":"eth1","protocol":"kernel","flags":[]},
        {"dst":"10.244.2.0/24","gateway":"10.24.0.77","dev":"eth1","protocol":"kernel","flags":[]},
        {"dst":"192.168.0.0/24","gateway":"10.24.0.4","dev":"eth1","protocol":"kernel","flags":[]},
        {"dst":"10.244.3.0/24","gateway":"10.24.0.4","dev":"eth1","flags":[]},
        {"dst":"10.244.4.0/24","gateway":"10.24.0.4","dev":"eth1","protocol":"bird","flags":[]},
        {"dst":"192.168.1.0/24","gateway":"10.24.0.4","dev":"eth1","protocol":"static","flags":[]},
        {"type":"unreachable","dst":"10.244.0.9","protocol":"kernel","flags":[]},
        {"type":"unreachable","dst":"10.9.0.9","protocol":"kernel","flags":[]},
        {"type":"local","dst":"default","dev":"lo","table":"2004","scope":"host","flags":[]},
        {"dst":"default","gateway":"10.0.0.1","dev":"eth0","table":"11","flags":[]},
        {"dst":"default","gateway":"10.0.0.1","dev":"eth0","flags":[]}]"#;
    let mut state = HostState {
        routes: Fact::Known(iproute2::routes(routes).unwrap()),
        rules: Fact::Known(rules(&format!(
            r#"[{LOCAL_AT_0},{{"priority":111,"src":"10.244.0.7","table":"11"}}]"#
        ))),
        ..HostState::default()
    };
    state.remembered.pod_cidrs = vec!["10.244.0.0/16".parse().unwrap()];
    state.remembered.node_addresses = vec![IpAddr::from([10, 24, 0, 4])];
    assert_eq!(
        told(&state),
        [
            // The table before the rule that it is known by.
            "remove route default via 10.0.0.1 dev eth0 table 11",
            "remove IPv4 rule 111: from 10.244.0.7/32 lookup 11",
            "remove route 10.244.1.0/24 via 10.24.0.4 dev eth1 proto kernel",
            "doubtful route 10.244.2.0/24 via 10.24.0.77 dev eth1 proto kernel",
            "doubtful route 192.168.0.0/24 via 10.24.0.4 dev eth1 proto kernel",
            "doubtful route 10.244.3.0/24 via 10.24.0.4 dev eth1",
            "remove route unreachable 10.244.0.9 proto kernel",
            "remove route local default dev lo table 2004",
        ]
    );
    // A table that others use as well is theirs.
    let Fact::Known(rules) = &mut state.rules else { unreachable!() };
    rules.push(RoutingRule::all_to(Family::V4, 500, TableId(11)));
    assert!(!told(&state).iter().any(|line| line.contains("table 11")), "{:#?}", told(&state));
}

#[test]
fn tables_that_marked_packets_go_to_may_hold_routes_of_others() {
    let routes = r#"[{"dst":"10.7.0.0/16","gateway":"10.0.0.9","dev":"eth0","table":"200","flags":[]},
        {"dst":"default","gateway":"10.0.0.1","dev":"eth0","table":"2004","flags":[]}]"#;
    let state = HostState {
        routes: Fact::Known(iproute2::routes(routes).unwrap()),
        rules: Fact::Known(rules(&format!(
            r#"[{LOCAL_AT_0},
                {{"priority":1,"src":"all","fwmark":"0xd00","fwmask":"0xf00","table":"200"}},
                {{"priority":9,"src":"all","fwmark":"0x200","fwmask":"0xf00","table":"2004"}}]"#
        ))),
        ..HostState::default()
    };
    assert_eq!(
        told(&state),
        [
            "remove IPv4 rule 1: from all fwmark 0xd00/0xf00 lookup 200",
            "remove IPv4 rule 9: from all fwmark 0x200/0xf00 lookup 2004",
        ]
    );
}

#[test]
fn ipsec_states_are_ciliums_only_by_mark_key_and_request() {
    let own = TransformState {
        source: IpAddr::from([10, 24, 0, 2]),
        destination: IpAddr::from([10, 24, 0, 4]),
        protocol: 50,
        spi: 3,
        mode: 1,
        request_id: 1,
        mark: Some(FwMark { value: 0x1234_0e00, mask: 0xffff_ff00 }),
    };
    let judged = |state: TransformState| {
        let transforms = Fact::Known(vec![Transform::State(state)]);
        told(&HostState { transforms, ..HostState::default() })
    };
    assert_eq!(judged(own.clone()), ["remove IPsec state 10.24.0.2 to 10.24.0.4 SPI 3"]);
    let unmasked = Some(FwMark { value: 0xe00, mask: 0x800 });
    for others in [
        TransformState { mark: None, ..own.clone() },
        TransformState { mark: unmasked, ..own.clone() },
        TransformState { request_id: 7, ..own.clone() },
        TransformState { spi: 0xc000_1234, ..own.clone() },
        TransformState { mode: 0, ..own },
    ] {
        assert_eq!(judged(others), [""; 0]);
    }
}
