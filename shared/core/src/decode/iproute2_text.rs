//! Output of iproute2's `ip` for people, which is all that a `cilium sysdump` holds.
//!
//! The text is taken apart into what `ip -j` would have printed, and that is read by
//! [`iproute2`]: names, numbers and their errors are understood in one place.

use serde_json::{Map, Value, json};

use super::{DecodeError, iproute2};
use crate::facts::{Address, Family, Link, Route, RoutingRule};

/// `ip -4 route` or `ip -6 route`. Where the text says no table it is the main one.
pub fn routes(text: &str, family: Family) -> Result<Vec<Route>, DecodeError> {
    let mut routes: Vec<Map<String, Value>> = Vec::new();
    for (number, line) in lines(text) {
        if line.starts_with(char::is_whitespace) {
            let hop = Value::Object(attributes(line.split_whitespace(), &NEXT_HOP));
            let Some(route) = routes.last_mut() else {
                return Err(unexpected(number, line, "a next hop without its route"));
            };
            if let Value::Array(hops) = route.entry("nexthops").or_insert_with(|| json!([])) {
                hops.push(hop);
            }
        } else {
            let route = route(line, family);
            routes.push(route.ok_or_else(|| unexpected(number, line, "not a route"))?);
        }
    }
    iproute2::routes(&json!(routes).to_string())
}

/// `ip rule` (IPv4) or `ip -6 rule`.
pub fn rules(text: &str, family: Family) -> Result<Vec<RoutingRule>, DecodeError> {
    let rules = lines(text)
        .map(|(number, line)| rule(line).ok_or_else(|| unexpected(number, line, "not a rule")))
        .collect::<Result<Vec<_>, _>>()?;
    iproute2::rules(&json!(rules).to_string(), family)
}

/// `ip -d link`, with or without statistics (`-s`). Without `-d` the kinds are missing.
pub fn links(text: &str) -> Result<Vec<Link>, DecodeError> {
    let mut links: Vec<Map<String, Value>> = Vec::new();
    for (number, line) in lines(text) {
        if !line.starts_with(char::is_whitespace) {
            let link = header(line);
            links.push(link.ok_or_else(|| unexpected(number, line, "not a link"))?);
        } else if let Some(link) = links.last_mut() {
            link_detail(line, link);
        }
    }
    iproute2::links(&json!(links).to_string())
}

/// `ip addr`.
pub fn addresses(text: &str) -> Result<Vec<Address>, DecodeError> {
    let mut links: Vec<Map<String, Value>> = Vec::new();
    for (number, line) in lines(text) {
        if !line.starts_with(char::is_whitespace) {
            let link = header(line);
            links.push(link.ok_or_else(|| unexpected(number, line, "not a link"))?);
            continue;
        }
        let mut words = line.split_whitespace();
        if !matches!(words.next(), Some("inet" | "inet6")) {
            continue;
        }
        let address = address(words).ok_or_else(|| unexpected(number, line, "not an address"))?;
        if let Some(Value::Array(all)) =
            links.last_mut().map(|link| link.entry("addr_info").or_insert_with(|| json!([])))
        {
            all.push(address);
        }
    }
    iproute2::addresses(&json!(links).to_string())
}

/// Lines that say something, with their numbers from 1.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line)).filter(|(_, line)| {
        // `ip` ends the routes' lines with a blank.
        !line.trim().is_empty()
    })
}

fn unexpected(number: usize, line: &str, what: &str) -> DecodeError {
    const QUOTED: usize = 60;
    let line: String = line.trim().chars().take(QUOTED).collect();
    DecodeError::new(format!("line {number}: {what}: `{line}`"))
}

/// What a word of the text means, in `ip -j`.
enum Meaning {
    /// The next word is the value, as text.
    Text(&'static str),
    /// The next word is the value, a number.
    Number(&'static str),
    /// The next word is an address, after `inet6` where it is of another family than the route's.
    Via,
    /// The next word, or the one after `lock`, is the MTU.
    Mtu,
    /// A flag.
    Flag,
}

type Words = [(&'static str, Meaning)];

const ROUTE: [(&str, Meaning); 16] = [
    ("from", Meaning::Text("from")),
    ("via", Meaning::Via),
    ("dev", Meaning::Text("dev")),
    ("table", Meaning::Text("table")),
    ("proto", Meaning::Text("protocol")),
    ("scope", Meaning::Text("scope")),
    ("src", Meaning::Text("prefsrc")),
    ("tos", Meaning::Text("tos")),
    // What iproute2 calls the TOS since 5.14.
    ("dsfield", Meaning::Text("tos")),
    ("metric", Meaning::Number("metric")),
    ("pref", Meaning::Text("pref")),
    ("mtu", Meaning::Mtu),
    ("dead", Meaning::Flag),
    ("linkdown", Meaning::Flag),
    ("onlink", Meaning::Flag),
    ("pervasive", Meaning::Flag),
];

const NEXT_HOP: [(&str, Meaning); 6] = [
    ("via", Meaning::Via),
    ("dev", Meaning::Text("dev")),
    ("weight", Meaning::Number("weight")),
    ("dead", Meaning::Flag),
    ("linkdown", Meaning::Flag),
    ("onlink", Meaning::Flag),
];

/// Types that stand before a destination. `ip` leaves `unicast` out, unless there are details.
const TYPES: [&str; 9] = [
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

fn route(line: &str, family: Family) -> Option<Map<String, Value>> {
    let mut words = line.split_whitespace();
    let first = words.next()?;
    let (kind, destination) =
        if TYPES.contains(&first) { (Some(first), words.next()?) } else { (None, first) };
    let is_destination = destination == "default"
        || destination.starts_with(|c: char| c.is_ascii_hexdigit() || c == ':');
    if !is_destination || destination.ends_with(':') {
        return None;
    }
    let mut route = attributes(words, &ROUTE);
    route.insert("dst".into(), destination.into());
    if let Some(kind) = kind {
        route.insert("type".into(), kind.into());
    }
    if family == Family::V6 {
        // A default route does not tell its family otherwise, and old kernels have no preference.
        route.entry("pref").or_insert_with(|| "medium".into());
    }
    Some(route)
}

/// Words that are known, and their values; others are skipped, as are those of a lightweight
/// tunnel, which has words of the route's own (`src`, `tos`).
fn attributes<'a>(mut words: impl Iterator<Item = &'a str>, known: &Words) -> Map<String, Value> {
    let mut found = Map::new();
    let mut flags: Vec<&str> = Vec::new();
    let mut is_of_tunnel = false;
    while let Some(word) = words.next() {
        match word {
            "encap" => is_of_tunnel = true,
            "via" | "dev" => is_of_tunnel = false,
            _ => {}
        }
        let meaning = known.iter().find(|(name, _)| *name == word).map(|(_, meaning)| meaning);
        let Some(meaning) = meaning.filter(|_| !is_of_tunnel) else { continue };
        match meaning {
            Meaning::Flag => flags.push(word),
            Meaning::Text(key) => {
                found.extend(words.next().map(|value| ((*key).to_owned(), value.into())));
            }
            Meaning::Number(key) => {
                let value = words.next().map(number);
                found.extend(value.map(|value| ((*key).to_owned(), value)));
            }
            Meaning::Mtu => {
                let value = words.next().filter(|word| *word != "lock").or_else(|| words.next());
                let value = value.map(number);
                found.extend(value.map(|mtu| ("metrics".to_owned(), json!([{ "mtu": mtu }]))));
            }
            Meaning::Via => match words.next() {
                Some(family @ ("inet" | "inet6")) => {
                    let host = words.next();
                    let via = json!({ "family": family, "host": host });
                    found.insert("via".into(), via);
                }
                gateway => found.extend(gateway.map(|it| ("gateway".to_owned(), it.into()))),
            },
        }
    }
    if !flags.is_empty() {
        found.insert("flags".into(), json!(flags));
    }
    found
}

/// A number; what is none is left as text, so that the decoder of the JSON names it.
fn number(word: &str) -> Value {
    word.parse::<u64>().map_or_else(|_| word.into(), Value::from)
}

/// `100: not from 10.0.0.0/8 to … fwmark 0x200/0xf00 iif lo lookup 2004 proto 13`.
fn rule(line: &str) -> Option<Map<String, Value>> {
    let mut words = line.split_whitespace();
    let priority: u32 = words.next()?.strip_suffix(':')?.parse().ok()?;
    let mut rule = Map::new();
    rule.insert("priority".into(), priority.into());
    while let Some(word) = words.next() {
        let mut put = |key: &str, value: Value| rule.insert(key.to_owned(), value);
        match word {
            "not" | "nop" => drop(put(word, Value::Null)),
            "from" | "to" => {
                let (name, length) =
                    if word == "from" { ("src", "srclen") } else { ("dst", "dstlen") };
                let value = words.next()?;
                let (address, bits) =
                    value.split_once('/').map_or((value, None), |(a, bits)| (a, Some(bits)));
                put(name, address.into());
                // `0/0` is how old versions write all addresses.
                if let Some(bits) = bits.filter(|_| address != "0") {
                    put(length, number(bits));
                } else if address == "0" {
                    put(name, "all".into());
                }
            }
            "fwmark" => {
                let value = words.next()?;
                let (value, mask) = value
                    .split_once('/')
                    .map_or((value, None), |(value, mask)| (value, Some(mask)));
                put("fwmark", value.into());
                mask.map(|bits| put("fwmask", bits.into()));
            }
            "iif" | "oif" | "tos" | "ipproto" => drop(put(word, words.next()?.into())),
            "dsfield" => drop(put("tos", words.next()?.into())),
            "sport" | "dport" | "uidrange" => {
                let value = words.next()?;
                let name = if word == "uidrange" { "uid" } else { word };
                match value.split_once('-') {
                    Some((start, end)) => {
                        put(&format!("{name}_start"), number(start));
                        put(&format!("{name}_end"), number(end));
                    }
                    None => drop(put(name, number(value))),
                }
            }
            "proto" => drop(put("protocol", words.next()?.into())),
            "suppress_prefixlength" => drop(put("suppress_prefixlen", number(words.next()?))),
            "goto" => drop(put("goto", number(words.next()?))),
            "lookup" => match words.next()? {
                "[l3mdev-table]" => drop(put("l3mdev", Value::Null)),
                table => drop(put("table", table.into())),
            },
            "blackhole" | "unreachable" | "prohibit" => drop(put("to", word.into())),
            // `[detached]` and `[unresolved]` are notes; suppress_ifgroup, tun_id and realms are
            // not kept of JSON either.
            _ => {}
        }
    }
    Some(rule)
}

/// `2: eth0@if5: <BROADCAST,UP> mtu 1500 qdisc noqueue master br0 state UP …`.
fn header(text: &str) -> Option<Map<String, Value>> {
    let (index, rest) = text.split_once(": ")?;
    let (name, rest) = rest.split_once(": <")?;
    let (flags, rest) = rest.split_once('>')?;
    let mut link = Map::new();
    link.insert("ifindex".into(), index.parse::<u32>().ok()?.into());
    let (name, peer) = name.split_once('@').map_or((name, None), |(name, peer)| (name, Some(peer)));
    link.insert("ifname".into(), name.into());
    let other = peer.and_then(|peer| peer.strip_prefix("if")?.parse::<u32>().ok());
    match (peer, other) {
        (None | Some("NONE"), _) => {}
        (Some(_), Some(index)) => drop(link.insert("link_index".into(), index.into())),
        (Some(peer), None) => drop(link.insert("link".into(), peer.into())),
    }
    link.insert("flags".into(), json!(flags.split(',').collect::<Vec<_>>()));
    let mut words = rest.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "mtu" => drop(link.insert("mtu".into(), number(words.next()?))),
            "master" => drop(link.insert("master".into(), words.next()?.into())),
            _ => {}
        }
    }
    Some(link)
}

/// A line below a link's first: its hardware address, its kind, or another name.
fn link_detail(text: &str, link: &mut Map<String, Value>) {
    let mut words = text.split_whitespace();
    let Some(first) = words.next() else { return };
    if first.starts_with("link/") {
        link.extend(words.next().map(|address| ("address".to_owned(), address.into())));
        while let Some(word) = words.next() {
            if word == "link-netnsid" {
                let id = words.next().map(number);
                link.extend(id.map(|id| ("link_netnsid".to_owned(), id)));
            }
        }
    } else if first == "altname" {
        if let (Some(name), Value::Array(all)) =
            (words.next(), link.entry("altnames").or_insert_with(|| json!([])))
        {
            all.push(name.into());
        }
    } else if is_kind(first) {
        link.entry("linkinfo").or_insert_with(|| json!({ "info_kind": first }));
    }
}

/// Whether a line that begins so tells a link's kind. Statistics are headed by `RX:` and `TX:` and
/// are numbers; `bridge_slave` tells the kind of the master.
fn is_kind(word: &str) -> bool {
    const OTHERS: [&str; 6] = ["alias", "vf", "parentbus", "promiscuity", "prog/xdp", "RX"];
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        && !word.contains(':')
        && !word.ends_with("_slave")
        && !OTHERS.contains(&word)
}

/// `10.0.0.1/24 brd … scope global eth0`, or `10.0.0.1 peer 10.0.0.2/32 scope …`.
fn address<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Value> {
    let own = words.next()?;
    let (local, mut length) = own.split_once('/').map_or((own, None), |(a, b)| (a, Some(b)));
    let mut scope = None;
    while let Some(word) = words.next() {
        match word {
            "peer" => length = words.next()?.split_once('/').map(|(_, length)| length),
            "scope" => scope = words.next(),
            _ => {}
        }
    }
    let bits = if local.contains(':') { "128" } else { "32" };
    let length = number(length.unwrap_or(bits));
    Some(json!({ "local": local, "prefixlen": length, "scope": scope }))
}
