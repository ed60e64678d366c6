//! Facts that no host ever had: nothing may panic, and nothing may take for ever.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use kcilium_core::{
    diagnosis::{Diagnosis, Selection, diagnose},
    facts::{
        Address, AgentPod, AgentProcess, CiliumConfig, CiliumNode, ClusterFacts, CniFile, Declared,
        Fact, Facts, Family, FwMark, HostEndpoint, HostEndpointKind, IpamMode, KernelLookup,
        KubeNode, Link, LinkFlag, LinkName, LookupAnswer, LookupRefusal, NextHop, NextHopFlag,
        NodeAddress, NodeAddressKind, NodeFacts, NodeName, Resolver, ResolverKind, Route,
        RouteKind, RouteProtocol, RouteScope, RoutingMode, RoutingRule, RuleAction, TableId,
        TunnelProtocol, Unavailable, ValueRange, snapshot,
    },
    rules::Severity,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

fn fact<T: std::fmt::Debug + Clone + 'static>(
    known: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Fact<T>> {
    prop_oneof![
        6 => known.prop_map(Fact::Known),
        1 => Just(Fact::default()),
        1 => Just(Fact::Unavailable(Unavailable::failed("source", "it failed"))),
    ]
}

/// Few addresses, so that everything meets everything; and the ends of the space.
fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        4 => (0_u32..64).prop_map(|low| IpAddr::V4(Ipv4Addr::from(0x0a00_0000 | (low << 6)))),
        1 => (0_u128..64).prop_map(|low| IpAddr::V6(Ipv6Addr::from(0xfd << 120 | (low << 60)))),
        1 => select(vec!["0.0.0.0", "255.255.255.255", "127.0.0.1", "169.254.1.1", "::", "::1",
            "fe80::1", "ff02::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::ffff:10.0.0.1"])
            .prop_map(|text| text.parse().unwrap()),
    ]
}

/// With host bits, and of every length.
fn net() -> impl Strategy<Value = IpNet> {
    (address(), 0_u8..=128).prop_map(|(address, length)| match address {
        IpAddr::V4(v4) => IpNet::V4(Ipv4Net::new(v4, length % 33).unwrap()),
        IpAddr::V6(v6) => IpNet::V6(Ipv6Net::new(v6, length).unwrap()),
    })
}

fn link_name() -> impl Strategy<Value = LinkName> {
    let names = [
        "eth0",
        "eth1",
        "docker0",
        "cilium_host",
        "cilium_net",
        "cilium_vxlan",
        "lxc_health",
        "lxcd14c4fc38cac",
        "lxcbr0",
        "flannel.1",
        "cali12345678901",
        "wg0",
        "lo",
        "eth0.100",
    ];
    select(names.to_vec()).prop_map(LinkName::from)
}

fn node_name() -> impl Strategy<Value = NodeName> {
    select(vec!["node1", "node2", "node3", "knoten-ä"]).prop_map(NodeName::from)
}

/// What people write where a CIDR belongs.
fn cidr_text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => net().prop_map(|net| net.to_string()),
        1 => select(vec!["", "garbage", "10.0.0.0", "10.0.0.0/99", "/", "10.0.0.0/8/8", "0.0.0.0/0",
            "::/0", "10.20.0.0/8"]).prop_map(str::to_owned),
    ]
}

fn next_hop() -> impl Strategy<Value = NextHop> {
    let flags = [NextHopFlag::Dead, NextHopFlag::Linkdown, NextHopFlag::Onlink, NextHopFlag::Other];
    (
        option::weighted(0.9, link_name()),
        option::of(address()),
        any::<u16>(),
        vec(select(flags.to_vec()), 0..3),
    )
        .prop_map(|(link, gateway, weight, flags)| NextHop { link, gateway, weight, flags })
}

fn table() -> impl Strategy<Value = TableId> {
    select(vec![254, 254, 254, 255, 253, 0, 77, 2004, u32::MAX]).prop_map(TableId)
}

fn route() -> impl Strategy<Value = Route> {
    let kinds = [
        RouteKind::Unicast,
        RouteKind::Unicast,
        RouteKind::Unicast,
        RouteKind::Local,
        RouteKind::Broadcast,
        RouteKind::Blackhole,
        RouteKind::Unreachable,
        RouteKind::Prohibit,
        RouteKind::Throw,
        RouteKind::Other,
    ];
    (
        net(),
        select(kinds.to_vec()),
        table(),
        select(vec![2, 3, 4, 12, 16, 80, 255]).prop_map(RouteProtocol),
        prop_oneof![4 => Just(0_u32), 1 => any::<u32>()],
        prop_oneof![4 => Just(0_u8), 1 => any::<u8>()],
        option::of(address()),
        option::weighted(0.1, net()),
        vec(next_hop(), 0..3),
    )
        .prop_map(
            |(
                destination,
                kind,
                table,
                protocol,
                metric,
                tos,
                preferred_source,
                source,
                next_hops,
            )| {
                Route {
                    destination,
                    kind,
                    table,
                    protocol,
                    metric,
                    tos,
                    preferred_source,
                    source,
                    next_hops,
                    scope: RouteScope::GLOBAL,
                    mtu: None,
                }
            },
        )
}

fn rule() -> impl Strategy<Value = RoutingRule> {
    let action = prop_oneof![
        6 => table().prop_map(RuleAction::Lookup),
        1 => any::<u32>().prop_map(RuleAction::Goto),
        1 => (0_u32..5).prop_map(RuleAction::Goto),
        1 => select(vec![RuleAction::LookupVrf, RuleAction::Nop, RuleAction::Blackhole,
            RuleAction::Unreachable, RuleAction::Prohibit]),
    ];
    let range = (any::<u32>(), any::<u32>()).prop_map(|(start, end)| ValueRange { start, end });
    (
        (select(vec![Family::V4, Family::V6]), prop_oneof![0_u32..5, any::<u32>()], any::<bool>()),
        (option::weighted(0.2, net()), option::weighted(0.2, net())),
        (option::weighted(0.1, link_name()), option::weighted(0.1, link_name())),
        option::weighted(0.2, (any::<u32>(), any::<u32>())),
        (option::weighted(0.1, range), option::weighted(0.1, any::<u8>())),
        action,
        option::weighted(0.2, any::<u8>()),
    )
        .prop_map(
            |(
                (family, priority, invert),
                (from, to),
                (incoming, outgoing),
                mark,
                (users, ip_protocol),
                action,
                suppress,
            )| {
                RoutingRule {
                    invert,
                    from,
                    to,
                    incoming,
                    outgoing,
                    users,
                    ip_protocol,
                    mark: mark.map(|(value, mask)| FwMark { value, mask }),
                    suppress_prefix_length: suppress,
                    ..RoutingRule { action, ..RoutingRule::all_to(family, priority, TableId::MAIN) }
                }
            },
        )
}

fn link() -> impl Strategy<Value = Link> {
    let kinds = ["veth", "bridge", "vxlan", "wireguard", "tun", "vrf"];
    let flags = [LinkFlag::Up, LinkFlag::LowerUp, LinkFlag::Loopback, LinkFlag::Other];
    (
        any::<u32>(),
        link_name(),
        option::of(select(kinds.to_vec())),
        vec(select(flags.to_vec()), 0..4),
        option::weighted(0.1, link_name()),
    )
        .prop_map(|(index, name, kind, flags, master)| Link {
            index,
            name,
            flags,
            master,
            kind: kind.map(str::to_owned),
            peer: None,
            altnames: Vec::new(),
            mtu: u32::MAX,
            hardware_address: None,
            vxlan_port: None,
        })
}

fn own_address() -> impl Strategy<Value = Address> {
    // A snapshot may say any prefix length.
    (link_name(), address(), prop_oneof![0_u8..=32, any::<u8>()]).prop_map(
        |(link, address, prefix_len)| Address { link, address, prefix_len, scope: String::new() },
    )
}

fn lookup() -> impl Strategy<Value = KernelLookup> {
    let answer = prop_oneof![
        (link_name(), option::of(address())).prop_map(|(link, gateway)| LookupAnswer::Route {
            link,
            gateway,
            source: None,
            table: None,
        }),
        select(vec![LookupRefusal::NoRoute, LookupRefusal::Other]).prop_map(LookupAnswer::Refused),
    ];
    (address(), answer).prop_map(|(destination, answer)| KernelLookup { destination, answer })
}

fn cni_file() -> impl Strategy<Value = CniFile> {
    (select(vec!["cilium-cni", "bridge", ""]), vec(net(), 0..3)).prop_map(|(plugin, subnets)| {
        CniFile {
            name: "a.conflist".into(),
            network: String::new(),
            plugins: vec![plugin.into()],
            subnets,
            broken: None,
        }
    })
}

fn sysctls() -> impl Strategy<Value = BTreeMap<String, String>> {
    let name = (link_name(), select(vec!["rp_filter", "ignore_routes_with_linkdown"]))
        .prop_map(|(link, key)| format!("net.ipv4.conf.{link}.{key}"));
    prop::collection::btree_map(
        name,
        select(vec!["0", "1", "2", "-1", "x", ""]).prop_map(str::to_owned),
        0..6,
    )
}

fn node() -> impl Strategy<Value = NodeFacts> {
    let resolver = address().prop_map(|address| Resolver {
        address,
        file: "/etc/resolv.conf".into(),
        kind: ResolverKind::Direct,
    });
    let endpoint = (address(), select(vec![HostEndpointKind::ApiServer, HostEndpointKind::Proxy]))
        .prop_map(|(address, kind)| HostEndpoint { address, kind, file: "f".into() });
    (
        node_name(),
        (fact(vec(link(), 0..6)), fact(vec(own_address(), 0..6))),
        (fact(vec(route(), 0..20)), fact(vec(rule(), 0..6)), fact(vec(lookup(), 0..4))),
        (fact(vec(resolver, 0..3)), fact(vec(endpoint, 0..2)), fact(vec(cni_file(), 0..2))),
        (
            fact(sysctls()),
            fact(select(vec![AgentProcess::NotRunning, AgentProcess::Running { pid: Some(7) }])),
        ),
    )
        .prop_map(
            |(
                name,
                (links, addresses),
                (routes, rules, lookups),
                (resolvers, endpoints, cni_files),
                (sysctls, agent),
            )| {
                NodeFacts {
                    links,
                    addresses,
                    routes,
                    rules,
                    lookups,
                    resolvers,
                    endpoints,
                    cni_files,
                    sysctls,
                    agent,
                    ..NodeFacts::named(name)
                }
            },
        )
}

fn node_address() -> impl Strategy<Value = NodeAddress> {
    let kinds = [
        NodeAddressKind::InternalIP,
        NodeAddressKind::ExternalIP,
        NodeAddressKind::CiliumInternalIP,
        NodeAddressKind::Other,
    ];
    (select(kinds.to_vec()), address()).prop_map(|(kind, address)| NodeAddress { kind, address })
}

fn config() -> impl Strategy<Value = CiliumConfig> {
    let routing = [
        RoutingMode::Native,
        RoutingMode::Tunnel(TunnelProtocol::Vxlan),
        RoutingMode::Tunnel(TunnelProtocol::Unknown("x".into())),
        RoutingMode::Unknown("hybrid".into()),
    ];
    let ipam = [
        IpamMode::ClusterPool,
        IpamMode::Kubernetes,
        IpamMode::MultiPool,
        IpamMode::Other("eni".into()),
    ];
    (
        (select(ipam.to_vec()), select(routing.to_vec())),
        (vec(cidr_text(), 0..4), vec(cidr_text(), 0..4)),
        (prop_oneof![0_u8..=32, any::<u8>()], any::<u8>()),
        option::of(cidr_text()),
        (any::<bool>(), any::<bool>(), any::<bool>(), any::<u32>()),
    )
        .prop_map(
            |(
                (ipam, routing),
                (pool_v4, pool_v6),
                (node_mask_v4, node_mask_v6),
                native,
                (direct, ipv4, ipv6, cluster_id),
            )| {
                CiliumConfig {
                    ipam,
                    routing,
                    pool_v4,
                    pool_v6,
                    node_mask_v4,
                    node_mask_v6,
                    ipv4,
                    ipv6,
                    cluster_id,
                    native_routing_cidr_v4: native,
                    auto_direct_node_routes: direct,
                    ..CiliumConfig::chart_defaults()
                }
            },
        )
}

fn cluster() -> impl Strategy<Value = ClusterFacts> {
    let cilium_node =
        (node_name(), vec(net(), 0..3), vec(node_address(), 0..3), select(vec!["", "error"]))
            .prop_map(|(name, pod_cidrs, addresses, error)| CiliumNode {
                pod_cidrs,
                addresses,
                operator_error: error.into(),
                ..CiliumNode::named(name)
            });
    let kube_node =
        (node_name(), vec(net(), 0..2), vec(node_address(), 0..3), option::of(any::<u32>()))
            .prop_map(|(name, pod_cidrs, addresses, max_pods)| KubeNode {
                pod_cidrs,
                addresses,
                max_pods,
                ..KubeNode::named(name)
            });
    let agent = node_name().prop_map(|node| AgentPod::named("cilium", node));
    (
        fact(config()),
        (fact(vec(cilium_node, 0..5)), fact(vec(kube_node, 0..5))),
        (fact(vec(cidr_text(), 0..3)), fact(vec(address(), 0..3)), fact(vec(agent, 0..3))),
    )
        .prop_map(|(config, (cilium_nodes, nodes), (service_cidrs, api_servers, agents))| {
            ClusterFacts {
                config,
                cilium_nodes,
                nodes,
                service_cidrs,
                api_servers,
                agents,
                ..ClusterFacts::default()
            }
        })
}

fn facts() -> impl Strategy<Value = Facts> {
    let declared = (vec(cidr_text(), 0..2), vec(cidr_text(), 0..2), vec(address(), 0..2)).prop_map(
        |(pod_cidrs, service_cidrs, protect)| Declared { pod_cidrs, service_cidrs, protect },
    );
    (declared, cluster(), vec(node(), 0..4)).prop_map(|(declared, cluster, nodes)| Facts {
        declared,
        cluster,
        nodes,
        ..Facts::default()
    })
}

fn judge(facts: &Facts) -> Diagnosis {
    diagnose(facts, &Selection::default())
}

/// Everything that a report prints of a diagnosis.
fn printed(diagnosis: &Diagnosis) -> String {
    let outcomes: Vec<_> = diagnosis
        .results
        .iter()
        .map(|result| (result.rule.code, result.judgement.outcome()))
        .collect();
    let unknown: Vec<_> =
        diagnosis.results.iter().flat_map(|result| result.judgement.unknowns()).collect();
    serde_json::json!([diagnosis.verdicts, diagnosis.findings(), outcomes, unknown]).to_string()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_facts_make_the_diagnosis_panic(facts in facts()) {
        let diagnosis = judge(&facts);
        // The same facts, the same words.
        prop_assert_eq!(printed(&diagnosis), printed(&judge(&facts)));
        for finding in diagnosis.findings() {
            prop_assert!(!finding.summary.is_empty() && !finding.subject.is_empty(), "{finding:?}");
            let worst = diagnosis.results.iter().find(|it| it.rule.code == finding.code).unwrap();
            prop_assert!(finding.severity <= worst.rule.severity, "{finding:?}");
        }
    }

    #[test]
    fn a_snapshot_loses_nothing(facts in facts()) {
        let json = snapshot::encode(&facts).unwrap();
        // What nobody collected is left out, and reads the same.
        prop_assert_eq!(snapshot::decode(&json).unwrap(), facts);
    }

    #[test]
    fn a_rule_alone_says_what_it_says_among_others(facts in facts()) {
        for result in judge(&facts).results {
            let only = [result.rule.code].into_iter().collect();
            let alone = diagnose(&facts, &Selection { only, ..Selection::default() });
            prop_assert_eq!(&alone.results[0].judgement, &result.judgement);
        }
    }
}

#[test]
fn no_facts_at_all_are_not_fine() {
    let diagnosis = judge(&Facts::default());
    assert!(diagnosis.judged_nothing());
    assert!(diagnosis.has_unknowns());
    assert_eq!((diagnosis.worst(), diagnosis.verdicts.len()), (None, 0));
}

#[test]
fn a_node_of_which_nothing_is_known_is_not_fine() {
    let facts = Facts { nodes: vec![NodeFacts::named("node1")], ..Facts::default() };
    let diagnosis = judge(&facts);
    assert!(diagnosis.has_unknowns());
    assert_eq!(diagnosis.worst(), None);
}

/// A fleet in tunnel mode: `looked_at` nodes with routes to the first `blocks` blocks.
fn fleet(size: u32, looked_at: u32, blocks: u32, pool: Ipv4Addr) -> Facts {
    let block = |index: u32| {
        IpNet::V4(Ipv4Net::new(Ipv4Addr::from(pool.to_bits() + index * 256), 24).unwrap())
    };
    let name = |index: u32| NodeName::from(format!("node-{index:05}"));
    let machine = |index: u32| IpAddr::V4(Ipv4Addr::from(0xac10_0000 + index + 10));
    let internal = |index: u32| {
        vec![NodeAddress { kind: NodeAddressKind::InternalIP, address: machine(index) }]
    };
    let route = |destination: IpNet, gateway: Option<IpAddr>, link: &str| Route {
        destination,
        kind: RouteKind::Unicast,
        table: TableId::MAIN,
        protocol: RouteProtocol::KERNEL,
        scope: RouteScope::GLOBAL,
        metric: 0,
        tos: 0,
        preferred_source: None,
        source: None,
        mtu: None,
        next_hops: vec![NextHop { link: Some(link.into()), gateway, ..NextHop::default() }],
    };
    let gateway: IpAddr = "10.0.0.1".parse().unwrap();
    let nodes = (0..looked_at).map(|own| {
        let router = IpAddr::V4(Ipv4Addr::from(pool.to_bits() + own * 256 + 7));
        let mut all = vec![
            route("0.0.0.0/0".parse().unwrap(), Some(gateway), "eth0"),
            route("10.0.0.0/24".parse().unwrap(), None, "eth0"),
            route("172.16.0.0/16".parse().unwrap(), None, "eth1"),
        ];
        all.extend((0..blocks).map(|index| route(block(index), Some(router), "cilium_host")));
        NodeFacts {
            routes: Fact::Known(all),
            addresses: Fact::Known(vec![Address {
                link: "eth1".into(),
                address: machine(own),
                prefix_len: 16,
                scope: "global".into(),
            }]),
            resolvers: Fact::Known(vec![Resolver {
                address: gateway,
                file: "/etc/resolv.conf".into(),
                kind: ResolverKind::Direct,
            }]),
            ..NodeFacts::named(name(own))
        }
    });
    Facts {
        nodes: nodes.collect(),
        cluster: ClusterFacts {
            config: Fact::Known(CiliumConfig {
                pool_v4: vec![format!("{pool}/8")],
                ..CiliumConfig::chart_defaults()
            }),
            cilium_nodes: Fact::Known(
                (0..size)
                    .map(|index| CiliumNode {
                        pod_cidrs: vec![block(index)],
                        addresses: internal(index),
                        ..CiliumNode::named(name(index))
                    })
                    .collect(),
            ),
            nodes: Fact::Known(
                (0..size)
                    .map(|index| KubeNode {
                        addresses: internal(index),
                        max_pods: Some(110),
                        ..KubeNode::named(name(index))
                    })
                    .collect(),
            ),
            service_cidrs: Fact::Known(vec!["192.168.0.0/16".into()]),
            api_servers: Fact::Known(vec![machine(0)]),
            agents: Fact::Known(
                (0..size)
                    .map(|index| AgentPod { ready: true, ..AgentPod::named("cilium", name(index)) })
                    .collect(),
            ),
            ..ClusterFacts::default()
        },
        ..Facts::default()
    }
}

#[test]
fn a_large_fleet_is_judged_in_one_piece() {
    let diagnosis = judge(&fleet(2000, 50, 2000, Ipv4Addr::new(11, 0, 0, 0)));
    assert_eq!(diagnosis.verdicts, []);
    assert!(diagnosis.worst() <= Some(Severity::Warn), "{:?}", diagnosis.worst());
}

#[test]
fn a_clash_of_a_large_fleet_is_one_verdict_about_all_nodes() {
    // Ten nodes more than the number of conflicts that one node may show.
    let diagnosis = judge(&fleet(1010, 1010, 3, Ipv4Addr::new(10, 0, 0, 0)));
    let [verdict] = &diagnosis.verdicts[..] else {
        panic!("{} verdicts", diagnosis.verdicts.len())
    };
    assert_eq!((verdict.cause, verdict.nodes.len()), ("C-CLASH", 1010));
    let findings = diagnosis.findings();
    let claimed: Vec<_> = findings.iter().filter(|it| it.code.0 == "CIDR-01").collect();
    assert_eq!(claimed.len(), 1);
    assert_eq!((claimed[0].subject.as_str(), claimed[0].nodes.len()), ("10.0.0.1", 1010));
    let overlap: Vec<_> = findings.iter().filter(|it| it.code.0 == "CIDR-02").collect();
    assert_eq!((overlap.len(), overlap[0].nodes.len()), (1, 1010));
    assert!(
        diagnosis
            .results
            .iter()
            .filter(|it| it.rule.code.0 == "CIDR-02")
            .all(|it| { it.judgement.unknowns().is_empty() })
    );
}
