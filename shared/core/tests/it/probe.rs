//! Requests for node agents: what is taken, what is refused, and what the matrix asks of a node.

use kcilium_core::facts::Facts;
use kcilium_core::probe::matrix::{Cell, Vantage};
use kcilium_core::probe::{Endpoint, Namespace, Outcome, ProbeRequest, Question, Targets, plan};
use kcilium_core::view::View;
use serde_json::json;

fn refusal(request: &str) -> String {
    ProbeRequest::parse(request).unwrap_err().to_string()
}

#[test]
fn a_request_is_short_to_write() {
    let request = ProbeRequest::parse(
        r#"{"probes": [
            {"id": "a", "kind": "tcp", "host": "1.1.1.1", "port": 443},
            {"id": "b", "kind": "dns", "name": "kubernetes.io", "timeoutMs": 500},
            {"id": "c", "kind": "counters"},
            {"id": "d", "kind": "of-a-newer-version", "what": 1}
        ]}"#,
    )
    .unwrap();
    assert_eq!((request.timeout_ms, request.namespace), (2000, Namespace::Own));
    let words: Vec<_> = request.probes.iter().map(|probe| probe.question.word()).collect();
    assert_eq!(words, ["tcp", "dns", "counters", "unknown"]);
    assert_eq!(request.probes[0].question.target(), "1.1.1.1:443");
    assert_eq!(request.probes[1].timeout_ms, Some(500));
}

#[test]
fn what_cannot_be_sent_is_refused_by_name() {
    let one = |probe: &str| refusal(&format!(r#"{{"probes": [{probe}]}}"#));
    assert_eq!(refusal(r#"{"probes": []}"#), "the request holds no probe");
    assert_eq!(
        one(r#"{"id": "a", "kind": "tcp", "host": "1.1.1.1", "port": 0}"#),
        "probe `a`: port 0 cannot be reached"
    );
    assert_eq!(
        one(r#"{"id": "a", "kind": "icmp", "host": "no host\n"}"#),
        r"probe `a`: `no host\n` is neither an address nor a host name"
    );
    assert_eq!(
        one(r#"{"id": "a", "kind": "http", "host": "x", "path": "/ HTTP/1.1\r\nEvil: 1"}"#),
        r"probe `a`: `/ HTTP/1.1\r\nEvil: 1` is no path of a URL"
    );
    assert_eq!(
        one(r#"{"id": "a", "kind": "http", "host": "x", "bytes": 8001}"#),
        "probe `a`: a request has at most 8000 bytes"
    );
    assert_eq!(
        one(r#"{"id": "a", "kind": "echo", "host": "x", "port": 1, "bytes": 9000}"#),
        "probe `a`: an echo has 64 to 8192 bytes"
    );
    assert_eq!(
        one(r#"{"id": "é", "kind": "counters"}"#),
        "probe 1: an id has 1 to 96 printable characters of ASCII"
    );
    let twice = r#"{"id": "a", "kind": "counters"}, {"id": "a", "kind": "counters"}"#;
    assert_eq!(one(twice), "probe `a` is there twice");
    assert_eq!(
        one(r#"{"id": "a", "kind": "counters", "timeoutMs": 0}"#),
        "a timeout of 0 ms, where 1 to 600000 can be waited for"
    );
}

#[test]
fn garbage_is_an_error_that_says_where() {
    for garbage in ["", "[]", "{}", "null", "{\"probes\": 1}", "\u{0}", "{\"probes\":[{}]}"] {
        let said = refusal(garbage);
        assert!(said.starts_with("the request is not a list of probes: "), "{garbage}: {said}");
    }
    let said = refusal(r#"{"probes": [{"id": "a", "kind": "counters"}]} more"#);
    assert!(said.contains("trailing characters"), "{said}");
    let deep = format!("{{\"probes\": [{{\"kind\": {}", "[".repeat(100_000));
    assert!(refusal(&deep).contains("recursion limit"));
}

/// Three nodes as Cilium and Kubernetes keep them, the first one looked at from inside.
fn facts() -> Facts {
    let cilium_node = |name: &str, address: &str, health: &str| {
        json!({"name": name, "health": [health],
               "addresses": [{"kind": "InternalIP", "address": address}]})
    };
    let service = |namespace: &str, name: &str, address: &str, port: u16| {
        json!({"namespace": namespace, "name": name, "clusterIps": [address],
               "ports": [{"protocol": "TCP", "port": port}]})
    };
    serde_json::from_value(json!({
        "schemaVersion": Facts::default().schema_version,
        "cluster": {
            "ciliumNodes": {"known": [
                cilium_node("node1", "10.24.0.2", "10.244.0.33"),
                cilium_node("node2", "10.24.0.4", "10.244.1.33"),
                cilium_node("node3", "10.24.0.5", "10.244.2.33"),
            ]},
            "services": {"known": [
                service("default", "kubernetes", "10.96.0.1", 443),
                service("kube-system", "kube-dns", "10.96.0.10", 53),
                service("default", "shop", "10.96.0.77", 80),
            ]},
            "dnsEndpoints": {"known": [
                {"addresses": ["10.244.1.7"], "ready": true},
                {"addresses": ["10.244.2.8"], "ready": false},
            ]},
        },
        "nodes": [{"name": "node1", "resolvers": {"known": [
            {"address": "10.0.0.53", "file": "/etc/resolv.conf", "kind": "direct"},
        ]}, "routes": {"known": [{
            "destination": "0.0.0.0/0", "kind": "unicast", "table": 254, "protocol": "static", "scope": "global",
            "nextHops": [{"link": "eth0", "gateway": "10.0.0.1"}],
        }]}}],
    }))
    .unwrap()
}

fn planned(targets: &Targets, vantage: Vantage) -> ProbeRequest {
    let facts = facts();
    let view = View::new(&facts);
    plan::request(&view, &view.nodes()[0], targets, vantage)
}

#[test]
fn the_matrix_asks_what_the_facts_know() {
    let request = planned(&Targets::default().without_internet(), Vantage::Pod);
    let ids: Vec<&str> = request.probes.iter().map(|probe| probe.id.as_str()).collect();
    let expected = [
        "pod/gateway/tcp/10.0.0.1:53",
        "pod/gateway/tcp/10.0.0.1:80",
        "pod/gateway/icmp/10.0.0.1",
        "pod/other-node/tcp/10.24.0.4:10250",
        "pod/other-node/icmp/10.24.0.4",
        "pod/other-node/path-mtu/10.24.0.4",
        "pod/other-node/tcp/10.24.0.5:10250",
        "pod/other-node/icmp/10.24.0.5",
        "pod/other-node/path-mtu/10.24.0.5",
        "pod/pod-same-node/tcp/10.244.0.33:4240",
        "pod/pod-same-node/icmp/10.244.0.33",
        "pod/pod-other-node/tcp/10.244.1.33:4240",
        "pod/pod-other-node/http/10.244.1.33:4240/hello",
        "pod/pod-other-node/http/10.244.1.33:4240/hello with 8000 bytes",
        "pod/pod-other-node/icmp/10.244.1.33",
        "pod/pod-other-node/path-mtu/10.244.1.33",
        "pod/pod-other-node/tcp/10.244.2.33:4240",
        "pod/pod-other-node/http/10.244.2.33:4240/hello",
        "pod/pod-other-node/http/10.244.2.33:4240/hello with 8000 bytes",
        "pod/pod-other-node/icmp/10.244.2.33",
        "pod/pod-other-node/path-mtu/10.244.2.33",
        "pod/cluster-dns/dns/kubernetes.default.svc.cluster.local A at 10.96.0.10:53/udp",
        "pod/cluster-dns/dns/kubernetes.default.svc.cluster.local A at 10.96.0.10:53/tcp",
        "pod/cluster-dns-pod/dns/kubernetes.default.svc.cluster.local A at 10.244.1.7:53/udp",
        "pod/cluster-dns-pod/dns/kubernetes.default.svc.cluster.local A at 10.244.1.7:53/tcp",
        "pod/api-service/tls/10.96.0.1:443",
        "pod/search-domain/search-domains/kcilium-nobody-has-this-name",
        "pod/counters",
    ];
    let sorted = |mut ids: Vec<String>| {
        ids.sort_unstable();
        ids
    };
    assert_eq!(
        sorted(ids.iter().map(ToString::to_string).collect()),
        sorted(expected.iter().map(ToString::to_string).collect())
    );
}

#[test]
fn what_is_planned_is_taken_by_the_agent_and_belongs_to_a_cell() {
    let targets = Targets {
        lan: vec![Endpoint { ports: vec![22, 443], ..Endpoint::new("10.0.0.9") }],
        pods_other_nodes: vec![Endpoint { echo: Some(5000), ..Endpoint::new("10.244.2.9") }],
        ..Targets::default()
    };
    for vantage in Vantage::ALL {
        let request = planned(&targets, vantage);
        let json = serde_json::to_string(&request).unwrap();
        assert_eq!(ProbeRequest::parse(&json).unwrap(), request);
        for probe in &request.probes {
            let of_matrix = !matches!(probe.question, Question::Counters {});
            assert_eq!(Cell::of(&probe.id).is_some(), of_matrix, "{}", probe.id);
        }
        for part in
            ["lan/tcp/10.0.0.9:22", "internet-name/tls/baidu.com:443", "/echo/10.244.2.9:5000/tcp"]
        {
            assert!(json.contains(part), "{part}");
        }
    }
}

#[test]
fn outcomes_say_whether_the_path_works() {
    let reached = |word: &str| {
        let outcome: Outcome = serde_json::from_value(json!(word)).unwrap();
        outcome.is_reached()
    };
    assert_eq!(reached("refused"), Some(true));
    assert_eq!(reached("timeout"), Some(false));
    // An agent that is newer than this program.
    assert_eq!(reached("levitated"), None);
    for outcome in Outcome::ALL {
        assert_eq!(json!(outcome), json!(outcome.word()));
    }
}
