//! The clash that started it all: the chart's default pool against a LAN at 10.0.0.0/16.

use kcilium_core::{
    causes::{ChainKind, Confidence, Verdict},
    diagnosis::{Diagnosis, Selection, diagnose},
    facts::{Fact, Facts},
    rules::{Finding, Severity},
};

use crate::fixture::Fixture;

fn facts() -> Facts {
    Fixture::whole("seed/clash.txt").facts()
}

/// The same host, looked at without a cluster.
fn facts_of_host_alone() -> Facts {
    let mut facts = facts();
    facts.cluster.cilium_nodes = Fact::default();
    facts.cluster.config = Fact::default();
    facts
}

fn judge(facts: &Facts) -> Diagnosis {
    diagnose(facts, &Selection::default())
}

fn verdict(diagnosis: &Diagnosis) -> &Verdict {
    let [verdict] = &diagnosis.verdicts[..] else { panic!("{:#?}", diagnosis.verdicts) };
    verdict
}

fn of_rule<'d>(diagnosis: &'d Diagnosis, code: &str) -> Vec<&'d Finding> {
    diagnosis.findings().into_iter().filter(|finding| finding.code.0 == code).collect()
}

/// All facts of the chain in one text.
fn chain(verdict: &Verdict) -> String {
    let facts = verdict.chain.iter().filter(|link| link.kind == ChainKind::Fact);
    let lines: Vec<String> = facts.map(|link| format!("{}: {}", link.source, link.text)).collect();
    lines.join("\n")
}

fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "`{word}` is not said:\n{text}");
    }
}

#[test]
fn the_clash_is_confirmed_with_the_gateway_and_dns_server_as_its_victim() {
    let diagnosis = judge(&facts());
    let verdict = verdict(&diagnosis);
    assert_eq!((verdict.cause, verdict.confidence), ("C-CLASH", Confidence::Confirmed));
    assert_says(&verdict.title, &["gateway", "DNS"]);
    assert_says(&chain(verdict), &["10.0.0.1", "10.0.0.0/24", "node3", "cilium_host"]);
    assert_eq!(verdict.nodes.iter().map(ToString::to_string).collect::<Vec<_>>(), ["node1"]);
}

#[test]
fn the_owner_of_the_block_is_the_node_whose_cilium_node_has_it() {
    let diagnosis = judge(&facts());
    let claimed = of_rule(&diagnosis, "CIDR-01");
    let gateway = claimed.iter().find(|finding| finding.subject == "10.0.0.1").unwrap();
    assert_eq!(gateway.severity, Severity::Block);
    assert_says(&gateway.summary, &["default gateway", "DNS server", "10.0.0.0/24", "node3"]);
}

#[test]
fn the_lookup_proves_that_the_gateway_leaves_through_cilium_host() {
    let diagnosis = judge(&facts());
    let hijacked = of_rule(&diagnosis, "RT-01");
    let subjects: Vec<&str> = hijacked.iter().map(|finding| finding.subject.as_str()).collect();
    // The other nodes' addresses of the cluster network are not touched.
    assert_eq!(subjects, ["10.0.0.1"]);
    let [hijack] = &hijacked[..] else { unreachable!() };
    assert_eq!(hijack.severity, Severity::Block);
    let evidence: Vec<&str> = hijack.evidence.iter().map(|it| it.fact.as_str()).collect();
    assert_says(&evidence.join("\n"), &["dev cilium_host", "10.0.0.0/24", "10.0.0.0/16 dev eth0"]);
    assert_says(&hijack.remedy.commands.join("\n"), &["ip route del 10.0.0.0/24 dev cilium_host"]);
}

#[test]
fn the_nodes_own_addresses_inside_are_named() {
    let diagnosis = judge(&facts());
    let broken = verdict(&diagnosis).broken.join("\n");
    assert_says(&broken, &["10.0.0.124", "10.0.1.24", "10.0.0.0/24", "10.0.1.0/24"]);
    // The cluster's own network lies elsewhere.
    assert!(!broken.contains("10.24.0.2"), "{broken}");
}

#[test]
fn the_internet_by_address_is_said_to_work_still() {
    let diagnosis = judge(&facts());
    assert_says(&verdict(&diagnosis).still_works.join("\n"), &["1.1.1.1", "eth0", "10.0.0.1"]);
}

#[test]
fn ping_is_said_to_prove_nothing() {
    let diagnosis = judge(&facts());
    let cautions = verdict(&diagnosis).cautions.join("\n").to_lowercase();
    assert_says(&cautions, &["ping"]);
}

#[test]
fn the_fix_sets_a_free_pool_and_replaces_the_cilium_nodes() {
    let diagnosis = judge(&facts());
    let verdict = verdict(&diagnosis);
    let values: Vec<&str> = verdict
        .fix
        .iter()
        .map(|step| step.values.as_str())
        .filter(|text| !text.is_empty())
        .collect();
    let [values] = values[..] else { panic!("{:#?}", verdict.fix) };
    assert_eq!(
        values,
        "ipam:\n  operator:\n    clusterPoolIPv4PodCIDRList:\n      - 10.244.0.0/16\n"
    );
    let commands: Vec<&str> =
        verdict.fix.iter().flat_map(|step| &step.commands).map(String::as_str).collect();
    assert_says(
        &commands.join("\n"),
        &["helm -n kube-system upgrade", "kubectl delete ciliumnodes"],
    );
}

#[test]
fn the_proof_of_the_cure_is_the_route_lookup() {
    let diagnosis = judge(&facts());
    let checks = &verdict(&diagnosis).verify;
    let check = checks.iter().find(|check| check.command == "ip route get 10.0.0.1").unwrap();
    assert_says(&check.expect, &["eth0"]);
}

#[test]
fn without_the_cluster_the_same_host_gives_the_same_verdict() {
    let facts = facts_of_host_alone();
    let diagnosis = judge(&facts);
    let verdict = verdict(&diagnosis);
    assert_eq!((verdict.cause, verdict.confidence), ("C-CLASH", Confidence::Confirmed));
    assert_says(&verdict.title, &["gateway", "DNS"]);
    let chain = chain(verdict);
    assert_says(&chain, &["10.0.0.1", "10.0.0.0/24", "cilium_host"]);
    // Nobody knows whose pods they are, so nobody is named; the node's own block it knows itself.
    assert!(!chain.contains("node3"), "{chain}");
    assert_says(&verdict.broken.join("\n"), &["10.0.0.124", "10.0.1.24"]);
    assert_says(&verdict.still_works.join("\n"), &["1.1.1.1", "eth0"]);
    assert!(verdict.fix.iter().any(|step| step.values.contains("10.244.0.0/16")));
    assert!(verdict.verify.iter().any(|check| check.command == "ip route get 10.0.0.1"));
    assert_eq!(diagnosis.worst(), Some(Severity::Block));
}

#[test]
fn one_route_that_takes_the_gateway_is_enough() {
    let mut facts = facts_of_host_alone();
    let Fact::Known(routes) = &mut facts.nodes[0].routes else { panic!("no routes") };
    // What remains of the agent's routes is the one that takes the gateway.
    routes.retain(|route| {
        route.destination.to_string() == "10.0.0.0/24" || !route.leads_into_cilium()
    });
    let diagnosis = judge(&facts);
    assert_eq!(verdict(&diagnosis).confidence, Confidence::Confirmed);
}
