//! `undo`: what comes back, and what is left as it is.

use std::fs;
use std::process::Stdio;

use insta::assert_snapshot;

use crate::dirty::{Dirty, run};

/// A node that was cleaned, and its backup.
fn cleaned(label: &str) -> Option<(Dirty, String)> {
    let dirty = Dirty::new(label)?;
    let (code, out, err) = run(&mut dirty.clean(&["--yes"]));
    assert_eq!(code, Some(0), "{out}{err}");
    let backup = format!("/var/lib/kcilium/{}", dirty.backups()[0]);
    Some((dirty, backup))
}

#[test]
fn files_and_rules_come_back() {
    let Some(dirty) = Dirty::new("undo") else { return };
    let before = dirty.dump();
    let (code, out, err) = run(&mut dirty.clean(&["--yes"]));
    assert_eq!(code, Some(0), "{out}{err}");
    let backup = format!("/var/lib/kcilium/{}", dirty.backups()[0]);
    let cleaned = dirty.dump();
    let undo = |arguments: &[&str]| {
        let mut command = dirty.command(&["undo", &backup, "--local"]);
        run(command.args(arguments).stdin(Stdio::null()))
    };
    let (code, planned, err) = undo(&["--dry-run"]);
    assert_eq!(code, Some(0), "{planned}{err}");
    assert_snapshot!("undo_planned", planned);
    let (code, out, err) = undo(&[]);
    assert_eq!((code, out), (Some(2), planned), "{err}");
    assert_eq!(dirty.dump(), cleaned);

    let (code, out, err) = undo(&["--yes"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert_snapshot!("undone", out);
    let after = dirty.dump();
    for (path, text) in &before {
        let made_by_cilium = path.contains("run/cilium/") || path.ends_with("/cilium-cni");
        if path != "kernel" && !made_by_cilium {
            assert_eq!(after.get(path), Some(text), "{path}");
        }
    }
    assert!(!dirty.root().join("etc/cni/net.d/10-flannel.conflist").exists());
    let tables = |dump: &str| dump[dump.find("*mangle").unwrap()..].to_owned();
    assert_eq!(tables(&after["kernel"]), tables(&before["kernel"]));
    for line in ["lookup 2004", "10.244.5.0/24 via 10.24.0.4 dev eth0 proto kernel"] {
        assert!(after["kernel"].contains(line), "{line}: {}", after["kernel"]);
    }

    let (code, out, _) = undo(&["--yes"]);
    assert_eq!(code, Some(0));
    assert!(out.ends_with("Everything that can be put back is there.\n"), "{out}");
    assert_eq!(dirty.dump(), after);
}

/// What can be put back of a network, as it is printed.
const PUT_BACK: &str = "\
ip -6 rule | grep -v 'lookup local'
ip rule | grep -v 'lookup local'
ip route show table 11; ip route show table 2004; ip -6 route show table 2004
ipset save
for save in iptables-legacy-save ip6tables-nft-save iptables-nft-save; do
  $save | sed -E '/^#/d; s/ \\[[0-9:]+\\]$//'
done
";

#[test]
fn both_families_both_backends_and_sets_with_members_come_back() {
    let Some(dirty) = Dirty::new("undo families") else { return };
    dirty.put_named(&[
        "way to the proxy, IPv6",
        "rules from the proxy",
        "rules of encryption",
        "table of pods",
        "chains of IPv6",
        "chains of legacy",
        "feeders there twice",
        "sets",
    ]);
    let before = dirty.shell(PUT_BACK).unwrap();
    for there in ["add cilium_node_set_v6 2001:db8::4", "match-set", "0xb00/0xf00"] {
        assert!(before.contains(there), "{there}: {before}");
    }
    let (code, out, err) = run(&mut dirty.clean(&["--yes"]));
    assert_eq!(code, Some(0), "{out}{err}");
    let cleaned = dirty.shell(PUT_BACK).unwrap();
    for gone in ["cilium", ":CILIUM", "lookup 200", "lookup 11"] {
        assert!(!cleaned.contains(gone), "{gone}: {cleaned}");
    }
    let backup = format!("/var/lib/kcilium/{}", dirty.backups()[0]);
    let (code, out, err) = run(&mut dirty.command(&["undo", &backup, "--local", "--yes"]));
    assert_eq!(code, Some(0), "{out}{err}");
    assert_eq!(dirty.shell(PUT_BACK).unwrap(), before);
}

#[test]
fn what_others_did_since_stays() {
    let Some((dirty, backup)) = cleaned("undo others") else { return };
    dirty.write("etc/cni/net.d/05-cilium.conflist", "mine").unwrap();
    dirty.write("etc/cni/net.d/10-flannel.conflist", "changed").unwrap();
    dirty
        .shell(
            "iptables-nft -t mangle -N CILIUM_PRE_mangle\n\
         iptables-nft -t mangle -A CILIUM_PRE_mangle -s 192.0.2.1 -j DROP\n\
         iptables-nft -t mangle -D PREROUTING -i eth7 -j ACCEPT",
        )
        .unwrap();
    let (code, out, err) = run(&mut dirty.command(&["undo", &backup, "--local", "--yes"]));
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("left: there is another file of that name now:"), "{out}");
    assert!(out.contains("left: there is a chain of that name with other rules:"), "{out}");
    let read = |path: &str| fs::read_to_string(dirty.root().join(path)).unwrap();
    assert_eq!(read("etc/cni/net.d/05-cilium.conflist"), "mine");
    assert_eq!(read("etc/cni/net.d/10-flannel.conflist"), "changed");
    assert!(read("etc/cni/net.d/10-flannel.conflist.cilium_bak").contains("flannel"));
    let rules = dirty.shell("iptables-nft -t mangle -S").unwrap();
    assert!(rules.contains("-A CILIUM_PRE_mangle -s 192.0.2.1/32 -j DROP"), "{rules}");
    let (feeder, other) = (rules.find("cilium-feeder").unwrap(), rules.find("eth8").unwrap());
    assert!(feeder < other, "{rules}");
}

#[test]
fn half_a_rule_does_not_come_back() {
    let Some(dirty) = Dirty::new("undo half") else { return };
    // What is left of `-m socket --transparent` in an iptables that does not know it.
    dirty
        .shell("iptables-nft -t mangle -A CILIUM_PRE_mangle -j MARK --set-xmark 0x200/0xffffffff")
        .unwrap();
    let (code, out, err) = run(&mut dirty.clean(&["--yes"]));
    assert_eq!(code, Some(0), "{out}{err}");
    let backup = format!("/var/lib/kcilium/{}", dirty.backups()[0]);
    let (code, out, err) = run(&mut dirty.command(&["undo", &backup, "--local", "--yes"]));
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("would take all packets of this host"), "{out}");
    let kernel = &dirty.dump()["kernel"];
    assert!(!kernel.contains("CILIUM_PRE_mangle"), "{kernel}");
    assert!(kernel.contains("lookup 2004"), "{kernel}");
}

#[test]
fn what_is_no_backup_is_not_used() {
    let Some((dirty, backup)) = cleaned("undo none") else { return };
    let before = dirty.dump();
    let undo = |backup: &str| run(&mut dirty.command(&["undo", backup, "--local", "--yes"]));
    let (code, _, err) = undo("/var/lib/none");
    assert_eq!(code, Some(3), "{err}");
    assert!(err.contains("/var/lib/none/keepsake.json"), "{err}");

    let keepsake = dirty.root().join(&backup[1..]).join("keepsake.json");
    let text = fs::read_to_string(&keepsake).unwrap();
    fs::write(&keepsake, text.replace("\"host\":\"node1\"", "\"host\":\"node2\"")).unwrap();
    let (code, _, err) = undo(&backup);
    assert_eq!(code, Some(3), "{err}");
    assert!(err.contains("is of the host node2, and this is node1"), "{err}");

    fs::write(&keepsake, &text[..text.len() / 2]).unwrap();
    let (code, _, err) = undo(&backup);
    assert_eq!(code, Some(3), "{err}");
    assert!(err.contains("no backup that can be read"), "{err}");
    assert_eq!(dirty.dump(), before);
}
