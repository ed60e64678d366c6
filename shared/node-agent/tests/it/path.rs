//! Echoes, the path's MTU, and counters.

use kcilium_core::probe::Outcome;
use serde_json::{Value, json};

use crate::agent::{Answers, Running, probe, start};
use crate::lab::{World, iptables, world};

/// An echo server on the far side; it has to be stopped.
fn serve(world: &World, port: u16) -> Running {
    use std::io::{BufRead as _, BufReader};

    let probes = json!([
        {"id": "server", "kind": "echo-server", "port": port, "timeoutMs": 30_000},
        {"id": "counters", "kind": "counters"},
    ]);
    let mut running = start(&world.far, &json!({"probes": probes}), &[]);
    let mut line = String::new();
    // Byte by byte: the rest is for `end`.
    let stdout = running.child.stdout.as_mut().unwrap();
    BufReader::with_capacity(1, stdout).read_line(&mut line).unwrap();
    assert!(line.contains(r#""outcome":"listening""#), "{line}");
    running
}

fn stop(server: Running) -> Answers {
    let pid = rustix::process::Pid::from_child(&server.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let run = server.end();
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    Answers(run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn echo(id: &str, port: u16, transport: &str, bytes: u16) -> Value {
    json!({"id": id, "kind": "echo", "host": "10.9.0.66", "port": port, "transport": transport,
           "bytes": bytes})
}

#[test]
fn both_ends_tell_what_they_saw() {
    let Some(world) = world("echo") else { return };
    // As the nodes of a cluster do for their pods.
    iptables(&world.router, "-t nat -A POSTROUTING -o wan -j MASQUERADE");
    let server = serve(&world, 5001);
    let probes = json!([
        echo("udp", 5001, "udp", 64),
        echo("udp large", 5001, "udp", 1400),
        echo("tcp", 5001, "tcp", 1400),
        echo("closed", 5002, "udp", 64),
        {"id": "counters", "kind": "counters"},
    ]);
    let answers = probe(&world.near, &probes, &[]);
    let heard = stop(server);
    for id in ["udp", "udp large", "tcp"] {
        assert_eq!(answers.verdict(id), "ok - -");
        assert_eq!(answers.of(id)["way"]["source"], "10.0.0.2");
        let seen_as = answers.of(id)["answer"]["echo"]["seenAs"].as_str().unwrap();
        assert!(seen_as.starts_with("10.9.0.1:"), "{seen_as}");
    }
    assert_eq!(answers.verdict("closed"), "refused ECONNREFUSED -");
    let mut senders = heard.of("server")["answer"]["served"]["heard"].as_array().unwrap().clone();
    senders.sort_by_key(|heard| heard["transport"].to_string());
    let expected = json!([
        {"from": "10.9.0.1", "transport": "tcp", "messages": 1},
        {"from": "10.9.0.1", "transport": "udp", "messages": 2},
    ]);
    assert_eq!(json!(senders), expected);
    for side in [&answers, &heard] {
        let counted = &side.of("counters")["answer"]["counters"];
        assert!(counted["links"]["eth0"]["received"].as_u64().unwrap() >= 5, "{counted}");
    }
    assert!(
        heard.of("counters")["answer"]["counters"]["protocols"]["Udp.NoPorts"].as_u64() >= Some(1)
    );
}

#[test]
fn lost_echoes_time_out_and_the_counters_say_where() {
    let Some(world) = world("echo lost") else { return };
    let server = serve(&world, 5001);
    iptables(&world.far, "-A INPUT -p udp -j DROP");
    let answers = probe(&world.near, &json!([echo("udp", 5001, "udp", 64)]), &[]);
    assert_eq!(answers.verdict("udp"), "timeout - -");
    let heard = stop(server);
    assert_eq!(heard.of("server")["answer"]["served"], json!({"port": 5001}));
    let counted = &heard.of("counters")["answer"]["counters"];
    assert!(counted["links"]["eth0"]["received"].as_u64() >= Some(3), "{counted}");
    assert_eq!(counted["protocols"]["Udp.InDatagrams"], Value::Null);
}

#[test]
fn the_port_of_a_vxlan_device_is_in_use() {
    let Some(world) = world("echo vxlan") else { return };
    world
        .near
        .ip_batch(
            "link add cilium_vxlan type vxlan external dstport 8472\nlink set cilium_vxlan up\n",
        )
        .unwrap();
    let probes = json!([{"id": "server", "kind": "echo-server", "port": 8472}]);
    let answers = probe(&world.near, &probes, &[]);
    assert_eq!(answers.verdict("server"), "failed EADDRINUSE -");
    let probes = json!([{"id": "server", "kind": "echo-server", "port": 0, "timeoutMs": 1}]);
    let answers = probe(&world.near, &probes, &[]);
    assert_eq!(answers.verdict("server"), "ok - -");
    assert!(answers.of("server")["answer"]["served"]["port"].as_u64().unwrap() > 0);
}

#[test]
fn pings_are_answered_lost_refused_or_forbidden() {
    let Some(world) = world("icmp") else { return };
    iptables(&world.far, "-A INPUT -d 10.9.0.9 -p icmp -j DROP");
    iptables(&world.near, "-A OUTPUT -d 10.9.0.53 -j DROP");
    let ping = |id: &str, host: &str| json!({"id": id, "kind": "icmp", "host": host});
    let probes = json!([
        ping("answered", "10.9.0.66"),
        ping("lost", "10.9.0.9"),
        ping("nobody", "10.9.0.99"),
        ping("forbidden", "10.9.0.53"),
    ]);
    // With datagram sockets, which kernels allow to groups, and with raw ones.
    for range in ["1 0", "0 2147483647"] {
        world.near.sysctl("net.ipv4.ping_group_range", range).unwrap();
        let request = json!({"timeoutMs": 4000, "probes": probes});
        let run = start(&world.near, &request, &[]).end();
        let outcome = |id: &str| {
            run.results().into_iter().find(|result| result.id.as_str() == id).unwrap().outcome
        };
        assert_eq!(outcome("answered"), Outcome::Ok, "{range}");
        assert_eq!(outcome("lost"), Outcome::Timeout, "{range}");
        // The router asks its LAN for three seconds before it says so.
        assert_eq!(outcome("nobody"), Outcome::Unreachable, "{range}: {}", run.stdout);
        assert_eq!(outcome("forbidden"), Outcome::Denied, "{range}");
    }
}

fn walk(world: &World, via: &Value) -> Value {
    let probes = json!([{"id": "mtu", "kind": "path-mtu", "host": "10.9.0.66", "via": via,
                         "timeoutMs": 2000}]);
    probe(&world.near, &probes, &[]).of("mtu").clone()
}

/// A link in the middle that takes 1337 bytes, as a tunnel does.
fn narrow(label: &str) -> Option<World> {
    let world = world(label)?;
    world.router.ip(&["link", "set", "wan", "mtu", "1337"]).unwrap();
    Some(world)
}

#[test]
fn a_wide_path_takes_what_the_link_takes() {
    let Some(world) = world("mtu wide") else { return };
    let server = serve(&world, 5001);
    for via in [json!("icmp"), json!({"echo": {"port": 5001}})] {
        let told = walk(&world, &via);
        assert_eq!(told["outcome"], "ok");
        assert_eq!(told["answer"]["pathMtu"], json!({"link": 1500, "passed": 1500}), "{via}");
    }
    stop(server);
}

#[test]
fn a_black_hole_is_measured_to_the_byte() {
    let Some(world) = narrow("mtu black hole") else { return };
    iptables(&world.router, "-A OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP");
    let server = serve(&world, 5001);
    for via in [json!("icmp"), json!({"echo": {"port": 5001}})] {
        let told = walk(&world, &via);
        assert_eq!(told["outcome"], "too-narrow", "{told}");
        let expected = json!({"link": 1500, "passed": 1337, "lost": 1338});
        assert_eq!(told["answer"]["pathMtu"], expected, "{via}");
        assert_eq!(told["why"], "packets of 1500 bytes vanish: 1337 pass, and nobody says so");
    }
    stop(server);
}

#[test]
fn a_path_that_says_what_it_takes_is_no_black_hole() {
    let Some(world) = narrow("mtu told") else { return };
    let told = walk(&world, &json!("icmp"));
    assert_eq!(told["outcome"], "too-narrow", "{told}");
    let expected = json!({"link": 1500, "passed": 1337, "lost": 1338, "told": 1337});
    assert_eq!(told["answer"]["pathMtu"], expected);
}

#[test]
fn a_route_that_promises_less_is_kept() {
    let Some(world) = narrow("mtu route") else { return };
    world.near.ip(&["route", "replace", "default", "via", "10.0.0.1", "mtu", "1300"]).unwrap();
    let told = walk(&world, &json!("icmp"));
    assert_eq!(told["outcome"], "ok", "{told}");
    assert_eq!(told["answer"]["pathMtu"]["route"], 1300);
    assert_eq!(told["answer"]["pathMtu"]["passed"], 1337);
}

#[test]
fn without_any_answer_nothing_is_said_about_the_mtu() {
    let Some(world) = world("mtu silent") else { return };
    iptables(&world.far, "-A INPUT -p icmp -j DROP");
    let told = walk(&world, &json!("icmp"));
    assert_eq!((&told["outcome"], &told["answer"]), (&json!("timeout"), &Value::Null));
}
