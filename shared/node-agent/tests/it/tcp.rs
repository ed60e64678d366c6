//! Connections, with and without a word from the server.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use netlab::Namespace;
use serde_json::json;

use crate::agent::{inside, probe};
use crate::dns_server;
use crate::lab::{iptables, world};

/// A server that reads a little, and says always the same.
fn say(namespace: &Namespace, port: u16, words: &'static [u8]) {
    let (ready, is_ready) = std::sync::mpsc::channel();
    inside(namespace, move || {
        let listener = TcpListener::bind(("0.0.0.0", port)).unwrap();
        ready.send(()).unwrap();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(words);
        }
    });
    is_ready.recv().unwrap();
}

#[test]
fn refused_dropped_unreachable_and_forbidden_are_told_apart() {
    let Some(world) = world("tcp outcomes") else { return };
    say(&world.far, 80, b"");
    iptables(&world.far, "-A INPUT -p tcp --dport 81 -j DROP");
    iptables(
        &world.router,
        "-A FORWARD -p tcp --dport 82 -j REJECT --reject-with icmp-net-unreachable",
    );
    iptables(&world.far, "-A INPUT -p tcp --dport 83 -j REJECT --reject-with tcp-reset");
    world.near.ip(&["route", "add", "prohibit", "10.77.0.0/16"]).unwrap();
    let answers = probe(
        &world.near,
        &json!([
            {"id": "open", "kind": "tcp", "host": "10.9.0.9", "port": 80},
            {"id": "dropped", "kind": "tcp", "host": "10.9.0.9", "port": 81},
            {"id": "unreachable", "kind": "tcp", "host": "10.9.0.9", "port": 82},
            {"id": "rejected", "kind": "tcp", "host": "10.9.0.9", "port": 83},
            {"id": "closed", "kind": "tcp", "host": "10.9.0.9", "port": 84},
            {"id": "prohibited", "kind": "tcp", "host": "10.77.0.1", "port": 80},
            {"id": "no IPv6", "kind": "tcp", "host": "2001:db8::1", "port": 80},
        ]),
        &[],
    );
    assert_eq!(answers.verdict("open"), "ok - -");
    assert_eq!(answers.verdict("dropped"), "timeout - 28");
    assert_eq!(answers.of("dropped")["phase"], "connect");
    assert!(answers.of("dropped")["millis"].as_u64().unwrap() >= 1500);
    assert_eq!(answers.verdict("unreachable"), "unreachable ENETUNREACH 7");
    assert_eq!(answers.verdict("rejected"), "refused ECONNREFUSED 7");
    assert_eq!(answers.verdict("closed"), "refused ECONNREFUSED 7");
    assert_eq!(answers.verdict("prohibited"), "denied EACCES 7");
    assert_eq!(answers.verdict("no IPv6"), "unreachable ENETUNREACH 7");
    let way = json!({"source": "10.0.0.2", "link": "eth0", "gateway": "10.0.0.1"});
    assert_eq!(answers.of("dropped")["way"], way);
    assert_eq!(answers.of("open")["way"], way);
}

#[test]
fn http_is_told_from_other_answers() {
    let Some(world) = world("http") else { return };
    say(&world.far, 80, b"HTTP/1.1 204 No Content\r\nServer: test\r\n\r\n");
    say(&world.far, 81, b"HTTP/1.0 302 Found\r\nLocation: http://portal.lan/\r\n\r\n");
    say(&world.far, 82, b"SSH-2.0-OpenSSH_9.9\r\n");
    say(&world.far, 83, b"");
    let get =
        |id: &str, port: u16| json!({"id": id, "kind": "http", "host": "10.9.0.9", "port": port});
    let probes = json!([get("fine", 80), get("portal", 81), get("ssh", 82), get("mute", 83)]);
    let answers = probe(&world.near, &probes, &[]);
    assert_eq!(answers.of("fine")["answer"]["http"], json!({"status": 204, "server": "test"}));
    let portal = json!({"status": 302, "location": "http://portal.lan/"});
    assert_eq!(answers.of("portal")["answer"]["http"], portal);
    assert_eq!(answers.of("ssh")["outcome"], "unexpected");
    assert_eq!(answers.verdict("mute"), "reset - 56");
}

#[test]
fn a_server_that_accepts_and_says_nothing_times_out_at_the_answer() {
    let Some(world) = world("http silent") else { return };
    // The kernel accepts, nobody else does.
    let (ready, is_ready) = std::sync::mpsc::channel();
    inside(&world.far, move || {
        let _listener = TcpListener::bind(("0.0.0.0", 80)).unwrap();
        ready.send(()).unwrap();
        std::thread::park();
    });
    is_ready.recv().unwrap();
    let probes = json!([
        {"id": "http", "kind": "http", "host": "10.9.0.9"},
        {"id": "tls", "kind": "tls", "host": "10.9.0.9", "port": 80},
        {"id": "tcp", "kind": "tcp", "host": "10.9.0.9", "port": 80},
    ]);
    let answers = probe(&world.near, &probes, &[]);
    for id in ["http", "tls"] {
        assert_eq!(answers.verdict(id), "timeout - 28");
        assert_eq!(answers.of(id)["phase"], "answer");
    }
    assert_eq!(answers.verdict("tcp"), "ok - -");
}

#[test]
fn names_are_resolved_first_and_their_failures_told() {
    let Some(world) = world("names") else { return };
    dns_server::serve(&world.far, "10.9.0.53");
    say(&world.far, 80, b"");
    let root = world.root("nameserver 10.9.0.66\nnameserver 10.9.0.53\n");
    let tcp = |id: &str| json!({"id": id, "kind": "tcp", "host": format!("{id}.test"), "port": 80});
    let probes = json!([tcp("good"), tcp("nowhere"), tcp("silent")]);
    let answers = probe(&world.near, &probes, &["--root", &root]);
    assert_eq!(answers.verdict("good"), "ok - -");
    assert_eq!(answers.of("good")["peer"], "10.9.0.9");
    assert_eq!(answers.verdict("nowhere"), "no-such-name - 6");
    assert_eq!(answers.of("nowhere")["phase"], "resolve");
    assert_eq!(answers.of("nowhere")["why"], "DNS server 10.9.0.53: the server answers NXDOMAIN");
    assert_eq!(answers.verdict("silent"), "timeout - 28");
    assert_eq!(answers.of("silent")["curl"]["words"], "resolving timed out");
}
