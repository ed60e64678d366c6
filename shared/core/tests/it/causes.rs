//! Causes by signature: one configuration, and what probes say about it.

use std::collections::BTreeMap;

use kcilium_core::{
    causes::{ChainKind, Confidence, Verdict},
    diagnosis::{Selection, diagnose},
    facts::{
        AgentStatus, CiliumConfig, ClusterFacts, ControlPlaneComponent, ControlPlanePod, Fact,
        Facts, LinkName, Masquerading, NetworkPolicy, NodeFacts, NodeName, PodNetwork,
        PolicyEnforcement, ProxyReplacement, RoutingMode, TunnelProtocol,
    },
    probe::{
        Answer, Counters, Echoed, Outcome, PathMtu, ProbeResult, SystemError, Way,
        matrix::{Cell, Vantage},
    },
    rules::{Code, Severity},
};

use crate::fixture::Fixture;

/// All that is well: what the node reaches, its pods reach too.
const WELL: &str = "
    host/gateway/tcp/10.0.0.1:53 ok
    host/lan/tcp/10.0.0.9:443 ok
    host/other-node/tcp/10.24.0.3:10250 ok
    host/internet-address/tcp/1.1.1.1:443 ok
    host/internet-address/tcp/223.5.5.5:443 ok
    host/internet-name/tls/baidu.com:443 ok
    host/resolver/dns/baidu.com A/udp ok
    pod/gateway/tcp/10.0.0.1:53 ok
    pod/lan/tcp/10.0.0.9:443 ok
    pod/other-node/tcp/10.24.0.3:10250 ok
    pod/pod-same-node/tcp/10.244.1.9:4240 ok
    pod/pod-other-node/tcp/10.244.2.9:4240 ok
    pod/cluster-dns/dns/kubernetes.default A at 10.96.0.10:53/udp ok
    pod/cluster-dns-pod/dns/kubernetes.default A at 10.244.2.7:53/udp ok
    pod/api-service/tls/10.96.0.1:443 ok
    pod/internet-address/tcp/1.1.1.1:443 ok
    pod/internet-address/tcp/223.5.5.5:443 ok
    pod/internet-name/tls/baidu.com:443 ok
    pod/resolver/dns/baidu.com A/udp ok
";

/// Those of [`WELL`], but for what begins with one of these.
fn well_but(lost: &[&str]) -> Vec<ProbeResult> {
    let lines = WELL.lines().map(str::trim).filter(|line| !line.is_empty());
    let probes = lines.map(|line| {
        let (id, _) = line.rsplit_once(' ').unwrap();
        let is_lost = lost.iter().any(|prefix| id.starts_with(prefix));
        probe(id, if is_lost { Outcome::Timeout } else { Outcome::Ok })
    });
    probes.collect()
}

/// `vantage/destination/kind/target`.
fn probe(id: &str, outcome: Outcome) -> ProbeResult {
    let mut parts = id.splitn(4, '/').skip(2);
    let (kind, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    ProbeResult::new(id.into(), kind, target, outcome)
}

fn counters(name: &str, count: u64) -> ProbeResult {
    let mut counters = probe("host/counters", Outcome::Ok);
    let protocols = [(name.to_owned(), count)].into();
    counters.answer = Some(Answer::Counters(Counters { protocols, ..Counters::default() }));
    counters
}

/// Packets beyond this size vanish.
fn narrow(id: &str, passed: u32) -> ProbeResult {
    let mut probe = probe(id, Outcome::TooNarrow);
    let path = PathMtu { passed, lost: Some(passed + 1), ..PathMtu::default() };
    probe.answer = Some(Answer::PathMtu(path));
    probe
}

/// Everything outside the cluster, for pods.
const OUTSIDE: [&str; 5] =
    ["pod/gateway", "pod/lan", "pod/internet-address", "pod/internet-name", "pod/resolver"];
/// The internet, for everybody.
const INTERNET: [&str; 6] = [
    "host/internet-address",
    "host/internet-name",
    "host/resolver",
    "pod/internet-address",
    "pod/internet-name",
    "pod/resolver",
];

fn tunnel() -> CiliumConfig {
    CiliumConfig {
        origin: "ConfigMap kube-system/cilium-config".into(),
        routing: RoutingMode::Tunnel(TunnelProtocol::Vxlan),
        pool_v4: vec!["10.244.0.0/16".into()],
        ..CiliumConfig::chart_defaults()
    }
}

fn native() -> CiliumConfig {
    CiliumConfig {
        routing: RoutingMode::Native,
        auto_direct_node_routes: true,
        native_routing_cidr_v4: Some("10.244.0.0/16".into()),
        ..tunnel()
    }
}

/// The author's own: neither a tunnel nor masquerade.
fn without_masquerade() -> CiliumConfig {
    CiliumConfig { masquerade_v4: false, ..native() }
}

fn node(name: &str, probes: Vec<ProbeResult>) -> NodeFacts {
    NodeFacts { probes: Fact::Known(probes), ..NodeFacts::named(name) }
}

fn facts(config: CiliumConfig, nodes: Vec<NodeFacts>) -> Facts {
    let none = || Fact::Known(Vec::new());
    let cluster = ClusterFacts {
        config: Fact::Known(config),
        network_policies: none(),
        cilium_network_policies: none(),
        cilium_clusterwide_network_policies: none(),
        ..ClusterFacts::default()
    };
    Facts { cluster, nodes, ..Facts::default() }
}

fn verdicts(facts: &Facts) -> Vec<Verdict> {
    diagnose(facts, &Selection::default()).verdicts
}

fn told(facts: &Facts) -> Vec<String> {
    let verdicts = verdicts(facts);
    verdicts.iter().map(|verdict| format!("{} {}", verdict.cause, verdict.confidence)).collect()
}

fn on_one_node(config: CiliumConfig, probes: Vec<ProbeResult>) -> Vec<String> {
    told(&facts(config, vec![node("node1", probes)]))
}

#[test]
fn without_masquerade_the_probes_decide_what_it_is() {
    let judge = |lost: &[&str]| on_one_node(without_masquerade(), well_but(lost));
    assert_eq!(judge(&OUTSIDE), ["C-NOMASQ confirmed"]);
    assert_eq!(judge(&INTERNET), ["C-WALL likely"]);
    // Whether nodes have all routes nobody looked.
    assert_eq!(judge(&["pod/pod-other-node"]), ["C-NOROUTE undetermined"]);
    let with_routes = NodeFacts {
        routes: Fact::Known(Vec::new()),
        ..node("node1", well_but(&["pod/pod-other-node"]))
    };
    let mut facts = facts(without_masquerade(), vec![with_routes]);
    facts.cluster.cilium_nodes = Fact::Known(Vec::new());
    assert_eq!(told(&facts), ["C-ANTISPOOF likely"]);
    assert!(judge(&[]).is_empty(), "routers know the pods");
    // The router knows the pods, and does not translate their addresses.
    let lost = ["pod/internet-address", "pod/internet-name", "pod/resolver"];
    assert_eq!(judge(&lost), ["C-NOMASQ confirmed"]);
}

#[test]
fn what_pods_tell_that_lend_their_networks_is_certain_where_no_policy_can_be_why() {
    let lent = PodNetwork {
        namespace: "default".into(),
        name: "backend".into(),
        address: [10, 244, 1, 7].into(),
    };
    let node = NodeFacts { lent_networks: vec![lent], ..node("node1", well_but(&OUTSIDE)) };
    let mut facts = facts(without_masquerade(), vec![node]);
    assert_eq!(told(&facts), ["C-NOMASQ confirmed"]);
    facts.cluster.network_policies = Fact::default();
    assert_eq!(told(&facts), ["C-NOMASQ likely"]);
    let verdict = &verdicts(&facts)[0];
    assert_eq!(verdict.decides[0].command, "kubectl cilium-doctor --probe --nodes node1");
    let source = "probes of node1, in the network of default/backend";
    assert!(verdict.chain.iter().any(|link| link.source == source), "{:#?}", verdict.chain);
}

#[test]
fn in_a_tunnel_the_probes_decide_what_it_is() {
    let judge = |lost: &[&str]| on_one_node(tunnel(), well_but(lost));
    assert!(judge(&[]).is_empty());
    assert_eq!(judge(&["pod/pod-other-node"]), ["C-OVERLAY likely"]);
    assert_eq!(
        judge(&["pod/pod-other-node", "pod/cluster-dns", "pod/resolver"]),
        ["C-OVERLAY likely"]
    );
    assert_eq!(judge(&["pod/resolver", "pod/internet-name"]), ["C-DNSUP likely"]);
    assert_eq!(judge(&["pod/cluster-dns/", "pod/api-service"]), ["C-SVC likely"]);
    assert_eq!(judge(&INTERNET), ["C-WALL likely"]);
    let one_target = ["host/internet-address/tcp/1.1.1.1", "pod/internet-address/tcp/1.1.1.1"];
    assert_eq!(judge(&one_target), ["C-WALL confirmed"]);
    assert_eq!(judge(&["host/resolver", "pod/resolver"]), ["C-HOSTDNS confirmed"]);
}

#[test]
fn large_packets_are_judged_where_small_ones_come_through() {
    let with = |probes: &[ProbeResult]| {
        let mut all = well_but(&[]);
        all.extend_from_slice(probes);
        on_one_node(tunnel(), all)
    };
    let sizes = "pod/pod-other-node/path-mtu/10.244.2.9";
    let message = "pod/pod-other-node/echo/10.244.2.9:7777/tcp";
    let small = || probe("pod/pod-other-node/echo/10.244.2.9:7777/udp", Outcome::Ok);
    assert_eq!(with(&[narrow(sizes, 1372)]), ["C-MTU likely"]);
    let lost = probe(message, Outcome::Timeout);
    assert_eq!(with(&[narrow(sizes, 1372), small(), lost.clone()]), ["C-MTU confirmed"]);
    // A long request is such a message, where a short one is answered.
    let request = "pod/pod-other-node/http/10.244.2.9:4240/hello";
    let long = probe(&format!("{request} with 8000 bytes"), Outcome::Timeout);
    let short = probe(request, Outcome::Ok);
    assert_eq!(with(&[narrow(sizes, 1372), short, long.clone()]), ["C-MTU confirmed"]);
    let silent = probe(request, Outcome::Timeout);
    assert_eq!(with(&[narrow(sizes, 1372), silent, long]), ["C-MTU likely"]);
    // Large packets come through, and TCP does not: that is no matter of size.
    let wide = probe(sizes, Outcome::Ok);
    let rising = counters("Tcp.InCsumErrors", 9);
    assert_eq!(with(&[wide.clone(), small(), lost.clone()]), ["C-CSUM likely"]);
    assert_eq!(with(&[wide.clone(), small(), lost, rising]), ["C-CSUM confirmed"]);
    assert!(with(&[wide, small(), probe(message, Outcome::Ok)]).is_empty());
}

#[test]
fn the_size_that_passes_is_the_one_to_set() {
    let mut probes = well_but(&[]);
    probes.push(probe("host/internet-address/path-mtu/1.1.1.1", Outcome::Ok));
    probes.push(narrow("pod/internet-address/path-mtu/1.1.1.1", 1372));
    let verdict = &verdicts(&facts(tunnel(), vec![node("node1", probes)]))[0];
    assert!(verdict.title.contains("1372"), "{}", verdict.title);
    assert_eq!(verdict.fix[0].values, "MTU: 1372\n");
}

#[test]
fn no_ping_is_a_proof() {
    let mut probes = well_but(&OUTSIDE);
    for target in ["pod/gateway/icmp/10.0.0.1", "pod/internet-address/icmp/1.1.1.1"] {
        probes.push(probe(target, Outcome::Ok));
    }
    assert_eq!(on_one_node(without_masquerade(), probes), ["C-NOMASQ confirmed"]);
    let mut probes = well_but(&[]);
    probes.push(probe("pod/internet-address/icmp/1.1.1.1", Outcome::Timeout));
    assert!(on_one_node(tunnel(), probes).is_empty());
}

#[test]
fn the_internet_by_address_proves_nothing_about_names_or_the_lan() {
    let wide = CiliumConfig { native_routing_cidr_v4: Some("10.0.0.0/8".into()), ..native() };
    let lost = ["pod/gateway", "pod/lan"];
    assert_eq!(on_one_node(wide, well_but(&lost)), ["C-NCIDR-WIDE likely"]);
    let verdict = &verdicts(&facts(tunnel(), vec![node("n", well_but(&["pod/resolver"]))]))[0];
    assert_eq!(verdict.cause, "C-DNSUP");
    assert!(verdict.cautions.iter().any(|text| text.contains("proves nothing about names")));
}

#[test]
fn what_the_agent_does_counts_and_not_what_is_written() {
    let says = |enabled: bool, probes: Vec<ProbeResult>, config: CiliumConfig| {
        let masquerading = Some(Masquerading { enabled, ..Masquerading::default() });
        let status = AgentStatus { masquerading, ..AgentStatus::default() };
        let node = NodeFacts { agent_status: Fact::Known(status), ..node("node1", probes) };
        verdicts(&facts(config, vec![node]))
    };
    // Masquerade was turned on, and the agents were not restarted.
    let lies = says(false, well_but(&OUTSIDE), native());
    assert_eq!((lies[0].cause, lies[0].confidence), ("C-NOMASQ", Confidence::Confirmed));
    assert!(lies[0].chain.iter().any(|link| link.text.contains("changed since the agent started")));
    assert!(lies[0].fix[0].text.starts_with("Restart"), "{:?}", lies[0].fix);
    assert!(lies[0].fix[0].commands[0].contains("node1"), "{:?}", lies[0].fix);
    // It was turned off, and they still do it: nothing is broken yet.
    assert!(says(true, well_but(&[]), without_masquerade()).is_empty());
    // They still do it, and pods do not get out: it is something else.
    let other = says(true, well_but(&OUTSIDE), without_masquerade());
    assert_eq!(other[0].confidence, Confidence::Undetermined);
    assert!(other.iter().all(|verdict| verdict.cause != "C-NOMASQ"), "{other:#?}");
}

#[test]
fn a_refusal_is_told_from_silence() {
    let refused = |millis: u32| {
        let mut probes = well_but(&OUTSIDE);
        for probe in probes.iter_mut().filter(|it| it.id.as_str().starts_with("pod/internet-addr"))
        {
            let errno =
                SystemError { number: 113, name: "EHOSTUNREACH".into(), text: String::new() };
            let way = Way { link: Some(LinkName::from("eth0")), ..Way::default() };
            *probe = ProbeResult {
                outcome: Outcome::Unreachable,
                errno: Some(errno),
                way: Some(way),
                millis,
                ..probe.clone()
            };
        }
        on_one_node(native(), probes)
    };
    assert_eq!(refused(3), ["C-FW confirmed"]);
    // That is how long the kernel looks for a neighbour.
    assert!(!refused(1900).contains(&"C-FW confirmed".to_owned()));
}

#[test]
fn where_several_fit_it_says_what_would_decide() {
    let facts = facts(native(), vec![node("node1", well_but(&OUTSIDE))]);
    let [verdict] = &verdicts(&facts)[..] else { panic!("{:#?}", verdicts(&facts)) };
    assert_eq!(verdict.confidence, Confidence::Undetermined);
    let fitting: Vec<&str> = [verdict.cause]
        .into_iter()
        .chain(verdict.alternatives.iter().map(|other| other.cause))
        .collect();
    assert_eq!(fitting, ["C-MASQDEV", "C-RPF"]);
    for cause in fitting {
        assert!(verdict.decides.iter().any(|check| check.expect.contains(cause)), "{cause}");
    }
    // A counter decides.
    let mut probes = well_but(&OUTSIDE);
    probes.push(counters("TcpExt.IPReversePathFilter", 12));
    assert_eq!(on_one_node(native(), probes), ["C-RPF confirmed"]);
    let mut probes = well_but(&OUTSIDE);
    probes.push(counters("TcpExt.TCPTimeouts", 12));
    assert_eq!(on_one_node(native(), probes), ["C-MASQDEV likely"]);
}

#[test]
fn the_cheapest_probe_that_splits_is_asked_for() {
    // What a wrong device spares, `rp_filter` may break.
    let mut probes = well_but(&OUTSIDE);
    probes.retain(|it| !it.id.as_str().starts_with("pod/other-node"));
    let facts = facts(native(), vec![node("node1", probes)]);
    let [verdict] = &verdicts(&facts)[..] else { panic!("{:#?}", verdicts(&facts)) };
    let check = &verdict.decides[0];
    assert_eq!(check.command, "# a probe on node1: from pods to other nodes");
    assert_eq!(check.expect, "if it fails: C-RPF; if it works: C-MASQDEV");
}

#[test]
fn several_causes_may_hold_at_once() {
    let mut lost = OUTSIDE.to_vec();
    lost.push("pod/pod-other-node");
    let config = CiliumConfig { masquerade_v4: false, ..tunnel() };
    assert_eq!(on_one_node(config, well_but(&lost)), ["C-OVERLAY likely", "C-NOMASQ confirmed"]);
}

#[test]
fn nodes_are_judged_for_themselves_and_told_together() {
    let nodes = vec![
        node("node1", well_but(&OUTSIDE)),
        node("node2", well_but(&[])),
        node("node3", well_but(&OUTSIDE)),
    ];
    let [verdict] = &verdicts(&facts(without_masquerade(), nodes))[..] else { panic!() };
    let names: Vec<&str> = verdict.nodes.iter().map(NodeName::as_str).collect();
    assert_eq!(names, ["node1", "node3"]);
}

#[test]
fn without_a_look_from_the_node_nothing_is_confirmed() {
    let mut probes = well_but(&OUTSIDE);
    probes.retain(|it| Cell::of(&it.id).is_some_and(|cell| cell.vantage == Vantage::Pod));
    assert_eq!(on_one_node(without_masquerade(), probes), ["C-NOMASQ likely"]);
}

#[test]
fn without_probes_the_configuration_makes_it_likely() {
    assert_eq!(
        told(&facts(without_masquerade(), vec![NodeFacts::named("n")])),
        ["C-NOMASQ likely"]
    );
    assert_eq!(told(&facts(without_masquerade(), Vec::new())), ["C-NOMASQ likely"]);
    assert!(told(&facts(tunnel(), vec![NodeFacts::named("n")])).is_empty());
    // With BGP answers may find back.
    let config = CiliumConfig { bgp_control_plane: true, ..without_masquerade() };
    assert!(told(&facts(config.clone(), Vec::new())).is_empty());
    // Where probes say that they do not, that is no excuse.
    assert_eq!(on_one_node(config, well_but(&OUTSIDE)), ["C-NOMASQ confirmed"]);
    // Whoever knows better says so.
    let selection = Selection { ignore: [Code("CFG-03")].into(), ..Selection::default() };
    let facts = facts(without_masquerade(), Vec::new());
    assert!(diagnose(&facts, &selection).verdicts.is_empty());
}

#[test]
fn the_chain_leads_from_probes_to_the_fact() {
    let facts = facts(without_masquerade(), vec![node("node1", well_but(&OUTSIDE))]);
    let verdict = &verdicts(&facts)[0];
    let of_kind = |kind: ChainKind| {
        let links = verdict.chain.iter().filter(move |link| link.kind == kind);
        links.map(|link| link.text.as_str()).collect::<Vec<_>>()
    };
    let probes = of_kind(ChainKind::Probe);
    assert!(
        probes.iter().any(|text| text.starts_with("from pods to the internet by address fails"))
    );
    assert!(probes.iter().any(|text| text.starts_with("from pods to pods of the same node works")));
    assert!(of_kind(ChainKind::Fact)[0].contains("enable-ipv4-masquerade false"));
    assert_eq!(of_kind(ChainKind::Cause).len(), 1);
    assert!(verdict.fix[0].values.contains("enableIPv4Masquerade: true"), "{:?}", verdict.fix);
}

#[test]
fn services_without_anybody_who_serves_them_are_confirmed() {
    let mut facts = facts(
        CiliumConfig { kube_proxy_replacement: ProxyReplacement::Off, ..tunnel() },
        vec![node("node1", well_but(&["pod/cluster-dns/", "pod/api-service"]))],
    );
    assert_eq!(told(&facts), ["C-SVC likely"]);
    facts.cluster.daemon_sets = Fact::Known(Vec::new());
    facts.cluster.deployments = Fact::Known(Vec::new());
    facts.cluster.kube_proxy_pods = Fact::Known(Vec::new());
    facts.cluster.nodes = Fact::Known(Vec::new());
    facts.cluster.control_plane = Fact::Known(vec![ControlPlanePod {
        component: ControlPlaneComponent::ApiServer,
        namespace: "kube-system".into(),
        name: "kube-apiserver-node1".into(),
        node: None,
        flags: BTreeMap::new(),
    }]);
    assert_eq!(told(&facts), ["C-SVC confirmed"]);
}

#[test]
fn probes_that_pass_answer_the_question_about_ways_back() {
    let severity = |probes: Vec<ProbeResult>| {
        let facts = facts(without_masquerade(), vec![node("node1", probes)]);
        let diagnosis = diagnose(&facts, &Selection::default());
        let found = diagnosis.findings().into_iter().find(|finding| finding.code.0 == "CFG-03");
        found.map(|finding| finding.severity)
    };
    assert_eq!(severity(well_but(&[])), Some(Severity::Info));
    assert_eq!(severity(well_but(&OUTSIDE)), Some(Severity::Error));
    assert_eq!(severity(well_but(&INTERNET)), Some(Severity::Warn));
    assert_eq!(severity(Vec::new()), Some(Severity::Warn));
}

/// The same again from a pod that a policy lets send everything, of which it loses some.
fn with_policy(mut probes: Vec<ProbeResult>, lost: &[&str]) -> Vec<ProbeResult> {
    let allowed = well_but(lost).into_iter().filter(|it| it.id.as_str().starts_with("pod/"));
    let allowed = allowed.map(|it| ProbeResult {
        id: it.id.as_str().replacen("pod/", "allowed-pod/", 1).into(),
        ..it
    });
    probes.extend(allowed.collect::<Vec<_>>());
    probes
}

fn clusterwide(name: &str, selects_all: bool) -> NetworkPolicy {
    let policy = serde_json::json!({
        "kind": "CiliumClusterwideNetworkPolicy", "name": name,
        "selectsAll": selects_all, "isolatesEgress": true,
    });
    serde_json::from_value(policy).unwrap()
}

#[test]
fn what_comes_through_with_a_policy_was_refused_by_one() {
    let lost = ["pod/internet-address", "pod/internet-name", "pod/api-service"];
    let probes = with_policy(well_but(&lost), &[]);
    let mut of_policy = facts(tunnel(), vec![node("node1", probes)]);
    // None is known: packets may get lost by chance.
    assert_eq!(told(&of_policy), ["C-POLICY likely"]);
    let policies = vec![clusterwide("some-pods", false), clusterwide("nothing-out", true)];
    of_policy.cluster.cilium_clusterwide_network_policies = Fact::Known(policies);
    assert_eq!(told(&of_policy), ["C-POLICY confirmed"]);
    let verdict = &verdicts(&of_policy)[0];
    let title = "CiliumClusterwideNetworkPolicy nothing-out and 1 more refuse what pods send out";
    assert_eq!(verdict.title, title);
    assert_eq!(verdict.severity, Some(Severity::Warn));
    let evidence: Vec<&str> = verdict.chain.iter().map(|link| link.source.as_str()).collect();
    assert!(evidence.contains(&"CiliumClusterwideNetworkPolicy some-pods"), "{evidence:?}");

    let mut by_default = of_policy.clone();
    by_default.cluster.cilium_clusterwide_network_policies = Fact::Known(Vec::new());
    let always = PolicyEnforcement::Always;
    by_default.cluster.config =
        Fact::Known(CiliumConfig { policy_enforcement: always, ..tunnel() });
    assert_eq!(told(&by_default), ["C-POLICY confirmed"]);
    assert!(verdicts(&by_default)[0].title.starts_with("enable-policy: always"));
}

#[test]
fn what_is_lost_with_a_policy_too_has_other_causes() {
    let policies = Fact::Known(vec![clusterwide("some-pods", false)]);
    let judge = |config: CiliumConfig, probes: Vec<ProbeResult>| {
        let mut facts = facts(config, vec![node("node1", probes)]);
        facts.cluster.cilium_clusterwide_network_policies = policies.clone();
        told(&facts)
    };
    let out = || well_but(&OUTSIDE);
    // Nobody tried: the policy may be for other pods.
    assert_eq!(judge(without_masquerade(), out()), ["C-NOMASQ confirmed"]);
    assert_eq!(judge(without_masquerade(), with_policy(out(), &OUTSIDE)), ["C-NOMASQ confirmed"]);
    assert_eq!(
        judge(tunnel(), with_policy(well_but(&["pod/pod-other-node"]), &["pod/pod-other-node"])),
        ["C-OVERLAY likely"]
    );
    // Two things at once.
    let both = [&OUTSIDE[..], &["pod/api-service"]].concat();
    assert_eq!(
        judge(without_masquerade(), with_policy(well_but(&both), &OUTSIDE)),
        ["C-POLICY confirmed", "C-NOMASQ confirmed"]
    );
}

#[test]
fn a_pod_that_is_seen_as_its_node_is_outside_the_native_routing_cidr() {
    let narrow =
        || CiliumConfig { native_routing_cidr_v4: Some("10.244.1.0/24".into()), ..native() };
    let echo = |seen_as: &str| {
        let mut probe = probe("pod/pod-other-node/echo/10.244.2.9:7777/udp", Outcome::Ok);
        probe.way = Some(Way { source: "10.244.1.5".parse().ok(), ..Way::default() });
        probe.peer = "10.244.2.9".parse().ok();
        probe.answer = Some(Answer::Echo(Echoed { seen_as: seen_as.parse().unwrap() }));
        let mut probes = well_but(&[]);
        probes.push(probe);
        probes
    };
    let translated = || echo("10.24.0.2:4711");
    assert_eq!(on_one_node(narrow(), translated()), ["C-NCIDR-MISS confirmed"]);
    // It is a rule of somebody else's, and nothing is lost.
    assert!(on_one_node(native(), translated()).is_empty());
    assert!(on_one_node(narrow(), echo("10.244.1.5:4711")).is_empty());
    assert!(on_one_node(tunnel(), translated()).is_empty());
    let seen = facts(narrow(), vec![node("node1", translated())]);
    let verdict = &verdicts(&seen)[0];
    // Nothing is lost yet.
    assert_eq!(verdict.severity, None);
    let said = "10.244.2.9:7777/udp saw 10.244.1.5 as 10.24.0.2";
    assert!(verdict.chain.iter().any(|link| link.text == said), "{verdict:#?}");
    assert!(verdict.fix[0].values.contains("10.244.0.0/16"), "{:?}", verdict.fix);
    // Pods that are lost, where the configuration says so.
    let lost = |config: CiliumConfig| {
        let node = node("node1", well_but(&["pod/pod-other-node"]));
        let mut facts = facts(config, vec![node]);
        let other = serde_json::json!({"name": "node2", "podCidrs": ["10.244.2.0/24"]});
        let nodes = vec![serde_json::from_value(other).unwrap()];
        facts.cluster.cilium_nodes = Fact::Known(nodes);
        told(&facts)
    };
    assert_eq!(lost(narrow()), ["C-NCIDR-MISS likely"]);
    assert!(!lost(native()).iter().any(|it| it.contains("NCIDR")));
}

/// A fixture, in which a node was probed besides.
fn probed(fixture: &str, name: &str, probes: Vec<ProbeResult>) -> Vec<String> {
    probed_with(Fixture::of_rules(fixture).facts(), name, probes)
}

fn probed_with(mut facts: Facts, name: &str, probes: Vec<ProbeResult>) -> Vec<String> {
    facts.nodes.retain(|node| node.name.as_str() != name);
    facts.nodes.push(node(name, probes));
    let verdicts = verdicts(&facts);
    let here = verdicts.iter().filter(|it| it.nodes.iter().any(|node| node.as_str() == name));
    here.map(|verdict| format!("{} {}", verdict.cause, verdict.confidence)).collect()
}

#[test]
fn an_agent_that_waits_for_an_api_server_that_its_node_does_not_reach() {
    let judge = |outcome: Outcome| {
        let mut probes = well_but(&[]);
        probes.push(probe("host/api-service/tls/10.96.0.1:443", outcome));
        probed("AG-02.sick.txt", "node2", probes)
    };
    assert_eq!(judge(Outcome::Timeout), ["C-API confirmed"]);
    assert!(judge(Outcome::Ok).is_empty());
    // With an address of its own, that Services are dead is what comes of it.
    let mut facts = Fixture::of_rules("AG-02.sick.txt").facts();
    let Fact::Known(config) = &mut facts.cluster.config else { panic!("no configuration") };
    config.api_server = serde_json::from_value(serde_json::json!({
        "host": "10.24.0.2", "port": "6443"
    }))
    .unwrap();
    facts.cluster.config_data = Fact::default();
    let mut probes = well_but(&[]);
    probes.push(probe("host/api-service/tls/10.96.0.1:443", Outcome::Timeout));
    assert_eq!(probed_with(facts, "node2", probes), ["C-API likely"]);
}

#[test]
fn an_address_of_a_service_that_answers_nothing_else() {
    let judge = |outcome: Outcome| {
        let mut lost = probe("host/other-node/tcp/10.24.0.4:10250", outcome);
        lost.peer = "10.24.0.4".parse().ok();
        let mut probes = well_but(&[]);
        probes.push(lost);
        probed("KP-05.sick.txt", "node9", probes)
    };
    assert_eq!(judge(Outcome::Timeout), ["C-WILDCARD confirmed"]);
    assert!(judge(Outcome::Refused).is_empty());
}
