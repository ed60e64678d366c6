//! Questions to DNS servers.

use serde_json::{Value, json};

use crate::agent::probe;
use crate::dns_server::serve;
use crate::lab::{World, iptables, world};

fn asked(id: &str, name: &str, server: &str, transport: &str) -> Value {
    json!({"id": id, "kind": "dns", "name": name, "server": server, "transport": transport})
}

/// 10.9.0.53 answers, 10.9.0.66 has no server, 10.9.0.9 swallows.
fn with_server(label: &str) -> Option<World> {
    let world = world(label)?;
    serve(&world.far, "10.9.0.53");
    iptables(&world.far, "-A INPUT -d 10.9.0.9 -j DROP");
    Some(world)
}

#[test]
fn every_answer_of_a_server_is_told() {
    let Some(world) = with_server("dns answers") else { return };
    let words = ["good", "nowhere", "broken", "refused", "empty", "garbled", "silent", "large"];
    let probes: Vec<Value> = words
        .iter()
        .flat_map(|word| {
            ["udp", "tcp"].map(|transport| {
                asked(
                    &format!("{word} {transport}"),
                    &format!("{word}.test"),
                    "10.9.0.53",
                    transport,
                )
            })
        })
        .collect();
    let answers = probe(&world.near, &json!(probes), &[]);
    let expected = [
        ("good", "ok - -", "NOERROR"),
        ("nowhere", "no-such-name - 6", "NXDOMAIN"),
        ("broken", "no-such-name - 6", "SERVFAIL"),
        ("refused", "no-such-name - 6", "REFUSED"),
        ("empty", "no-such-name - 6", "NOERROR"),
        ("large", "ok - -", "NOERROR"),
    ];
    for transport in ["udp", "tcp"] {
        for (word, verdict, rcode) in expected {
            let id = format!("{word} {transport}");
            assert_eq!(answers.verdict(&id), verdict, "{id}");
            assert_eq!(answers.of(&id)["answer"]["dns"]["rcode"], rcode, "{id}");
        }
        assert_eq!(answers.verdict(&format!("garbled {transport}")), "unexpected - 6");
    }
    assert_eq!(answers.verdict("silent udp"), "timeout - 28");
    // The server closes the connection without a word.
    assert_eq!(answers.of("silent tcp")["outcome"], "reset");
    assert_eq!(
        answers.of("large udp")["answer"]["dns"],
        json!({"rcode": "NOERROR", "truncated": true})
    );
    let whole = json!({"rcode": "NOERROR", "addresses": ["10.9.0.9"]});
    assert_eq!(answers.of("large tcp")["answer"]["dns"], whole);
    let way = json!({"source": "10.0.0.2", "link": "eth0", "gateway": "10.0.0.1"});
    assert_eq!(answers.of("good udp")["way"], way);
}

#[test]
fn forged_answers_are_unexpected() {
    let Some(world) = with_server("dns forged") else { return };
    let mut forged = asked("forged", "good.test", "10.9.0.53", "udp");
    forged["expect"] = json!(["1.1.1.1", "1.0.0.1"]);
    let mut true_one = asked("true", "good.test", "10.9.0.53", "udp");
    true_one["expect"] = json!(["1.1.1.1", "10.9.0.9"]);
    // Not even with the right number: nothing that is waited for comes.
    let garbage = asked("garbage", "garbage.test", "10.9.0.53", "udp");
    let answers = probe(&world.near, &json!([forged, true_one, garbage]), &[]);
    assert_eq!(answers.of("forged")["outcome"], "unexpected");
    assert_eq!(answers.of("forged")["answer"]["dns"]["addresses"], json!(["10.9.0.9"]));
    assert_eq!(answers.of("true")["outcome"], "ok");
    assert_eq!(answers.of("garbage")["outcome"], "timeout");
}

#[test]
fn a_server_that_is_not_there_is_not_one_that_is_silent() {
    let Some(world) = with_server("dns dead") else { return };
    iptables(
        &world.router,
        "-A FORWARD -d 10.9.0.99 -j REJECT --reject-with icmp-host-unreachable",
    );
    let servers = [("closed", "10.9.0.66"), ("dropped", "10.9.0.9"), ("away", "10.9.0.99")];
    let probes: Vec<Value> = servers
        .iter()
        .flat_map(|(id, server)| {
            ["udp", "tcp"].map(|via| asked(&format!("{id} {via}"), "good.test", server, via))
        })
        .collect();
    let answers = probe(&world.near, &json!(probes), &[]);
    for via in ["udp", "tcp"] {
        assert_eq!(answers.verdict(&format!("closed {via}")), "refused ECONNREFUSED 6");
        assert_eq!(answers.verdict(&format!("dropped {via}")), "timeout - 28");
        assert_eq!(answers.verdict(&format!("away {via}")), "unreachable EHOSTUNREACH 6");
    }
}

#[test]
fn each_resolver_is_asked() {
    let Some(world) = with_server("dns resolvers") else { return };
    let root = world.root("nameserver 10.9.0.9\nnameserver 10.9.0.53\n");
    let probes = json!([{"id": "own", "kind": "dns", "name": "good.test"}]);
    let answers = probe(&world.near, &probes, &["--root", &root]);
    let mut told: Vec<(String, String)> = answers
        .0
        .iter()
        .map(|line| (line["peer"].to_string(), line["outcome"].to_string()))
        .collect();
    told.sort();
    let expected = [("\"10.9.0.53\"", "\"ok\""), ("\"10.9.0.9\"", "\"timeout\"")];
    assert_eq!(told, expected.map(|(peer, outcome)| (peer.to_owned(), outcome.to_owned())));
}

#[test]
fn without_a_resolver_nothing_is_guessed() {
    let Some(world) = world("dns none") else { return };
    let probes = json!([
        {"id": "own", "kind": "dns", "name": "good.test"},
        {"id": "tcp", "kind": "tcp", "host": "good.test", "port": 80},
    ]);
    let answers = probe(&world.near, &probes, &["--root", &world.root("search lan\n")]);
    assert_eq!(answers.verdict("own"), "failed - -");
    assert_eq!(answers.of("own")["why"], "/etc/resolv.conf: it names no server");
    assert_eq!(answers.verdict("tcp"), "no-such-name - 6");
}
