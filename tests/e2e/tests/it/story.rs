//! The story of the README, as `make demo` tells it.

use std::{fs, process::Command};

use netlab::{require_programs, require_root_netns};
use tempfile::TempDir;

use crate::program;

/// What is told, in this order.
const TOLD: [&str; 9] = [
    "dev cilium_host",
    "CONFIRMED C-CLASH",
    "confirmed  C-CLASH",
    "error CFG-03",
    "from ConfigMap kube-system/kubeadm-config",
    "P6      clean node node3 of all that is certainly Cilium's",
    "Nothing of Cilium's is left in the API of this cluster.",
    "3 of 3 nodes are clean.",
    "10.0.0.1 dev eth0",
];

#[test]
fn the_homelab_is_diagnosed_rendered_and_cleaned() {
    if !require_root_netns() || !require_programs(&["ip", "ping"]) {
        return;
    }
    let place = TempDir::new().unwrap();
    // As on a terminal: what is told beside the reports is a part of the story.
    let mut demo = Command::new("sh");
    demo.args(["-c", "exec \"$0\" 2>&1"]).arg(program::demo()).env("TMPDIR", place.path());
    let output = demo.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let mut rest = &*said;
    for words in TOLD {
        let (_, after) = rest.split_once(words).unwrap_or_else(|| panic!("{words}: {rest}"));
        rest = after;
    }
    assert!(rest.contains(" 0% packet loss"), "{rest}");
    let left: Vec<_> = fs::read_dir(place.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
