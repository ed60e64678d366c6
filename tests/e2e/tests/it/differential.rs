//! The proof of "as the kernel does it": random routes and rules, and for each of many addresses
//! our computed way against the kernel's.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use kcilium_core::facts::{Family, LookupAnswer, LookupRefusal, NodeFacts, RouteKind};
use kcilium_core::routing::{Decision, Router};
use kcilium_node::{Host, HostRoot, collect, look_up};
use netlab::{Lab, Namespace, require_root_netns};

use crate::inside::{inside, known};

/// Networks of each family.
const ROUNDS: u64 = 12;
const ROUTES: usize = 150;
const RULES: usize = 14;
const ADDRESSES: usize = 400;

#[test]
fn ipv4_ways_are_computed_as_the_kernel_does() {
    compare(Family::V4, 0x4_0000);
}

#[test]
fn ipv6_ways_are_computed_as_the_kernel_does() {
    compare(Family::V6, 0x6_0000);
}

/// Builds one random network after the other and compares; a failure prints all that is needed to
/// build its network again.
fn compare(family: Family, first_seed: u64) {
    if !require_root_netns() {
        return;
    }
    let lab = Lab::new("differential").unwrap();
    let mut seen = Seen::default();
    for round in 0..ROUNDS {
        let node = node(&lab, round);
        let start = first_seed + round;
        let network = Network::random(family, start);
        network.build(&lab, &node);
        let (facts, addresses, answers) = observe(&node, &network);
        let router = Router::new(&facts).unwrap();
        for (address, answer) in addresses.iter().zip(answers) {
            let ours = Way::computed(&router.look_up(*address));
            let kernels = Way::answered(&answer);
            assert!(
                ours.may_be(&kernels),
                "seed {start:#x}, {address}: the kernel says {answer:?}, we say {ours:?}\n{}\n{}\nby {:?}",
                network.routes,
                network.rules,
                router.look_up(*address),
            );
            seen.count(&kernels, &ours);
        }
    }
    seen.assert_is_not_trivial();
}

/// A namespace with interfaces of every sort that matters to a lookup: two in use, one without
/// carrier, and one without carrier whose routes are to be ignored.
fn node(lab: &Lab, number: u64) -> Namespace {
    let node = lab.namespace(&format!("node{number}")).unwrap();
    let peer = lab.namespace(&format!("peer{number}")).unwrap();
    for namespace in [&node, &peer] {
        namespace.trust_addresses().unwrap();
        for scope in ["all", "default"] {
            // As on every node of a cluster. A host that does not forward prefers IPv6 routers
            // that answer, which no record of its routes can tell.
            namespace.sysctl(&format!("net.ipv6.conf.{scope}.forwarding"), "1").unwrap();
        }
    }
    for link in ["eth0", "eth1", "dark0", "dark1"] {
        lab.veth((&node, link), (&peer, link)).unwrap();
    }
    node.ip_batch(
        "\
addr add 10.0.0.2/16 dev eth0
addr add 2001:db8::2/64 dev eth0
addr add 10.1.0.2/24 dev eth1
addr add 2001:db8:1::2/64 dev eth1
addr add 10.2.0.2/24 dev dark0
addr add 2001:db8:2::2/64 dev dark0
addr add 10.3.0.2/24 dev dark1
addr add 2001:db8:3::2/64 dev dark1
",
    )
    .unwrap();
    // Before the routes: the kernel does not weigh next hops anew when it changes.
    for family in ["ipv4", "ipv6"] {
        let key = format!("net.{family}.conf.dark1.ignore_routes_with_linkdown");
        node.sysctl(&key, "1").unwrap();
    }
    for link in ["dark0", "dark1"] {
        peer.ip(&["link", "set", link, "down"]).unwrap();
    }
    wait_for_lost_carrier(&node);
    node
}

fn wait_for_lost_carrier(node: &Namespace) {
    for _ in 0..100 {
        let dark = |link| node.ip(&["link", "show", link]).unwrap().contains("NO-CARRIER");
        // The kernel tells the routes a moment after the link.
        let routes = node.ip(&["route", "show", "table", "all"]).unwrap();
        let told = routes.lines().filter(|line| line.contains("linkdown")).count();
        if dark("dark0") && dark("dark1") && told >= 4 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("the links do not lose their carrier");
}

fn observe(node: &Namespace, network: &Network) -> (NodeFacts, Vec<IpAddr>, Vec<LookupAnswer>) {
    let addresses: Vec<IpAddr> = network.addresses.iter().copied().collect();
    let (facts, lookups) = inside(node, async || {
        let empty = tempfile::tempdir().unwrap();
        let facts = collect(&Host::new(HostRoot::new(empty.path()))).await;
        (facts, known(look_up(&addresses).await))
    });
    let answers = lookups.into_iter().map(|lookup| lookup.answer).collect();
    (facts, addresses, answers)
}

/// Where a packet goes, in what both sides tell.
#[derive(Debug, PartialEq, Eq)]
enum Way {
    /// To one of these links, each with its gateway.
    Leaves(Vec<(String, Option<IpAddr>)>),
    Refused(LookupRefusal),
}

impl Way {
    fn computed(decision: &Decision<'_>) -> Self {
        match decision {
            // Whatever device the address is on, the kernel delivers over the loopback.
            Decision::Route { route, .. }
                if matches!(route.kind, RouteKind::Local | RouteKind::Anycast) =>
            {
                Self::Leaves(vec![("lo".into(), None)])
            }
            Decision::Route { hops, .. } => Self::Leaves(
                hops.iter()
                    .map(|hop| (hop.link.as_ref().unwrap().to_string(), hop.gateway))
                    .collect(),
            ),
            Decision::Refused { refusal, .. } => Self::Refused(*refusal),
        }
    }

    fn answered(answer: &LookupAnswer) -> Self {
        match answer {
            LookupAnswer::Route { link, gateway, .. } => {
                Self::Leaves(vec![(link.to_string(), *gateway)])
            }
            LookupAnswer::Refused(refusal) => Self::Refused(*refusal),
        }
    }

    /// Whether the kernel's way is one of ours.
    fn may_be(&self, kernels: &Self) -> bool {
        match (self, kernels) {
            (Self::Leaves(ours), Self::Leaves(kernels)) => {
                kernels.iter().all(|hop| ours.contains(hop))
            }
            _ => self == kernels,
        }
    }
}

/// What was met, so that agreement is known to mean something.
#[derive(Debug, Default)]
struct Seen {
    links: HashSet<String>,
    direct: usize,
    by_gateway: usize,
    shared: usize,
    refused: Vec<(LookupRefusal, usize)>,
}

impl Seen {
    fn count(&mut self, kernels: &Way, ours: &Way) {
        match kernels {
            Way::Leaves(hops) => {
                let (link, gateway) = &hops[0];
                self.links.insert(link.clone());
                *(if gateway.is_some() { &mut self.by_gateway } else { &mut self.direct }) += 1;
                self.shared += usize::from(matches!(ours, Way::Leaves(ours) if ours.len() > 1));
            }
            Way::Refused(refusal) => {
                match self.refused.iter_mut().find(|(known, _)| known == refusal) {
                    Some((_, count)) => *count += 1,
                    None => self.refused.push((*refusal, 1)),
                }
            }
        }
    }

    fn assert_is_not_trivial(&self) {
        for link in ["eth0", "eth1", "dark0", "lo"] {
            assert!(self.links.contains(link), "{link} was never used: {self:#?}");
        }
        assert!(!self.links.contains("dark1"), "{self:#?}");
        assert!(self.direct > 100 && self.by_gateway > 100 && self.shared > 50, "{self:#?}");
        // No route, unreachable, prohibited, blackhole.
        assert_eq!(self.refused.len(), 4, "{self:#?}");
        assert!(self.refused.iter().all(|(_, count)| *count > 20), "{self:#?}");
    }
}

/// Random numbers that are the same everywhere (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, not including, `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    /// One time in `times`.
    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn one_of<T: Copy>(&mut self, choice: &[T]) -> T {
        let index = self.below(choice.len() as u64);
        choice[usize::try_from(index).unwrap()]
    }
}

/// The tables that the random routes live in.
const TABLES: [&str; 5] = ["main", "main", "100", "2005", "4000000000"];
/// Where the random rules stand: between the rule for `local` and the one for `main`, or after it.
const PRIORITIES: std::ops::Range<u64> = 1000..1040;

/// Next hops that IPv4 routes may share.
const NEXT_HOPS: &str = "\
nexthop add id 1 via 10.0.0.250 dev eth0
nexthop add id 2 via 10.1.0.250 dev eth1
nexthop add id 3 via 10.1.0.251 dev eth1
nexthop add id 4 blackhole
nexthop add id 10 group 1,2/2,3
nexthop add id 11 group 2
";

/// Random routes and rules, as `ip -batch` takes them, and the addresses to ask for.
struct Network {
    family: Family,
    routes: String,
    rules: String,
    addresses: BTreeSet<IpAddr>,
}

impl Network {
    fn random(family: Family, seed: u64) -> Self {
        let mut dice = Dice(seed);
        let mut network = Self {
            family,
            routes: String::new(),
            rules: String::new(),
            addresses: BTreeSet::new(),
        };
        let mut taken = HashSet::new();
        while taken.len() < ROUTES {
            let (prefix, table, metric, tos) = (
                network.prefix(&mut dice),
                dice.one_of(&TABLES),
                dice.one_of(&["", "", "metric 50", "metric 3000"]),
                network.tos(&mut dice),
            );
            if taken.insert((prefix.clone(), table, metric, tos)) {
                let from = network.source(&mut dice);
                let rest = format!("{from} {metric} {tos} table {table}");
                network.add_route(&mut dice, &prefix, &rest);
            }
        }
        let mut priorities = HashSet::new();
        while priorities.len() < RULES {
            let priority = PRIORITIES.start + dice.below(PRIORITIES.end - PRIORITIES.start);
            if priorities.insert(priority) {
                network.add_rule(&mut dice, priority);
            }
        }
        network.rearrange_default_rules(&mut dice);
        while network.addresses.len() < ADDRESSES {
            let address = network.address(&mut dice);
            network.addresses.insert(address);
        }
        // The node's own, its neighbours', broadcasts, and what only a default route knows.
        let special: &[&str] = match family {
            Family::V4 => &[
                "10.0.0.2",
                "10.0.0.77",
                "10.0.255.255",
                "10.1.0.1",
                "10.1.0.255",
                "10.2.0.7",
                "10.3.0.7",
                "127.0.0.53",
                "1.1.1.1",
            ],
            Family::V6 => &[
                "2001:db8::2",
                "2001:db8::77",
                "2001:db8:1::1",
                "2001:db8:2::7",
                "2001:db8:3::7",
                "::1",
                "2606:4700::1111",
            ],
        };
        network.addresses.extend(special.iter().map(|text| text.parse::<IpAddr>().unwrap()));
        network
    }

    /// An address within 10.64.0.0/12 or 2001:db8:64::/48; few bits vary, so that prefixes nest.
    fn address(&self, dice: &mut Dice) -> IpAddr {
        let bits = dice.roll() & dice.roll() & 0x000f_0f0f;
        match self.family {
            Family::V4 => Ipv4Addr::from(0x0a40_0000 | u32::try_from(bits).unwrap()).into(),
            Family::V6 => {
                let spread = u128::from(bits & 0xf_0f00) << 56 | u128::from(bits & 0xf);
                Ipv6Addr::from(0x2001_0db8_0064_0000_0000_0000_0000_0000 | spread).into()
            }
        }
    }

    fn prefix(&mut self, dice: &mut Dice) -> String {
        if dice.once_in(12) {
            return "default".into();
        }
        let address = self.address(dice);
        let length = match self.family {
            Family::V4 => dice.one_of(&[10, 12, 13, 16, 20, 22, 24, 28, 30, 31, 32]),
            Family::V6 => dice.one_of(&[40, 48, 52, 56, 60, 62, 64, 96, 124, 127, 128]),
        };
        let net = ipnet::IpNet::new(address, length).unwrap().trunc();
        // Both ends, and what lies just outside.
        self.ask_around(net);
        net.to_string()
    }

    fn ask_around(&mut self, net: ipnet::IpNet) {
        let (first, last) = (net.network(), net.broadcast());
        self.addresses.extend([first, last]);
        match (first, last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => self.addresses.extend([
                IpAddr::V4((u32::from(first) - 1).into()),
                IpAddr::V4((u32::from(last) + 1).into()),
            ]),
            (IpAddr::V6(first), IpAddr::V6(last)) => self.addresses.extend([
                IpAddr::V6((u128::from(first) - 1).into()),
                IpAddr::V6((u128::from(last) + 1).into()),
            ]),
            _ => {}
        }
    }

    /// IPv6 routes have none.
    fn tos(&self, dice: &mut Dice) -> &'static str {
        if self.family == Family::V4 && dice.once_in(15) { "tos 0x10" } else { "" }
    }

    /// What a packet must come from; IPv4 routes cannot say. The packets asked about have no source
    /// yet.
    fn source(&self, dice: &mut Dice) -> &'static str {
        if self.family == Family::V6 && dice.once_in(15) { "from 2001:db8::/64" } else { "" }
    }

    fn add_route(&mut self, dice: &mut Dice, prefix: &str, rest: &str) {
        let line = match dice.below(20) {
            0 => format!("blackhole {prefix} {rest}"),
            1 => format!("unreachable {prefix} {rest}"),
            2 => format!("prohibit {prefix} {rest}"),
            3 | 4 => format!("throw {prefix} {rest}"),
            // A gateway that becomes an address of this host would be refused.
            5 if prefix != "default" => format!("local {prefix} dev lo {rest}"),
            6..=9 => {
                let mut line = format!("{prefix} {rest}");
                // Each hop once, or IPv6 refuses.
                let hops: BTreeSet<String> =
                    (0..2 + dice.below(3)).map(|_| self.hop(dice)).collect();
                for hop in hops {
                    let weight = 1 + dice.below(5);
                    write!(line, " nexthop {hop} onlink weight {weight}").unwrap();
                }
                line
            }
            // For IPv6 the kernel (6.18) keeps one cached answer for each next hop object, so that
            // `suppress_prefixlength` sees the length of whichever route was asked for first.
            10 if self.family == Family::V4 => {
                format!("{prefix} nhid {} {rest}", dice.one_of(&[1, 2, 3, 4, 10, 11]))
            }
            11 | 12 => {
                let link = dice.one_of(&["eth0", "eth1", "dark0", "dark1"]);
                format!("{prefix} dev {link} {rest}")
            }
            _ => format!("{prefix} {} onlink {rest}", self.hop(dice)),
        };
        writeln!(self.routes, "route add {line}").unwrap();
    }

    fn hop(&self, dice: &mut Dice) -> String {
        let (number, host) = (dice.one_of(&[0, 0, 1, 1, 2, 3]), 10 + dice.below(200));
        let link = ["eth0", "eth1", "dark0", "dark1"][number];
        match self.family {
            Family::V4 => format!("via 10.{number}.0.{host} dev {link}"),
            Family::V6 => format!("via fe80::{host:x} dev {link}"),
        }
    }

    fn add_rule(&mut self, dice: &mut Dice, priority: u64) {
        let table = dice.one_of(&TABLES[1..]);
        let prefix = self.prefix(dice);
        let prefix = if prefix == "default" { "all" } else { &prefix };
        let not = if dice.once_in(4) { "not " } else { "" };
        let selector = match dice.below(16) {
            0..=4 => format!("to {prefix}"),
            5 => "iif lo".into(),
            6 => format!("iif eth0 to {prefix}"),
            7 => "oif eth1".into(),
            8 => format!("fwmark 0/0x{:x} to {prefix}", 1 + dice.below(15)),
            9 => format!("fwmark 0x{:x}", 1 + dice.below(15)),
            10 => format!("tos 0x10 to {prefix}"),
            11 => format!("ipproto {} to {prefix}", dice.one_of(&["tcp", "udp"])),
            12 => format!("dport 53 to {prefix}"),
            13 => format!("uidrange {} to {prefix}", dice.one_of(&["0-0", "1000-2000"])),
            _ => format!("from {prefix}"),
        };
        let action = match dice.below(12) {
            0 => "blackhole".into(),
            1 => "unreachable".into(),
            2 => "prohibit".into(),
            3 => format!("goto {}", priority + 1 + dice.below(PRIORITIES.end - priority)),
            4 => "nop".into(),
            5 | 6 => {
                let length = dice.one_of(&[0, 12, 16, 48, 56]);
                format!("lookup {table} suppress_prefixlength {length}")
            }
            _ => format!("lookup {table}"),
        };
        writeln!(self.rules, "rule add priority {priority} {not}{selector} {action}").unwrap();
    }

    /// Moves the rule for `local`, as agents do, or takes one of the kernel's rules away.
    fn rearrange_default_rules(&mut self, dice: &mut Dice) {
        self.rules.push_str(match dice.below(8) {
            0 | 1 => "rule add priority 100 lookup local\nrule del priority 0\n",
            2 => "rule add priority 1500 lookup local\nrule del priority 0\n",
            3 => "rule del priority 0\n",
            4 => "rule del priority 32766\n",
            _ => "",
        });
    }

    fn build(&self, lab: &Lab, node: &Namespace) {
        node.ip_batch(NEXT_HOPS).unwrap();
        // Routes before rules, which the kernel would ask about the gateways.
        self.run(lab, node, &self.routes);
        self.run(lab, node, &self.rules);
    }

    /// Runs a batch of commands of this family, which cannot be said line by line.
    fn run(&self, lab: &Lab, node: &Namespace, script: &str) {
        let file = lab.dir().join("batch");
        fs::write(&file, script).unwrap();
        let built = node.ip(&[self.flag(), "-batch", file.to_str().unwrap()]);
        built.unwrap_or_else(|error| panic!("{error:#}\n{script}"));
    }

    fn flag(&self) -> &'static str {
        if self.family == Family::V4 { "-4" } else { "-6" }
    }
}
