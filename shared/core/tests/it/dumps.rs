//! Recordings of real nodes with real agents (Cilium 1.14.2), trimmed to what the decoders look at.

use kcilium_core::{
    causes::{Confidence, Verdict},
    diagnosis::{Diagnosis, Selection, diagnose},
    facts::{Facts, IpamMode, Peer, RoutingMode, TunnelProtocol},
    rules::{Finding, Outcome, Severity},
};

use crate::fixture;

fn facts(name: &str) -> Facts {
    fixture::decoded(&fixture::recording(&format!("dumps/{name}")))
}

fn judge(name: &str) -> Diagnosis {
    diagnose(&facts(name), &Selection::default())
}

fn only_verdict(diagnosis: &Diagnosis) -> &Verdict {
    let [verdict] = &diagnosis.verdicts[..] else { panic!("{:#?}", diagnosis.verdicts) };
    verdict
}

fn only_finding<'d>(diagnosis: &'d Diagnosis, code: &str) -> &'d Finding {
    let found: Vec<&Finding> =
        diagnosis.findings().into_iter().filter(|finding| finding.code.0 == code).collect();
    let [finding] = found[..] else { panic!("{code}: {found:#?}") };
    finding
}

fn names(verdict: &Verdict) -> Vec<&str> {
    verdict.nodes.iter().map(kcilium_core::facts::NodeName::as_str).collect()
}

#[test]
fn everything_that_was_recorded_is_decoded() {
    for name in ["clash", "good", "leftovers"] {
        let facts = facts(name);
        assert_eq!(facts.nodes.len(), 3, "{name}");
        for node in &facts.nodes {
            let links = node.links.get().unwrap();
            let kind = |link: &str| {
                links.iter().find(|it| it.name.as_str() == link).and_then(|it| it.kind.as_deref())
            };
            assert_eq!(kind("cilium_vxlan"), Some("vxlan"), "{name} {}", node.name);
            assert_eq!(kind("docker0"), Some("bridge"), "{name} {}", node.name);
            assert!(node.routes.get().unwrap().len() > 20, "{name} {}", node.name);
            assert_eq!(node.rules.get().unwrap().len(), 5, "{name} {}", node.name);
            assert!(node.addresses.get().is_ok(), "{name} {}", node.name);
            let [file] = &node.cni_files.get().unwrap()[..] else { panic!("{name}: CNI files") };
            assert!(file.is_cilium(), "{name} {}: {file:?}", node.name);
        }
        let cluster = &facts.cluster;
        assert_eq!(cluster.cilium_nodes.get().unwrap().len(), 3, "{name}");
        assert_eq!(cluster.nodes.get().unwrap()[0].max_pods, Some(60), "{name}");
        assert_eq!(cluster.api_servers.get().unwrap().len(), 1, "{name}");
    }
}

#[test]
fn the_recorded_configuration_is_normalised() {
    let facts = facts("clash");
    let config = facts.cluster.config.get().unwrap();
    assert_eq!(config.version.as_ref().map(ToString::to_string).as_deref(), Some("1.14.2"));
    assert_eq!(
        (&config.ipam, &config.pool_v4[..]),
        (&IpamMode::ClusterPool, &["10.0.0.0/8".into()][..])
    );
    assert_eq!(config.routing, RoutingMode::Tunnel(TunnelProtocol::Vxlan));
    let good = self::facts("good");
    assert_eq!(good.cluster.config.get().unwrap().ipam, IpamMode::Kubernetes);
    assert!(self::facts("leftovers").cluster.config.get().is_err());
}

#[test]
fn the_ends_of_veth_pairs_are_told_apart() {
    let facts = facts("good");
    let links = facts.nodes[0].links.get().unwrap();
    let peer = |name: &str| links.iter().find(|it| it.name.as_str() == name).unwrap().peer.clone();
    assert_eq!(peer("cilium_host"), Some(Peer::Here("cilium_net".into())));
    assert!(matches!(peer("lxc_health"), Some(Peer::Elsewhere { namespace_id: Some(_), .. })));
    assert_eq!(peer("docker0"), None);
}

#[test]
fn the_recorded_clash_is_confirmed_and_its_owner_named() {
    let diagnosis = judge("clash");
    let verdict = only_verdict(&diagnosis);
    assert_eq!((verdict.cause, verdict.confidence), ("C-CLASH", Confidence::Confirmed));
    assert_eq!(names(verdict), ["node1", "node2", "node3"]);
    let findings = diagnosis.findings();
    let gateway = findings
        .iter()
        .find(|finding| finding.code.0 == "CIDR-01" && finding.subject == "10.0.0.1")
        .unwrap();
    assert_eq!(gateway.severity, Severity::Block);
    for word in ["gateway", "10.0.0.0/24", "node2"] {
        assert!(gateway.summary.contains(word), "{}", gateway.summary);
    }
    let hijack = findings.iter().find(|finding| finding.code.0 == "RT-01").unwrap();
    assert_eq!((hijack.subject.as_str(), hijack.nodes.len()), ("10.0.0.1", 3));
}

#[test]
fn what_pods_suffer_from_the_clash_is_explained_by_it() {
    let diagnosis = judge("clash");
    let verdict = only_verdict(&diagnosis);
    for (code, pod, node) in [
        ("POD-01", "redis-77bc69bf56-ftlmv", "node2"),
        ("POD-02", "backend-77d565485d-l4sxl", "node1"),
    ] {
        let finding = only_finding(&diagnosis, code);
        assert_eq!(finding.nodes, [node.into()], "{code}");
        assert!(finding.evidence[0].fact.contains(pod), "{finding:#?}");
        let explained = diagnosis.explanation_of(finding).map(|verdict| verdict.cause);
        assert_eq!(explained, Some("C-CLASH"), "{code}");
        let in_chain = verdict.chain.iter().filter(|link| link.text == finding.summary).count();
        assert_eq!(in_chain, 1, "{code}");
    }
    let pull = only_finding(&diagnosis, "POD-01");
    assert_eq!(pull.subject, "10.0.0.1");
    // All pods are Cilium's, and nothing of Cilium is down.
    let of_cilium = ["AG-", "CNI-", "OP-", "SCH-"];
    let bad: Vec<&Finding> = diagnosis
        .findings()
        .into_iter()
        .filter(|finding| of_cilium.iter().any(|group| finding.code.0.starts_with(group)))
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn what_has_another_cause_than_the_clash_is_not_explained_by_it() {
    let mut files = fixture::recording("dumps/clash");
    let events = files.get_mut("api/events.json").unwrap();
    let refused = events.replace(
        "dial tcp: lookup mirror.lan on 10.0.0.1:53: read udp 10.0.0.200:50876->10.0.0.1:53: i/o timeout",
        "pull access denied, repository does not exist",
    );
    assert_ne!(*events, refused);
    *events = refused;
    let diagnosis = diagnose(&fixture::decoded(&files), &Selection::default());
    let pull = only_finding(&diagnosis, "POD-01");
    assert_eq!(pull.severity, Severity::Warn);
    assert!(diagnosis.explanation_of(pull).is_none(), "{pull:#?}");
    assert_eq!(only_verdict(&diagnosis).cause, "C-CLASH");
}

#[test]
fn the_recorded_healthy_cluster_has_nothing_above_info() {
    let diagnosis = judge("good");
    assert_eq!(diagnosis.verdicts, []);
    assert!(
        diagnosis.worst().is_none_or(|worst| worst <= Severity::Info),
        "{:?}",
        diagnosis.worst()
    );
    for code in ["CIDR-02", "CIDR-07", "RT-02", "RT-03", "RT-05", "RT-06", "RT-07"] {
        let result = diagnosis.results.iter().find(|result| result.rule.code.0 == code).unwrap();
        assert_eq!(result.judgement.outcome(), Outcome::Ok, "{code}: {:#?}", result.judgement);
    }
}

#[test]
fn what_was_not_recorded_is_unknown_and_not_fine() {
    let diagnosis = judge("good");
    // No resolv.conf, no sysctls, no service CIDR.
    for code in ["CIDR-01", "CIDR-05", "CIDR-06", "RT-01", "RT-08"] {
        let result = diagnosis.results.iter().find(|result| result.rule.code.0 == code).unwrap();
        assert_eq!(result.judgement.outcome(), Outcome::Unknown, "{code}");
    }
}

#[test]
fn the_recorded_leftovers_are_confirmed() {
    let diagnosis = judge("leftovers");
    let verdict = only_verdict(&diagnosis);
    assert_eq!((verdict.cause, verdict.confidence), ("C-LEFT", Confidence::Confirmed));
    assert_eq!(names(verdict), ["node1", "node2", "node3"]);
    let commands: Vec<&str> =
        verdict.fix.iter().flat_map(|step| &step.commands).map(String::as_str).collect();
    assert!(commands.contains(&"ip link del cilium_host"), "{commands:?}");
    assert!(commands.contains(&"ip link del cilium_vxlan"), "{commands:?}");
    // The peer goes with it.
    assert!(!commands.contains(&"ip link del cilium_net"), "{commands:?}");
}

/// The pod was made after Cilium had gone; the kubelet never said a word about it.
#[test]
fn the_pod_that_hangs_in_silence_is_explained_by_the_leftovers() {
    let diagnosis = judge("leftovers");
    for (code, subject) in [("POD-03", "no message"), ("CNI-09", "CNI file")] {
        let finding = only_finding(&diagnosis, code);
        assert_eq!(finding.subject, subject);
        let explained = diagnosis.explanation_of(finding).map(|verdict| verdict.cause);
        assert_eq!(explained, Some("C-LEFT"), "{code}");
    }
    assert!(only_finding(&diagnosis, "POD-03").evidence[0].fact.contains("default/late"));
    for code in ["AG-03", "OP-01", "CNI-05"] {
        let result = diagnosis.results.iter().find(|result| result.rule.code.0 == code).unwrap();
        assert_eq!(result.judgement.outcome(), Outcome::NotApplicable, "{code}");
    }
}

/// The clash, and a cloud provider's controller that is not there: two illnesses.
#[test]
fn an_illness_beside_a_cause_stays_by_itself() {
    let mut files = fixture::recording("dumps/clash");
    let nodes = files.get_mut("api/nodes.json").unwrap();
    let tainted = nodes.replacen(
        "\"spec\":{",
        "\"spec\":{\"taints\":[{\"key\":\"node.cloudprovider.kubernetes.io/uninitialized\",\"effect\":\"NoSchedule\"}],",
        1,
    );
    assert_ne!(*nodes, tainted);
    *nodes = tainted;
    let diagnosis = diagnose(&fixture::decoded(&files), &Selection::default());
    assert_eq!(only_verdict(&diagnosis).cause, "C-CLASH");
    let other = only_finding(&diagnosis, "SCH-03");
    assert!(diagnosis.explanation_of(other).is_none(), "{other:#?}");
    let explained = only_finding(&diagnosis, "POD-01");
    assert!(diagnosis.explanation_of(explained).is_some(), "{explained:#?}");
}
