//! Hosts in the words of `ip route` and `ip rule`, for tests about lookups.
//!
//! ```text
//! 10.0.0.0/16 dev eth0 linkdown                      a route; `table main` where none is named
//! blackhole 10.1.0.0/16 metric 5 table 100
//! default nexthop via 10.0.0.1 dev eth0 nexthop via 10.1.0.1 dev eth1 dead
//! rule 100: not fwmark 0x200/0xf00 lookup 2004       a rule; `rule6` for IPv6
//! sysctl net.ipv4.conf.eth0.ignore_routes_with_linkdown = 1
//! ```
//!
//! The words become what `ip -j` prints, and go through its decoder.

use kcilium_core::{
    decode::iproute2,
    facts::{Fact, Family, NodeFacts},
};
use serde_json::{Map, Value, json};

const KINDS: [&str; 9] = [
    "unicast",
    "local",
    "broadcast",
    "anycast",
    "multicast",
    "blackhole",
    "unreachable",
    "prohibit",
    "throw",
];

/// A host; without a line for a rule nobody recorded its rules.
pub(crate) fn host(text: &str) -> NodeFacts {
    let (mut routes, mut rules, mut sysctls) = (Vec::new(), Vec::new(), Vec::new());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(words) = line.strip_prefix("rule ") {
            rules.push((Family::V4, rule(words)));
        } else if let Some(words) = line.strip_prefix("rule6 ") {
            rules.push((Family::V6, rule(words)));
        } else if let Some(words) = line.strip_prefix("sysctl ") {
            let (name, value) = words.split_once('=').unwrap();
            sysctls.push((name.trim().to_owned(), value.trim().to_owned()));
        } else {
            routes.push(route(line));
        }
    }
    let of_family = |family| {
        let rules: Vec<&Value> =
            rules.iter().filter(|(other, _)| *other == family).map(|(_, rule)| rule).collect();
        iproute2::rules(&json!(rules).to_string(), family).unwrap()
    };
    let mut node = NodeFacts::named("host");
    node.routes = Fact::Known(iproute2::routes(&json!(routes).to_string()).unwrap());
    if !rules.is_empty() {
        node.rules = Fact::Known([of_family(Family::V4), of_family(Family::V6)].concat());
    }
    if !sysctls.is_empty() {
        node.sysctls = Fact::Known(sysctls.into_iter().collect());
    }
    node
}

fn route(line: &str) -> Value {
    let mut words = line.split_whitespace().peekable();
    let mut route = Map::new();
    if let Some(kind) = words.next_if(|word| KINDS.contains(word)) {
        route.insert("type".into(), kind.into());
    }
    route.insert("dst".into(), words.next().unwrap().into());
    let mut hops: Vec<Map<String, Value>> = vec![Map::new()];
    let mut is_v6 = line.contains(':');
    while let Some(word) = words.next() {
        let hop = hops.last_mut().unwrap();
        match word {
            "nexthop" if hop.is_empty() => {}
            "nexthop" => hops.push(Map::new()),
            "dead" | "linkdown" | "onlink" => {
                let flags = hop.entry("flags").or_insert_with(|| json!([]));
                flags.as_array_mut().unwrap().push(word.into());
            }
            "inet6" => is_v6 = true,
            _ => {
                let value = words.next().unwrap_or_else(|| panic!("{word} what? {line}"));
                match word {
                    "via" => drop(hop.insert("gateway".into(), value.into())),
                    "dev" => drop(hop.insert("dev".into(), value.into())),
                    "table" | "tos" | "from" => drop(route.insert(word.into(), value.into())),
                    "metric" => {
                        route.insert(word.into(), value.parse::<u32>().unwrap().into());
                    }
                    _ => panic!("`{word}` in {line}"),
                }
            }
        }
    }
    if is_v6 {
        route.insert("pref".into(), "medium".into());
    }
    match &mut hops[..] {
        [only] => route.append(only),
        _ => drop(route.insert("nexthops".into(), json!(hops))),
    }
    Value::Object(route)
}

fn rule(line: &str) -> Value {
    let (priority, words) = line.split_once(": ").unwrap_or_else(|| panic!("rule {line}"));
    let mut rule = Map::new();
    rule.insert("priority".into(), priority.parse::<u32>().unwrap().into());
    rule.insert("src".into(), "all".into());
    let mut words = words.split_whitespace();
    while let Some(word) = words.next() {
        if matches!(word, "not" | "nop" | "l3mdev") {
            rule.insert(word.into(), Value::Null);
            continue;
        }
        if matches!(word, "blackhole" | "unreachable" | "prohibit") {
            rule.insert("action".into(), word.into());
            continue;
        }
        let value = words.next().unwrap_or_else(|| panic!("{word} what? {line}"));
        let mut insert = |key: &str, value: Value| drop(rule.insert(key.into(), value));
        let mut halves = value.splitn(2, '/');
        let (first, second) = (halves.next().unwrap(), halves.next());
        match word {
            "from" | "to" => {
                let (key, length) =
                    if word == "from" { ("src", "srclen") } else { ("dst", "dstlen") };
                insert(key, first.into());
                if let Some(bits) = second {
                    insert(length, bits.parse::<u8>().unwrap().into());
                }
            }
            "fwmark" => {
                insert("fwmark", first.into());
                if let Some(mask) = second {
                    insert("fwmask", mask.into());
                }
            }
            "uidrange" => {
                let (start, end) = value.split_once('-').unwrap();
                insert("uid_start", start.parse::<u32>().unwrap().into());
                insert("uid_end", end.parse::<u32>().unwrap().into());
            }
            "goto" => insert("goto", value.parse::<u32>().unwrap().into()),
            "dport" | "sport" => insert(word, value.parse::<u32>().unwrap().into()),
            "suppress_prefixlength" => {
                insert("suppress_prefixlen", value.parse::<u8>().unwrap().into());
            }
            "lookup" => insert("table", value.into()),
            "iif" | "oif" | "tos" | "ipproto" => insert(word, value.into()),
            _ => panic!("`{word}` in rule {line}"),
        }
    }
    Value::Object(rule)
}
