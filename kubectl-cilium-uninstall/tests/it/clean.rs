//! `--local`: what goes, what stays, and what is said of it.

use std::fs;
use std::process::Stdio;

use insta::assert_snapshot;

use crate::dirty::{Dirty, run};

/// Without what differs from run to run.
fn without_time(text: &str, dirty: &Dirty) -> String {
    let backups = dirty.backups();
    let text = text.replace(dirty.root().to_str().unwrap(), "ROOT");
    backups.iter().fold(text, |text, backup| text.replace(backup, "TIME"))
}

#[test]
fn a_dry_run_shows_the_plan_and_changes_nothing() {
    let Some(dirty) = Dirty::new("clean dry") else { return };
    let before = dirty.dump();
    let (code, out, err) = run(&mut dirty.clean(&["--dry-run"]));
    assert_eq!(code, Some(0), "{out}{err}");
    assert_eq!(dirty.dump(), before);
    assert_eq!(dirty.backups(), [""; 0]);
    assert_snapshot!("plan", out);
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");

    let (code, out, _) = run(&mut dirty.clean(&["--dry-run", "-o", "json"]));
    assert_eq!(code, Some(0));
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["host"], "node1");
    assert!(document["plan"]["items"].as_array().unwrap().len() > 10, "{document}");
    assert!(document.get("executed").is_none(), "{document}");
    let (_, yaml, _) = run(&mut dirty.clean(&["--dry-run", "-o", "yaml"]));
    assert!(yaml.starts_with("host: node1\n"), "{yaml}");
}

#[test]
fn what_is_ciliums_goes_and_all_else_stays() {
    let Some(dirty) = Dirty::new("clean yes") else { return };
    let (code, out, err) = run(&mut dirty.clean(&["--yes"]));
    assert_eq!(code, Some(0), "{out}{err}");
    let (_, report) = out.split_once("Backup:").unwrap();
    assert_snapshot!("cleaned", without_time(&format!("Backup:{report}"), &dirty));

    let left = dirty.dump();
    let kernel = &left["kernel"];
    for ours in ["cilium_", "CILIUM_PRE", "lookup 2004", "10.244.5.0"] {
        assert!(!kernel.contains(ours), "{ours}: {kernel}");
    }
    for theirs in
        ["lxcffffffffffff", "lxcfoo", "10.98.0.0/24", "10.9.9.9", "RKE2-CILIUM-FOO", "eth8"]
    {
        assert!(kernel.contains(theirs), "{theirs}: {kernel}");
    }
    let root = dirty.root();
    assert!(root.join("etc/cni/net.d/10-flannel.conflist").exists());
    assert!(!root.join("etc/cni/net.d/05-cilium.conflist").exists());
    assert!(!root.join("run/cilium").exists());

    // The backup is for root alone.
    let [backup] = &dirty.backups()[..] else { panic!("{:?}", dirty.backups()) };
    let modes = dirty
        .shell(&format!(
            "cd {}; find . -type d ! -perm 700; find . -type f ! -perm 600; ls {backup}",
            root.join("var/lib/kcilium").display()
        ))
        .unwrap();
    // The lock is empty.
    assert_eq!(
        modes.lines().filter(|line| line.starts_with("./") && *line != "./.lock").count(),
        0,
        "{modes}"
    );
    assert!(modes.contains("keepsake.json") && modes.contains("iptables-nft-save.txt"), "{modes}");

    let before = dirty.dump();
    let (code, out, err) = run(&mut dirty.clean(&["--yes"]));
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.ends_with("Nothing of Cilium's is left.\n"), "{out}");
    assert_eq!(dirty.dump(), before);
    assert_eq!(dirty.backups().len(), 1);
}

#[test]
fn programs_get_one_document() {
    let Some(dirty) = Dirty::new("clean json") else { return };
    let (code, out, err) = run(&mut dirty.clean(&["--yes", "-o", "json"]));
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["clean"], true);
    assert_eq!(document["executed"]["foreign"]["changes"], serde_json::json!([]));
    assert!(document["executed"]["steps"].as_array().unwrap().len() > 10);
}

#[test]
fn what_else_changes_meanwhile_is_shown() {
    let Some(dirty) = Dirty::new("clean foreign") else { return };
    let mut command = dirty.clean(&["--yes"]);
    dirty.instead_of_iptables(
        &mut command,
        "case \"$*\" in *-X*) $REAL -A OUTPUT -d 192.0.2.7 -j DROP; ip link set eth0 mtu 1400;; esac\n\
         exec $REAL \"$@\"",
    );
    let (code, out, err) = run(&mut command);
    assert_eq!(code, Some(1), "{out}{err}");
    let (_, changed) = out.split_once("Changed meanwhile").unwrap();
    assert!(changed.contains("link eth0: was veth index"), "{changed}");
    assert!(
        changed.contains("rule in IPv4 chain OUTPUT in filter (nft): new: -d 192.0.2.7/32 -j DROP"),
        "{changed}"
    );
    assert!(
        changed.contains("Nothing of Cilium's is left; 2 changes of something else."),
        "{changed}"
    );
}

#[test]
fn what_a_living_pod_needs_goes_only_by_force() {
    let Some(dirty) = Dirty::new("clean pods") else { return };
    let pod = dirty.lab().namespace("pod").unwrap();
    dirty
        .namespace()
        .ip_batch(&format!(
            "link add lxc0123456789ab type veth peer name eth0p\nlink set eth0p netns {}\n",
            pod.name()
        ))
        .unwrap();
    pod.ip_batch("link set eth0p name eth0\nlink set eth0 up\n").unwrap();
    dirty.namespace().ip_batch("link set lxc0123456789ab up\n").unwrap();
    dirty.write(
        "run/cilium/state/7/ep_config.json",
        r#"{"ID": 7, "IfName": "lxc0123456789ab", "K8sPodName": "web", "K8sNamespace": "shop"}"#,
    ).unwrap();
    let (code, out, err) = run(&mut dirty.clean(&["--yes"]));
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(out.contains("1 pod still lives on Cilium's network: shop/web."), "{out}");
    assert!(out.contains("Left by Cilium, and still in use:\n  link lxc0123456789ab"), "{out}");
    assert!(dirty.dump()["kernel"].contains("lxc0123456789ab"));

    let (code, out, err) = run(&mut dirty.clean(&["--yes", "--force-pods"]));
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("1 pod loses its network at once"), "{out}");
    assert!(out.contains("  kubectl delete pod -n shop web\n"), "{out}");
    assert!(!dirty.dump()["kernel"].contains("lxc0123456789ab"));
}

#[test]
fn a_reader_that_leaves_does_not_end_a_clean() {
    let Some(dirty) = Dirty::new("clean pipe") else { return };
    let mut command = dirty.clean(&["--yes"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let (code, out, _) = run(&mut dirty.clean(&["--dry-run"]));
    assert_eq!(code, Some(0));
    assert!(out.ends_with("Nothing of Cilium's is left.\n"), "{out}");
}

#[test]
fn nothing_is_taken_where_nothing_can_be_saved() {
    let Some(dirty) = Dirty::new("clean unsaved") else { return };
    let directory = dirty.root().join("var/lib/kcilium");
    let full = dirty.root().join("full");
    for made in [&directory, &full] {
        fs::create_dir_all(made).unwrap();
    }
    let before = dirty.dump();
    dirty.shell(&format!("chmod 777 {}", directory.display())).unwrap();
    let (code, _, err) = run(&mut dirty.clean(&["--yes"]));
    assert_eq!(code, Some(3), "{err}");
    assert!(err.contains("/var/lib/kcilium: other users can write into it"), "{err}");
    assert!(err.contains("--backup-dir"), "{err}");
    assert_eq!(dirty.dump(), before);

    // A directory that the plan takes, or that nobody finds again.
    for (directory, why) in [("/run/cilium/x", "it goes itself"), ("here", "begins with `/`")] {
        let (code, _, err) = run(&mut dirty.clean(&["--yes", "--backup-dir", directory]));
        assert_eq!(code, Some(2), "{err}");
        assert!(err.contains(why), "{err}");
    }
    assert_eq!(dirty.dump(), before);

    // A disk without room.
    let script =
        format!("mount -t tmpfs -o size=8k,mode=700 none {} && exec \"$@\"", full.display());
    let mut command = dirty.namespace().command("unshare");
    command.args(["-m", "sh", "-c", &script, "sh"]);
    command.arg(crate::dirty::PROGRAM).args(["--local", "--yes", "--backup-dir", "/full"]);
    let (code, _, err) = run(command.arg("--root").arg(dirty.root()));
    assert_eq!(code, Some(3), "{err}");
    assert!(err.contains("no space left"), "{err}");
    assert_eq!(dirty.dump(), before);
}

#[test]
fn an_agent_that_lives_is_in_the_way() {
    let Some(dirty) = Dirty::new("clean agent") else { return };
    dirty.write("proc/77/comm", "cilium-agent\n").unwrap();
    let before = dirty.dump();
    let (code, out, err) = run(&mut dirty.clean(&["--yes"]));
    assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
    assert_snapshot!("agent", err);
    // The plan may be read all the same.
    let (code, out, err) = run(&mut dirty.clean(&["--dry-run"]));
    assert_eq!(code, Some(1), "{err}");
    assert!(out.contains("things go from node1"), "{out}");
    assert_eq!(dirty.dump(), before);
}
