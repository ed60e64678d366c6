//! Users who are not root.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use netlab::{Homelab, Node, require_programs, require_root_netns, seed_node};

use crate::doctor::Run;
use crate::program;
use crate::report::says;

const NOBODY: &str = "65534";

fn is_possible() -> bool {
    require_root_netns() && require_programs(&["setpriv"])
}

/// Lets everybody into the lab's files, and puts the doctor there: the target folder may be where
/// only its owner goes.
fn open_to_all(home: &Homelab) -> PathBuf {
    let dir = home.lab().dir();
    fs::set_permissions(dir, Permissions::from_mode(0o755)).unwrap();
    let doctor = dir.join("doctor");
    fs::copy(program::doctor(), &doctor).unwrap();
    doctor
}

/// Nobody looks at a node.
fn as_nobody(doctor: &PathBuf, node: &Node, arguments: &[&str]) -> Run {
    let mut command: Command = node.namespace().command("setpriv");
    command
        .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--no-new-privs", "--"])
        .arg(doctor)
        .arg("--local")
        .arg("--root")
        .arg(node.root())
        .args(arguments);
    Run::of(&mut command)
}

#[test]
fn nobody_sees_the_clash_too() {
    if !is_possible() {
        return;
    }
    let home = seed_node("nobody").unwrap();
    let doctor = open_to_all(&home);
    let node = home.node("node1").unwrap();
    let report = as_nobody(&doctor, node, &["-o", "json"]).report();
    assert_eq!(report.code, Some(1));
    assert_eq!(report.verdicts(), ["confirmed C-CLASH"]);
    let chain = report.chain("C-CLASH");
    assert!(says(&chain, &["10.0.0.1 leaves", "cilium_host", "kernel route lookup"]), "{chain:#?}");
}

#[test]
fn nobody_is_told_what_could_not_be_read() {
    if !is_possible() {
        return;
    }
    let home = seed_node("forbidden").unwrap();
    let doctor = open_to_all(&home);
    let node = home.node("node1").unwrap();
    // As kubeadm and Cilium leave it: for root alone.
    let closed = ["etc/cni/net.d", "etc/resolv.conf"];
    for path in closed {
        fs::set_permissions(node.root().join(path), Permissions::from_mode(0o000)).unwrap();
    }
    let snapshot = as_nobody(&doctor, node, &["-o", "json"]);
    let report = snapshot.report();
    assert_eq!(report.verdicts(), ["confirmed C-CLASH"], "the routes are for everybody to read");
    let unknown = report.unknown();
    assert!(says(&unknown, &["resolv.conf", "ermission denied"]), "{unknown:#?}");

    let text = as_nobody(&doctor, node, &["-o", "wide"]);
    assert!(text.stdout.contains("Not known, so not judged"), "{}", text.stdout);
    assert!(text.stdout.contains("ermission denied"), "{}", text.stdout);
    let strict = as_nobody(&doctor, node, &["--fail-on", "unknown"]);
    assert_eq!(strict.code, Some(1));
}
