//! Rules, routes, neighbours.

use kcilium_core::decode::iproute2;
use kcilium_core::facts::{Fact, Family, Route, RoutingRule, RuleAction, TableId};
use kcilium_core::leftovers::{HostState, Leftover, Neighbour};
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use super::{NODE, Thing};

pub(super) fn things() -> impl Strategy<Value = Thing> {
    prop_oneof![
        marked_rule(),
        nearly_a_marked_rule(),
        pods_table(),
        nearly_a_pods_rule(),
        route_between_nodes(),
        other_route(),
        neighbour(),
    ]
}

fn rule(value: &Value, family: Family) -> RoutingRule {
    iproute2::rules(&json!([value]).to_string(), family).unwrap().remove(0)
}

fn route(value: &Value) -> Route {
    iproute2::routes(&json!([value]).to_string()).unwrap().remove(0)
}

/// Where the rule for the host's own addresses is.
pub(super) fn local_rule(family: Family) -> impl Strategy<Value = Thing> {
    let at = select(&[Some(0), Some(100), Some(32765), None][..]);
    at.prop_map(move |at| {
        let main = rule(&json!({"priority": 32766, "src": "all", "table": "main"}), family);
        let local = |at| rule(&json!({"priority": at, "src": "all", "table": "local"}), family);
        let goes = match at {
            Some(100) => vec![Leftover::LocalRuleMoved { family }],
            Some(_) => vec![],
            None => vec![Leftover::LocalRuleMissing { family }],
        };
        let rules = at.map(local).into_iter().chain([main]).collect();
        Thing::ours(HostState { rules: Fact::Known(rules), ..HostState::default() }, goes)
    })
}

/// All that are the same on every host (IPsec, WireGuard, proxy, NodePort on ENI, VTEP).
fn fixed() -> impl Strategy<Value = RoutingRule> {
    let marked = [
        (1, "0xd00", "0xf00", "200"),
        (1, "0xe00", "0xf00", "200"),
        (1, "0xe00", "0xf00", "201"),
        (9, "0x200", "0xf00", "2004"),
        (10, "0xa00", "0xf00", "2005"),
        (10, "0xb00", "0xf00", "2005"),
        (109, "0x80", "0x80", "main"),
    ];
    let family = select(&[Family::V4, Family::V6][..]);
    let marked =
        (select(marked.to_vec()), family).prop_map(|((priority, mark, mask, table), family)| {
            let value = json!({"priority": priority, "src": "all", "fwmark": mark, "fwmask": mask,
            "table": table});
            rule(&value, family)
        });
    let vtep = any::<u8>().prop_map(|octet| {
        let value = json!({"priority": 112, "src": "all", "dst": format!("10.{octet}.0.0"),
            "dstlen": 16, "table": "202"});
        rule(&value, Family::V4)
    });
    prop_oneof![4 => marked, 1 => vtep]
}

fn marked_rule() -> impl Strategy<Value = Thing> {
    fixed().prop_map(|rule| {
        let goes = vec![Leftover::Rule(rule.clone())];
        Thing::ours(HostState { rules: Fact::Known(vec![rule]), ..HostState::default() }, goes)
    })
}

/// One of them with one thing different.
fn nearly_a_marked_rule() -> impl Strategy<Value = Thing> {
    (fixed(), 0..12).prop_map(|(mut rule, what)| {
        match what {
            0 => rule.priority += 1000,
            1 => rule.action = RuleAction::Lookup(TableId(3000)),
            2 => rule.action = RuleAction::Unreachable,
            3 => rule.invert = true,
            4 => rule.from = Some("192.0.2.0/24".parse().unwrap()),
            5 => rule.incoming = Some("eth0".into()),
            6 => rule.outgoing = Some("eth0".into()),
            7 => rule.ip_protocol = Some(6),
            8 => rule.suppress_prefix_length = Some(0),
            9 => rule.tos = 4,
            10 if rule.mark.is_some() => rule.mark.iter_mut().for_each(|mark| mark.mask = 0xffff),
            _ => match &mut rule.mark {
                Some(mark) => mark.value |= 0x1000,
                None => rule.to = None,
            },
        }
        Thing::foreign(HostState { rules: Fact::Known(vec![rule]), ..HostState::default() })
    })
}

/// A table of a secondary interface, with the rules of pods that lead to it; another's rule may as
/// well, whose the table is then too.
fn pods_table() -> impl Strategy<Value = Thing> {
    let priority = select(&[110, 111][..]);
    (priority, 11_u32..99, any::<u8>(), any::<bool>()).prop_map(
        |(priority, table, octet, shared)| {
            // So that no two of them have the same.
            let table = table * 1000 + u32::from(octet) + if shared { 500 } else { 0 };
            let text = table.to_string();
            let pod = rule(
                &json!({"priority": priority, "src": format!("10.244.0.{octet}"), "table": text}),
                Family::V4,
            );
            let default = route(&json!({"dst": "default", "gateway": "10.24.0.1", "dev": "eth0",
                    "table": text, "flags": []}));
            let mut rules = vec![pod.clone()];
            let mut goes = vec![Leftover::Rule(pod)];
            if shared {
                let other = json!({"priority": 10_000, "src": "192.0.2.1", "table": text});
                rules.push(rule(&other, Family::V4));
            } else {
                goes.push(Leftover::Route(default.clone()));
            }
            let read = HostState {
                rules: Fact::Known(rules),
                routes: Fact::Known(vec![default]),
                ..HostState::default()
            };
            Thing::ours(read, goes)
        },
    )
}

fn nearly_a_pods_rule() -> impl Strategy<Value = Thing> {
    (select(&[8, 20, 110, 111][..]), 0..5, any::<u8>()).prop_map(|(priority, what, octet)| {
        let key = if priority == 20 { "dst" } else { "src" };
        let mut value = json!({"priority": priority, "src": "all", "table": "7000"});
        value[key] = format!("10.244.0.{octet}").into();
        match what {
            0 => value[key] = format!("10.9.0.{octet}").into(),
            1 => {
                value[key] = "10.244.0.0".into();
                value[format!("{key}len")] = 24.into();
            }
            2 => value["fwmark"] = "0x1".into(),
            3 => value["iif"] = "eth0".into(),
            _ => value["priority"] = 112.into(),
        }
        // Priority 112 with a destination and table 202 would be VTEP's; this is another table.
        let rule = rule(&value, Family::V4);
        Thing::foreign(HostState { rules: Fact::Known(vec![rule]), ..HostState::default() })
    })
}

/// `autoDirectNodeRoutes`, as it is and with one thing different.
fn route_between_nodes() -> impl Strategy<Value = Thing> {
    (0..9, any::<u8>()).prop_map(|(what, octet)| {
        let mut value = json!({"dst": format!("10.244.{octet}.0/24"), "gateway": NODE,
            "dev": "eth0", "protocol": "kernel", "flags": []});
        match what {
            0 | 1 => {}
            2 => value["gateway"] = "10.24.0.99".into(),
            3 => value["dst"] = format!("10.99.{octet}.0/24").into(),
            4 => value["protocol"] = "bird".into(),
            5 => value["protocol"] = "static".into(),
            6 => value["protocol"] = "boot".into(),
            7 => value["table"] = "42".into(),
            _ => value["dst"] = "10.0.0.0/8".into(),
        }
        let route = route(&value);
        let goes = if what < 2 { vec![Leftover::Route(route.clone())] } else { vec![] };
        Thing::ours(HostState { routes: Fact::Known(vec![route]), ..HostState::default() }, goes)
    })
}

/// For pods that are gone, and to the proxy; and others.
fn other_route() -> impl Strategy<Value = Thing> {
    (0..7, any::<u8>()).prop_map(|(what, octet)| {
        let pod = format!("10.244.0.{octet}");
        let to_proxy = json!({"type": "local", "dst": "default", "dev": "lo", "table": "2004",
            "flags": []});
        let (value, ours) = match what {
            0 => (json!({"type": "unreachable", "dst": pod, "protocol": "kernel", "flags": []}), true),
            1 => (to_proxy, true),
            2 => (json!({"type": "unreachable", "dst": pod, "protocol": "static", "flags": []}), false),
            3 => (
                json!({"type": "unreachable", "dst": format!("10.9.0.{octet}"), "protocol": "kernel",
                    "flags": []}),
                false,
            ),
            4 => (json!({"type": "blackhole", "dst": pod, "protocol": "kernel", "flags": []}), false),
            5 => (json!({"dst": "default", "dev": "eth0", "table": "2004", "flags": []}), false),
            _ => (json!({"dst": format!("10.{octet}.0.0/16"), "dev": "eth0", "flags": []}), false),
        };
        let route = route(&value);
        let goes = if ours { vec![Leftover::Route(route.clone())] } else { vec![] };
        Thing::ours(HostState { routes: Fact::Known(vec![route]), ..HostState::default() }, goes)
    })
}

fn neighbour() -> impl Strategy<Value = Thing> {
    (any::<bool>(), any::<bool>(), any::<u8>()).prop_map(|(node, learned_externally, octet)| {
        let address = if node { NODE.into() } else { format!("10.25.0.{octet}") };
        let neighbour = Neighbour {
            link: "eth0".into(),
            address: address.parse().unwrap(),
            learned_externally,
        };
        let ours = node && learned_externally;
        let goes = if ours { vec![Leftover::Neighbour(neighbour.clone())] } else { vec![] };
        let neighbours = Fact::Known(vec![neighbour]);
        Thing::ours(HostState { neighbours, ..HostState::default() }, goes)
    })
}
