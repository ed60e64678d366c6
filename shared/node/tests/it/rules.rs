//! Policy rules with every selector.

use kcilium_core::facts::{
    Family, FwMark, RouteProtocol, RoutingRule, RuleAction, TableId, ValueRange,
};
use netlab::{Lab, Namespace, require_root_netns};

use crate::inside::{assert_as_iproute2, facts, ip_batch_v6, known};

const V4: &str = "\
rule add priority 9 fwmark 0x200/0xf00 lookup 2004 protocol kernel
rule add priority 101 from 10.1.0.0/16 to 10.2.0.1 lookup 4000000000 protocol static
rule add priority 102 not from 10.3.0.0/16 iif eth0 oif lo lookup main
rule add priority 103 fwmark 0x10 tos 0x10 goto 32766
rule add priority 104 uidrange 1000-2000 ipproto tcp sport 1024-65534 dport 443 blackhole
rule add priority 105 to 10.4.0.0/16 unreachable
rule add priority 106 to 10.5.0.0/16 prohibit
rule add priority 107 nop
rule add priority 108 lookup main suppress_prefixlength 0
rule add priority 109 fwmark 0/0x1 lookup main
rule add priority 1000 l3mdev protocol kernel
";

const V6: &str = "\
rule add priority 9 fwmark 0x200/0xf00 lookup 2004
rule add priority 101 from 2001:db8:1::/48 to 2001:db8::1 ipproto udp dport 53-54 lookup 5000
rule add priority 102 not fwmark 0xca6c lookup 51820
rule add priority 103 goto 999
";

fn lab() -> Option<(Lab, Namespace)> {
    if !require_root_netns() {
        return None;
    }
    let lab = Lab::new("rules").unwrap();
    let node = lab.namespace("node").unwrap();
    node.ip_batch(V4).unwrap();
    ip_batch_v6(&lab, &node, V6);
    Some((lab, node))
}

fn mark(value: u32, mask: u32) -> FwMark {
    FwMark { value, mask }
}

fn v4(priority: u32, table: u32) -> RoutingRule {
    RoutingRule::all_to(Family::V4, priority, TableId(table))
}

fn v6(priority: u32, table: u32) -> RoutingRule {
    RoutingRule { family: Family::V6, ..v4(priority, table) }
}

fn expected_v4() -> Vec<RoutingRule> {
    let range = |start, end| Some(ValueRange { start, end });
    vec![
        v4(0, 255),
        RoutingRule { mark: Some(mark(0x200, 0xf00)), ..v4(9, 2004) },
        RoutingRule {
            from: Some("10.1.0.0/16".parse().unwrap()),
            to: Some("10.2.0.1/32".parse().unwrap()),
            protocol: RouteProtocol::STATIC,
            ..v4(101, 4_000_000_000)
        },
        RoutingRule {
            invert: true,
            from: Some("10.3.0.0/16".parse().unwrap()),
            incoming: Some("eth0".into()),
            outgoing: Some("lo".into()),
            ..v4(102, 254)
        },
        RoutingRule {
            mark: Some(mark(0x10, u32::MAX)),
            tos: 0x10,
            action: RuleAction::Goto(32766),
            ..v4(103, 0)
        },
        RoutingRule {
            users: range(1000, 2000),
            ip_protocol: Some(6),
            source_ports: range(1024, 65534),
            destination_ports: range(443, 443),
            action: RuleAction::Blackhole,
            ..v4(104, 0)
        },
        RoutingRule {
            to: Some("10.4.0.0/16".parse().unwrap()),
            action: RuleAction::Unreachable,
            ..v4(105, 0)
        },
        RoutingRule {
            to: Some("10.5.0.0/16".parse().unwrap()),
            action: RuleAction::Prohibit,
            ..v4(106, 0)
        },
        RoutingRule { action: RuleAction::Nop, ..v4(107, 0) },
        RoutingRule { suppress_prefix_length: Some(0), ..v4(108, 254) },
        RoutingRule { mark: Some(mark(0, 1)), ..v4(109, 254) },
        RoutingRule { action: RuleAction::LookupVrf, ..v4(1000, 0) },
        v4(32766, 254),
        v4(32767, 253),
    ]
}

fn expected_v6() -> Vec<RoutingRule> {
    vec![
        v6(0, 255),
        RoutingRule { mark: Some(mark(0x200, 0xf00)), ..v6(9, 2004) },
        RoutingRule {
            from: Some("2001:db8:1::/48".parse().unwrap()),
            to: Some("2001:db8::1/128".parse().unwrap()),
            ip_protocol: Some(17),
            destination_ports: Some(ValueRange { start: 53, end: 54 }),
            ..v6(101, 5000)
        },
        RoutingRule { invert: true, mark: Some(mark(0xca6c, u32::MAX)), ..v6(102, 51820) },
        RoutingRule { action: RuleAction::Goto(999), ..v6(103, 0) },
        v6(32766, 254),
    ]
}

#[test]
fn rules_say_what_was_written() {
    let Some((_lab, node)) = lab() else { return };
    let rules = known(facts(&node).rules);
    let expected = [expected_v4(), expected_v6()].concat();
    for (rule, expected) in rules.iter().zip(&expected) {
        assert_eq!(rule, expected);
    }
    assert_eq!(rules.len(), expected.len());
}

#[test]
fn rules_are_as_iproute2_prints_them() {
    let Some((_lab, node)) = lab() else { return };
    assert_as_iproute2(&node);
}
