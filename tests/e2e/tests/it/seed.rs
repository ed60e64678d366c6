//! The node of the article that all this goes back to.

use std::process::Command;

use kcilium_core::decode::iproute2;
use kcilium_core::facts::{Family, snapshot};
use netlab::{Namespace, require_root_netns, seed_node};
use serde_json::Value;

use crate::doctor::{self, Run, examine};
use crate::inside::known;
use crate::program;
use crate::report::{Report, says, text};

fn assert_is_the_clash(report: &Report) {
    assert_eq!(report.code, Some(1));
    assert_eq!(report.verdicts(), ["confirmed C-CLASH"]);
    assert_eq!(report.subjects("RT-01"), ["10.0.0.1"]);
    let title = report.verdict("C-CLASH")["title"].as_str().unwrap();
    assert!(title.contains("gateway and DNS server"), "{title}");

    let chain = report.chain("C-CLASH");
    let needed = [
        // The kernel does not tell a gateway that is an address of its own.
        &["10.0.0.1 leaves dev cilium_host", "10.0.0.0/24", "kernel route lookup"][..],
        &["10.0.0.0/16 dev eth0", "loses"],
        &["pod CIDR 10.0.0.0/24"],
        &["default via 10.0.0.1 dev eth0"],
        &["nameserver 10.0.0.1", "/etc/resolv.conf"],
    ];
    for words in needed {
        assert!(says(&chain, words), "{words:?} is not in {chain:#?}");
    }
    let works = report.list("C-CLASH", "stillWorks");
    assert!(says(&works, &["1.1.1.1 leaves via 10.0.0.1 dev eth0"]), "{works:#?}");
    let broken = report.list("C-CLASH", "broken");
    for words in [["DNS on", "10.0.0.1"], ["image pulls", "10.0.0.1"], ["DHCP", "10.0.0.1"]] {
        assert!(says(&broken, &words), "{words:?} is not in {broken:#?}");
    }
    let cautions = report.list("C-CLASH", "cautions");
    assert!(says(&cautions, &["ing proves nothing"]), "{cautions:#?}");
}

#[test]
fn the_clash_is_confirmed_by_the_kernel() {
    if !require_root_netns() {
        return;
    }
    let home = seed_node("the clash").unwrap();
    let node = home.node("node1").unwrap();
    let way = node.namespace().ip(&["route", "get", "10.0.0.1"]).unwrap();
    assert!(way.contains("dev cilium_host"), "{way}");
    assert_is_the_clash(&examine(node, &[]));
}

#[test]
fn a_snapshot_taken_on_the_node_tells_the_same() {
    if !require_root_netns() {
        return;
    }
    let home = seed_node("snapshot").unwrap();
    let node = home.node("node1").unwrap();
    let live = examine(node, &[]);
    for name in ["node1.json", "node1.json.gz"] {
        let file = home.lab().dir().join(name).to_str().unwrap().to_owned();
        let mut command = doctor::inside(node.namespace());
        command.args(["snapshot", &file, "--local", "--root"]).arg(node.root());
        let run = Run::of(&mut command);
        assert_eq!((run.code, &*run.stdout, &*run.stderr), (Some(0), "", ""));

        let recorded = doctor::from_snapshot(&file).report();
        assert_is_the_clash(&recorded);
        for part in ["verdicts", "findings", "unknown", "rules", "summary"] {
            assert_eq!(recorded.part(part), live.part(part), "{part} of {name}");
        }
    }
}

#[test]
fn a_snapshot_holds_what_ip_prints() {
    if !require_root_netns() {
        return;
    }
    let home = seed_node("routes in the snapshot").unwrap();
    let node = home.node("node1").unwrap();
    let mut command = doctor::inside(node.namespace());
    let run = Run::of(command.args(["snapshot", "-", "--local", "--root"]).arg(node.root()));
    let facts = snapshot::decode(run.stdout.as_bytes()).unwrap();
    let [facts] = &facts.nodes[..] else { panic!("{} nodes", facts.nodes.len()) };
    assert_eq!(facts.name.as_str(), "node1");

    let printed = |arguments: &[&str]| node.namespace().ip(arguments).unwrap();
    let routes = printed(&["-j", "route", "show", "table", "all"]);
    assert_eq!(known(facts.routes.clone()), iproute2::routes(&routes).unwrap());
    let links = printed(&["-d", "-j", "link"]);
    assert_eq!(known(facts.links.clone()), iproute2::links(&links).unwrap());
    let addresses = printed(&["-j", "addr"]);
    assert_eq!(known(facts.addresses.clone()), iproute2::addresses(&addresses).unwrap());
    let mut rules = iproute2::rules(&printed(&["-j", "rule"]), Family::V4).unwrap();
    rules.extend(iproute2::rules(&printed(&["-6", "-j", "rule"]), Family::V6).unwrap());
    assert_eq!(known(facts.rules.clone()), rules);
}

#[test]
fn what_is_printed_for_people_names_all_that_matters() {
    if !require_root_netns() {
        return;
    }
    let home = seed_node("text").unwrap();
    let node = home.node("node1").unwrap();
    let run = doctor::local(node, &["-o", "wide"]);
    assert_eq!((run.code, &*run.stderr), (Some(1), ""));
    let verdict = run.stdout.find("CONFIRMED C-CLASH").expect("a verdict");
    assert!(
        verdict < run.stdout.find("\nWhat it explains\n").expect("findings"),
        "the verdict is first"
    );
    for needed in ["cilium_host", "10.0.0.1", "/etc/resolv.conf", "ip route get 10.0.0.1"] {
        assert!(run.stdout.contains(needed), "{needed} is not in {}", run.stdout);
    }
}

#[test]
fn nobody_who_reads_on_is_no_failure() {
    if !require_root_netns() {
        return;
    }
    let home = seed_node("head").unwrap();
    let node = home.node("node1").unwrap();
    let script = r#""$@" | head -1; echo "${PIPESTATUS[0]}""#;
    let mut command = Command::new("bash");
    command.args(["-c", script, "bash", "ip", "netns", "exec", node.namespace().name()]);
    command.arg(program::doctor()).args(["--local", "--root"]).arg(node.root());
    let run = Run::of(&mut command);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("Examined: host node1"), "{lines:?}");
    // A short report may be in the pipe before `head` has gone.
    assert!(matches!(lines[1], "0" | "1"), "{lines:?}");
    assert_eq!(run.stderr, "");
}

#[test]
fn the_doctor_changes_nothing_and_sends_nothing() {
    if !require_root_netns() {
        return;
    }
    let home = seed_node("unchanged").unwrap();
    let node = home.node("node1").unwrap();
    // With IPv6 the kernel itself solicits neighbours and routers all the time.
    for home in [node.namespace(), home.lan(), home.router()] {
        home.sysctl("net.ipv6.conf.all.disable_ipv6", "1").unwrap();
    }
    let state = || {
        let shown: [&[&str]; 5] =
            [&["link"], &["addr"], &["route", "show", "table", "all"], &["rule"], &["neighbour"]];
        let shown = shown.map(|arguments| node.namespace().ip(arguments).unwrap());
        let mut find = Command::new("find");
        let files = find.arg(node.root()).args(["-printf", "%p %s %T@\\n"]).output().unwrap();
        (shown, String::from_utf8(files.stdout).unwrap(), sent_packets(node.namespace()))
    };
    let before = state();
    for _ in 0..3 {
        examine(node, &["--protect", "10.0.0.77,1.1.1.1,8.8.8.8"]);
    }
    assert_eq!(state(), before);
}

/// Packets sent by each link.
fn sent_packets(namespace: &Namespace) -> Vec<(String, u64)> {
    let shown = namespace.ip(&["-s", "-j", "link"]).unwrap();
    let links: Vec<Value> = serde_json::from_str(&shown).unwrap();
    let sent = |link: &Value| {
        let packets = link["stats64"]["tx"]["packets"].as_u64().unwrap();
        (text(&link["ifname"]).to_owned(), packets)
    };
    links.iter().map(sent).collect()
}
