//! A dirty node, with everything that only looks dirty beside it.

use std::fs;
use std::process::Command;

use kcilium_core::leftovers::{Fate, Inventory, Remembered};
use kcilium_node::{HostRoot, read_leftovers};
use netlab::{DirtyNode, Lab, require_programs, require_root_netns};

use crate::clean::{granted, inventory};
use crate::inside::inside;

fn told(inventory: &Inventory) -> Vec<String> {
    let fate = |fate: &Fate| match fate {
        Fate::Remove => "remove",
        Fate::InUse { .. } => "in use",
        Fate::Doubtful { .. } => "doubtful",
    };
    inventory.items.iter().map(|item| format!("{} {}", fate(&item.fate), item.what)).collect()
}

#[test]
fn a_dirty_node_is_told_from_everything_that_looks_like_it() {
    if !granted() {
        return;
    }
    let mut node = DirtyNode::new("dirty").unwrap();
    node.decorate().unwrap();
    node.soil().unwrap();
    let inventory = inventory(&node);
    assert_eq!(inventory.unknown, []);
    insta::assert_snapshot!(told(&inventory).join("\n"));
}

#[test]
fn a_clean_node_has_nothing_and_its_modules_stay_unloaded() {
    if !require_root_netns() || !require_programs(&["iptables-nft"]) {
        return;
    }
    let lab = Lab::new("clean").unwrap();
    let node = lab.namespace("node").unwrap();
    fs::create_dir(lab.dir().join("root")).unwrap();
    let root = HostRoot::new(lab.dir().join("root"));
    let state = inside(&node, async || read_leftovers(&root, Remembered::default()).await);
    let inventory = Inventory::of(&state);
    assert_eq!(told(&inventory), [""; 0]);
    assert_eq!(inventory.unknown, []);
    let tables = node.command("cat").arg("/proc/net/ip_tables_names").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&tables.stdout), "");
}

/// `fq` itself is not in every kernel.
#[test]
fn qdiscs_and_settings_of_the_namespace_are_read() {
    if !require_root_netns() || !require_programs(&["tc"]) {
        return;
    }
    let lab = Lab::new("running").unwrap();
    let node = lab.namespace("node").unwrap();
    node.ip_batch(
        "link add eth0 numtxqueues 2 type veth peer name eth0q\nlink add br0 type bridge\n",
    )
    .unwrap();
    for arguments in [["dev", "eth0", "root", "mq"], ["dev", "eth0", "clsact", ""]] {
        let mut tc = node.command("tc");
        tc.args(["qdisc", "add"]).args(arguments.iter().filter(|word| !word.is_empty()));
        assert!(tc.status().unwrap().success());
    }
    node.sysctl("net.ipv4.fib_multipath_use_neigh", "1").unwrap();
    let root = HostRoot::new(lab.dir());
    let state = inside(&node, async || read_leftovers(&root, Remembered::default()).await);
    let qdiscs = state.qdiscs.items().iter();
    let of_eth0: Vec<&str> = qdiscs
        .filter(|qdisc| qdisc.link.as_str() == "eth0")
        .map(|qdisc| qdisc.kind.as_str())
        .collect();
    assert!(of_eth0.contains(&"mq") && !of_eth0.contains(&"clsact"), "{of_eth0:?}");
    assert_eq!(state.clsact.items(), ["eth0".into()]);
    let sysctls = state.sysctls.items().iter();
    let shown: Vec<String> =
        sysctls.map(|sysctl| format!("{} = {}", sysctl.key, sysctl.value)).collect();
    for setting in ["net.ipv4.fib_multipath_use_neigh = 1", "net.ipv4.conf.all.rp_filter = 0"] {
        assert!(shown.iter().any(|shown| shown == setting), "{setting}: {shown:?}");
    }
}

#[test]
fn without_tools_and_rights_much_is_unknown_and_nothing_fine() {
    if !require_root_netns() || !require_programs(&["setpriv", "unshare"]) {
        return;
    }
    // In a fresh process without capabilities: this test's own threads are root's.
    let program = std::env::current_exe().unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"])
        .arg(program)
        .args(["--exact", "--nocapture", "leftovers::unprivileged_reading"])
        .env("KCILIUM_UNPRIVILEGED", "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("unknown: BPF programs on lo"), "{text}");
}

#[test]
fn unprivileged_reading() {
    if std::env::var_os("KCILIUM_UNPRIVILEGED").is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let root = HostRoot::new("/nowhere");
    let state = runtime.block_on(read_leftovers(&root, Remembered::default()));
    for unknown in Inventory::of(&state).unknown {
        println!("unknown: {unknown}");
    }
}
