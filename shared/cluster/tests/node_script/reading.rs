//! What the script finds, and what it says where it finds nothing.

use std::fs;
use std::process::Command;

use kcilium_cluster::node_script::{AgentContainer, DnsPolicy, NodeScript};
use kcilium_core::facts::{
    AgentProcess, Fact, LookupAnswer, LookupRefusal, NodeFacts, Unavailable, UnavailableKind,
};

use crate::node::{CILIUM_DBG, GET_ERRORS, IP, Node, installed, missing};

fn lookups(facts: &NodeFacts) -> Vec<String> {
    let lookups = facts.lookups.get().unwrap().iter();
    lookups
        .map(|lookup| match &lookup.answer {
            LookupAnswer::Route { link, .. } => format!("{} {link}", lookup.destination),
            LookupAnswer::Refused(why) => format!("{} {why}", lookup.destination),
        })
        .collect()
}

#[test]
fn every_shell_reads_the_same_with_and_without_timeout() {
    let shells: [&'static [&'static str]; 4] =
        [&["dash"], &["bash"], &["bash", "--posix"], &["busybox", "sh"]];
    for shell in shells.into_iter().filter(|shell| netlab::require_programs(&shell[..1])) {
        for timeout in [true, false] {
            let node = Node::with(shell, timeout);
            node.cni("05-cilium.conflist", r#"{"name": "c", "plugins": [{"type": "cilium-cni"}]}"#);
            let facts = node.facts();
            let context = format!("{shell:?}, timeout: {timeout}, {facts:#?}");
            assert_eq!(facts.name.as_str(), "node1");
            assert!(facts.kernel.get().unwrap().release.contains('.'), "{context}");
            assert_eq!(facts.links.items().len(), 1, "{context}");
            assert_eq!(facts.addresses.items().len(), 1, "{context}");
            // The kernel of this node has no IPv6 rules, but routes.
            assert_eq!(facts.rules.items().len(), 1, "{context}");
            assert_eq!(facts.routes.items().len(), 2, "{context}");
            // Gateways are asked for by the script itself; those of IPv6 links are not.
            assert_eq!(
                lookups(&facts),
                ["1.1.1.1 unreachable", "10.0.0.1 eth0", "2001:db8::1 no route"],
                "{context}"
            );
            let sysctls = facts.sysctls.get().unwrap();
            for key in ["net.ipv4.ip_forward", "net.ipv4.conf.all.rp_filter"] {
                assert!(sysctls[key].parse::<u8>().is_ok(), "{key} {context}");
            }
            let [file] = facts.cni_files.items() else { panic!("{context}") };
            assert!(file.is_cilium(), "{context}");
            let status = facts.agent_status.get().unwrap();
            assert_eq!(status.agent.as_ref().unwrap().message, "1.18.0");
            assert_eq!(missing(&facts.endpoints).kind, UnavailableKind::Absent);
        }
    }
}

#[test]
fn a_command_that_hangs_is_killed_and_costs_its_own_fact() {
    for timeout in [true, false] {
        let node = Node::with(&["dash"], timeout);
        node.ip_does(&[("-d -j link", "exec sleep 1000")]);
        let facts = node.facts();
        assert_eq!(missing(&facts.links).to_string(), "ip -d -j link: killed: it had 2 s");
        assert!(facts.addresses.known().is_some());
        assert!(facts.agent_status.known().is_some());
    }
}

#[test]
fn what_is_missing_says_so() {
    let node = Node::new();
    fs::remove_file(node.path("bin/ip")).unwrap();
    fs::remove_file(node.path("bin/cilium-dbg")).unwrap();
    let facts = node.facts();
    for missing in [missing(&facts.links), missing(&facts.routes), missing(&facts.agent_status)] {
        assert_eq!(missing.kind, UnavailableKind::Absent, "{missing}");
        assert!(missing.why.starts_with("not in the agent's container: "), "{missing}");
    }
    assert!(facts.sysctls.known().is_some());
}

#[test]
fn before_1_15_the_agent_is_asked_by_its_old_name() {
    let node = Node::new();
    fs::rename(node.path("bin/cilium-dbg"), node.path("bin/cilium")).unwrap();
    assert!(node.facts().agent_status.known().is_some());
    // Where both are there, the old name may lead to another program.
    node.program("cilium-dbg", CILIUM_DBG);
    node.program("cilium", "#!/bin/sh\nexit 1\n");
    assert!(node.facts().agent_status.known().is_some());
}

#[test]
fn what_is_forbidden_or_too_old_says_so() {
    let node = Node::new();
    let denied = "echo 'Cannot open netlink socket: Permission denied' >&2\nexit 1";
    let unknown = "echo 'Option \"-N\" is unknown, try \"ip -help\".' >&2\nexit 255";
    node.ip_does(&[("-d -j link", denied), ("-4 -N -j rule", unknown)]);
    let facts = node.facts();
    assert_eq!(
        missing(&facts.links),
        &Unavailable::forbidden("ip -d -j link", "Cannot open netlink socket: Permission denied")
    );
    assert_eq!(missing(&facts.rules).why, "Option \"-N\" is unknown, try \"ip -help\".");

    // A program that may not be executed.
    fs::remove_file(node.path("bin/ip")).unwrap();
    fs::write(node.path("bin/ip"), IP).unwrap();
    assert_eq!(missing(&node.facts().links).kind, UnavailableKind::Forbidden);
}

#[test]
fn a_list_that_changed_is_read_again_and_given_up_in_the_end() {
    let list = "-4 -N -j route show table all";
    let interrupted = "echo 'Dump was interrupted and may be inconsistent.' >&2\ncat route4";
    let once = format!("[ -e seen ] || {{ : >seen\n{interrupted}\nexit; }}\ncat route4");
    let node = Node::new();
    node.ip_does(&[(list, &once)]);
    assert_eq!(node.facts().routes.items().len(), 2);
    assert!(node.path("answers/seen").exists());
    node.ip_does(&[(list, interrupted)]);
    assert_eq!(missing(&node.facts().routes).why, "kept changing while it was read");
}

#[test]
fn an_answer_that_cannot_be_told_from_others_is_none() {
    let with_errors = |errors: &str| {
        let node = Node::new();
        node.answer("get.errors", errors);
        node.facts().lookups
    };
    let one_short = with_errors(&GET_ERRORS[..GET_ERRORS.find("RTNETLINK answers: Net").unwrap()]);
    assert_eq!(missing(&one_short).why, "no answer to route get 2001:db8::1");
    let of_ip_itself = with_errors("Cannot open netlink socket: Permission denied\n");
    assert!(missing(&of_ip_itself).why.contains("Permission denied"));
    let about_the_asking =
        with_errors(&GET_ERRORS.replace("No route to host", "Cannot allocate memory"));
    assert!(missing(&about_the_asking).why.starts_with("route get 1.1.1.1: "));
    let blackhole = with_errors(&GET_ERRORS.replace("No route to host", "Invalid argument"));
    let answer = &blackhole.get().unwrap()[0].answer;
    assert_eq!(answer, &LookupAnswer::Refused(LookupRefusal::Blackhole));
}

#[test]
fn the_cluster_s_dns_servers_are_not_taken_for_the_host_s() {
    let facts = Node::new().facts();
    let why = missing(&facts.resolvers);
    assert_eq!(why.kind, UnavailableKind::Absent);
    assert!(why.why.contains("the cluster's"), "{why}");

    let policy = DnsPolicy::of_host_network_pod;
    assert_eq!(policy("ClusterFirstWithHostNet"), DnsPolicy::Cluster);
    assert_eq!(policy("None"), DnsPolicy::Pod);
    for host in ["", "Default", "ClusterFirst"] {
        assert_eq!(policy(host), DnsPolicy::Host);
    }
}

#[test]
fn the_agent_is_found_among_the_container_s_processes() {
    let node = Node::new();
    let agent = node.path("bin/cilium-agent");
    fs::copy(installed("sleep").unwrap(), &agent).unwrap();
    let mut running = Command::new(&agent).arg("1000").spawn().unwrap();
    let facts = node.facts();
    running.kill().unwrap();
    running.wait().unwrap();
    assert_eq!(facts.agent, Fact::Known(AgentProcess::Running { pid: None }));
}

#[test]
fn the_script_travels_on_stdin() {
    let script = Node::new().script();
    assert_eq!(script.command(), ["sh", "-s"]);
    assert!(script.stdin().is_ascii());
    // Whatever the DaemonSet calls its mount.
    let container = AgentContainer {
        cni_directory: "/it's $(here)/net.d".into(),
        dns_policy: DnsPolicy::default(),
    };
    let script = String::from_utf8(NodeScript::new(Vec::new(), container).stdin()).unwrap();
    assert!(script.contains("cni_directory='/it'\\''s $(here)/net.d'\n"), "{script}");
}
