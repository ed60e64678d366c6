//! Three nodes, in every state of Cilium.

use netlab::{CiliumState, homelab, require_root_netns};

use crate::doctor::{examine, local, obey};
use crate::report::{says, text};

#[test]
fn healthy_nodes_are_left_in_peace() {
    if !require_root_netns() {
        return;
    }
    let home = homelab("healthy", CiliumState::Healthy).unwrap();
    for node in home.nodes() {
        let report = examine(node, &[]);
        assert_eq!(report.verdicts(), [""; 0], "{}", node.name());
        assert_eq!(report.alarms(), [""; 0], "{}", node.name());
        assert_eq!(report.code, Some(0), "{}", node.name());
        assert_eq!(report.part("examined")["cilium"], "seen");
    }
}

#[test]
fn without_cilium_its_default_pool_is_predicted_to_hit_the_gateway() {
    if !require_root_netns() {
        return;
    }
    let home = homelab("no Cilium", CiliumState::None).unwrap();
    let node = home.node("node1").unwrap();
    let report = examine(node, &[]);
    assert_eq!(report.code, Some(0));
    assert_eq!(report.verdicts(), [""; 0]);
    assert_eq!(report.alarms(), [""; 0]);
    assert_eq!(report.part("examined")["cilium"], "not-seen");
    let predicted: Vec<&str> =
        report.findings("CIDR-03", "predicted").map(|finding| text(&finding["summary"])).collect();
    assert!(says(&predicted, &["10.0.0.1"]), "{predicted:#?}");
    assert_eq!(report.findings("CIDR-03", "observed").count(), 0);

    let run = local(node, &[]);
    let label = "If you installed Cilium with its defaults now (no effect on the exit code)";
    assert!(run.stdout.contains(label), "{}", run.stdout);
}

#[test]
fn a_declared_pool_is_judged_as_if_it_were_there() {
    if !require_root_netns() {
        return;
    }
    let home = homelab("declared", CiliumState::None).unwrap();
    let node = home.node("node1").unwrap();
    let clashing = examine(node, &["--pod-cidr", "10.0.0.0/8"]);
    assert_eq!(clashing.code, Some(1));
    // Nothing is swallowed yet.
    assert_eq!(clashing.verdicts(), [""; 0]);
    assert_eq!(clashing.subjects("CIDR-01"), ["10.0.0.1"]);
    let free = examine(node, &["--pod-cidr", "10.244.0.0/16", "--service-cidr", "10.96.0.0/12"]);
    assert_eq!((free.code, free.alarms()), (Some(0), vec![]));
    let bridge = examine(node, &["--pod-cidr", "172.17.0.0/24"]);
    assert!(!bridge.subjects("CIDR-18").is_empty(), "{bridge:#?}");
}

#[test]
fn leftovers_are_recognised_without_an_api_server() {
    if !require_root_netns() {
        return;
    }
    let home = homelab("leftovers", CiliumState::Leftovers).unwrap();
    for node in home.nodes() {
        let report = examine(node, &[]);
        assert_eq!(report.verdicts(), ["likely C-LEFT"], "{}", node.name());
        assert_eq!(report.code, Some(1), "{}", node.name());
        let chain = report.chain("C-LEFT");
        assert!(says(&chain, &["cilium_host"]), "{chain:#?}");
    }
}

#[test]
fn the_printed_clean_up_removes_the_leftovers() {
    if !require_root_netns() {
        return;
    }
    let home = homelab("clean-up", CiliumState::Leftovers).unwrap();
    let node = home.node("node1").unwrap();
    let report = examine(node, &[]);
    let commands = report.commands("C-LEFT");
    assert!(commands.contains(&"ip link del cilium_host"), "{commands:?}");
    for command in commands.iter().filter(|command| command.starts_with("ip ")) {
        obey(node, command);
    }
    let after = examine(node, &[]);
    assert_ne!(after.part("verdicts"), report.part("verdicts"));
    let links = node.namespace().ip(&["-br", "link"]).unwrap();
    assert!(!links.contains("cilium_"), "{links}");
}

#[test]
fn each_node_of_a_clash_tells_what_its_kernel_does() {
    if !require_root_netns() {
        return;
    }
    let home = homelab("clash", CiliumState::Clash).unwrap();
    for node in home.nodes() {
        let report = examine(node, &[]);
        assert_eq!(report.code, Some(1), "{}", node.name());
        assert_eq!(report.verdicts(), ["confirmed C-CLASH"], "{}", node.name());
        assert_eq!(report.subjects("RT-01"), ["10.0.0.1"], "{}", node.name());
        let chain = report.chain("C-CLASH");
        let words = ["10.0.0.1 leaves", "cilium_host", "10.0.0.0/24", "kernel route lookup"];
        assert!(says(&chain, &words), "{chain:#?}");
    }
}

#[test]
fn first_aid_gives_the_gateway_back() {
    if !require_root_netns() {
        return;
    }
    let home = homelab("first aid", CiliumState::Clash).unwrap();
    let node = home.node("node3").unwrap();
    let before = examine(node, &[]);
    assert_eq!(before.subjects("RT-01"), ["10.0.0.1"]);
    let commands = before.commands("C-CLASH");
    let aid = "ip route del 10.0.0.0/24 dev cilium_host";
    assert!(commands.contains(&aid), "{commands:?}");
    obey(node, aid);
    let after = examine(node, &[]);
    assert_eq!(after.subjects("RT-01"), [""; 0]);
    let way = node.namespace().ip(&["route", "get", "10.0.0.1"]).unwrap();
    assert!(way.contains("dev eth0"), "{way}");
    // The pool is what it was: the verdict stays until it is changed, with less to prove it.
    assert!(!after.verdicts().contains(&"confirmed C-CLASH".to_owned()), "{:?}", after.verdicts());
}
