//! The same lab, with what administrators do to routes.

use netlab::{CiliumState, Homelab, Node, homelab, require_root_netns, seed_node};

use crate::doctor::{examine, obey};
use crate::report::{says, text};

/// A fresh seed node, in which a line of `ip` after the other was run.
fn seed_with(label: &str, script: &str) -> Homelab {
    let home = seed_node(label).unwrap();
    node1(&home).namespace().ip_batch(script).unwrap();
    home
}

fn node1(home: &Homelab) -> &Node {
    home.node("node1").unwrap()
}

/// `ip route get`, or its complaint.
fn kernels_way(node: &Node, address: &str) -> String {
    node.namespace().ip(&["route", "get", address]).unwrap_or_else(|error| format!("{error:#}"))
}

#[test]
fn a_policy_rule_that_rescues_the_gateway_counts() {
    if !require_root_netns() {
        return;
    }
    let home = seed_with(
        "rescued",
        "\
route add default via 10.0.0.1 dev eth0 table 100
route add 10.0.0.0/16 dev eth0 table 100
rule add priority 500 to 10.0.0.1 lookup 100
",
    );
    let node = node1(&home);
    assert!(kernels_way(node, "10.0.0.1").contains("dev eth0"));
    let report = examine(node, &[]);
    assert_eq!(report.subjects("RT-01"), [""; 0]);
    // It still lies in a pod CIDR: pods with its address cannot be told from it.
    assert_eq!(report.subjects("CIDR-01"), ["10.0.0.1"]);
    assert!(!report.verdicts().contains(&"confirmed C-CLASH".to_owned()));
}

#[test]
fn a_policy_rule_that_hijacks_the_gateway_counts() {
    if !require_root_netns() {
        return;
    }
    let home = homelab("hijacked", CiliumState::Healthy).unwrap();
    let node = node1(&home);
    node.namespace()
        .ip_batch(
            "\
route add 10.0.0.0/24 dev cilium_host table 2005
rule add priority 111 to 10.0.0.0/24 lookup 2005
",
        )
        .unwrap();
    let report = examine(node, &[]);
    assert_eq!(report.code, Some(1));
    assert_eq!(report.subjects("RT-01"), ["10.0.0.1"]);
}

#[test]
fn routes_that_refuse_are_no_way_through_cilium() {
    if !require_root_netns() {
        return;
    }
    for kind in ["blackhole", "unreachable", "prohibit"] {
        let home = seed_with(kind, &format!("route add {kind} 10.0.0.1\n"));
        let node = node1(&home);
        let way = kernels_way(node, "10.0.0.1");
        assert!(way.contains("RTNETLINK answers"), "{way}");
        let report = examine(node, &["--protect", "10.0.0.1"]);
        assert_eq!(report.subjects("RT-01"), [""; 0], "{kind}");
        assert_eq!(report.subjects("CIDR-01"), ["10.0.0.1"], "{kind}");
    }
}

#[test]
fn a_throw_route_leads_on_to_the_next_table() {
    if !require_root_netns() {
        return;
    }
    let home = seed_with(
        "throw",
        "\
route add throw 10.0.0.1 table 100
route add default via 10.0.0.1 dev eth0 table 100
rule add priority 500 lookup 100
",
    );
    let node = node1(&home);
    assert!(kernels_way(node, "10.0.0.1").contains("dev cilium_host"));
    let report = examine(node, &[]);
    assert_eq!(report.verdicts(), ["confirmed C-CLASH"]);
    let chain = report.chain("C-CLASH");
    assert!(says(&chain, &["10.0.0.1 leaves dev cilium_host", "10.0.0.0/24"]), "{chain:#?}");
}

#[test]
fn both_gateways_of_a_multipath_default_are_looked_after() {
    if !require_root_netns() {
        return;
    }
    let home = homelab("multipath", CiliumState::Clash).unwrap();
    let node = node1(&home);
    node.namespace()
        .ip_batch(
            "\
route del default
route add default nexthop via 10.0.0.1 dev eth0 nexthop via 10.24.0.1 dev eth1
",
        )
        .unwrap();
    let report = examine(node, &[]);
    assert_eq!(report.verdicts(), ["confirmed C-CLASH"]);
    assert_eq!(report.subjects("RT-01"), ["10.0.0.1"]);

    // Now the second one is taken as well.
    node.namespace().ip(&["route", "add", "10.24.0.1", "dev", "cilium_host"]).unwrap();
    let report = examine(node, &[]);
    assert_eq!(report.subjects("RT-01"), ["10.0.0.1", "10.24.0.1"]);
}

#[test]
fn an_ipv6_gateway_and_dns_server_are_protected_too() {
    if !require_root_netns() {
        return;
    }
    let home = homelab("IPv6", CiliumState::Healthy).unwrap();
    let node = node1(&home);
    node.namespace()
        .ip_batch(
            "\
addr add fd00:10::124/64 dev eth0 nodad
addr add fd00:10::200/128 dev cilium_host nodad
route add default via fd00:10::1 dev eth0
route add fd00:10::/112 dev cilium_host
",
        )
        .unwrap();
    node.write("etc/resolv.conf", "nameserver fd00:10::1\n").unwrap();
    assert!(kernels_way(node, "fd00:10::1").contains("dev cilium_host"));
    let report = examine(node, &[]);
    assert_eq!(report.code, Some(1));
    assert_eq!(report.verdicts(), ["confirmed C-CLASH"]);
    assert_eq!(report.subjects("RT-01"), ["fd00:10::1"]);
    assert_eq!(report.subjects("CIDR-01"), ["fd00:10::1"]);
    let title = text(&report.verdict("C-CLASH")["title"]);
    assert!(title.contains("gateway and DNS server"), "{title}");
    let commands = report.commands("C-CLASH");
    let aid = commands.iter().find(|command| command.contains("route del fd00:10::/112"));
    obey(node, aid.expect("first aid"));
    assert_eq!(examine(node, &[]).subjects("RT-01"), [""; 0]);
}

#[test]
fn a_docker_bridge_without_carrier_still_has_its_network() {
    if !require_root_netns() {
        return;
    }
    let home = homelab("docker0", CiliumState::None).unwrap();
    let node = node1(&home);
    let routes = node.namespace().ip(&["route"]).unwrap();
    let docker = routes.lines().find(|line| line.contains("docker0")).unwrap();
    assert!(docker.contains("linkdown"), "{docker}");
    let report = examine(node, &["--pod-cidr", "172.17.0.0/24"]);
    assert_eq!(report.subjects("CIDR-18"), ["docker0"]);
    assert!(report.subjects("CIDR-02").iter().any(|subject| subject.contains("172.17.0.0")));
}

#[test]
fn a_lost_local_rule_is_found() {
    if !require_root_netns() {
        return;
    }
    let home = homelab("local rule", CiliumState::Healthy).unwrap();
    let node = node1(&home);
    node.namespace().ip(&["rule", "del", "priority", "0"]).unwrap();
    let report = examine(node, &[]);
    assert_eq!(report.code, Some(1));
    assert_eq!(report.verdicts(), ["confirmed C-ROUTELOSS"]);
    assert_eq!(report.subjects("RT-06"), ["IPv4 rules"]);
    let commands = report.commands("C-ROUTELOSS");
    let command = commands.iter().find(|command| command.starts_with("ip rule add"));
    obey(node, command.expect("the rule is put back"));
    assert_eq!(examine(node, &[]).verdicts(), [""; 0]);
}

#[test]
fn the_servers_behind_systemd_resolved_are_found() {
    if !require_root_netns() {
        return;
    }
    let home = seed_node("resolved").unwrap();
    let node = node1(&home);
    node.write("run/systemd/resolve/stub-resolv.conf", "nameserver 127.0.0.53\noptions edns0\n")
        .unwrap();
    node.write("run/systemd/resolve/resolv.conf", "nameserver 10.0.0.1\n").unwrap();
    std::fs::remove_file(node.root().join("etc/resolv.conf")).unwrap();
    // An absolute link, as on Ubuntu.
    let stub = "/run/systemd/resolve/stub-resolv.conf";
    std::os::unix::fs::symlink(stub, node.root().join("etc/resolv.conf")).unwrap();
    let report = examine(node, &[]);
    assert_eq!(report.verdicts(), ["confirmed C-CLASH"]);
    assert_eq!(report.subjects("RT-01"), ["10.0.0.1"]);
    let title = text(&report.verdict("C-CLASH")["title"]);
    assert!(title.contains("gateway and DNS server"), "{title}");
    let chain = report.chain("C-CLASH");
    assert!(says(&chain, &["10.0.0.1", "/run/systemd/resolve/resolv.conf"]), "{chain:#?}");
}

#[test]
fn a_dns_server_alone_is_enough() {
    if !require_root_netns() {
        return;
    }
    let home = homelab("DNS alone", CiliumState::Clash).unwrap();
    let node = node1(&home);
    // The gateway is elsewhere, the DNS server in the swallowed block.
    node.namespace()
        .ip_batch("route del default\nroute add default via 10.0.200.1 dev eth0\n")
        .unwrap();
    node.write("etc/resolv.conf", "nameserver 10.0.0.53\n").unwrap();
    let report = examine(node, &[]);
    assert_eq!(report.verdicts(), ["confirmed C-CLASH"]);
    assert_eq!(report.subjects("RT-01"), ["10.0.0.53"]);
    let title = text(&report.verdict("C-CLASH")["title"]);
    assert!(title.contains("DNS server") && !title.contains("gateway"), "{title}");
}

#[test]
fn an_address_to_protect_may_be_given() {
    if !require_root_netns() {
        return;
    }
    let home = homelab("protect", CiliumState::Healthy).unwrap();
    let node = node1(&home);
    let report = examine(node, &["--protect", "10.244.1.5"]);
    assert_eq!(report.code, Some(1));
    assert_eq!(report.subjects("RT-01"), ["10.244.1.5"]);
}
