//! The host's CNI directory, as the container sees it.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use kcilium_core::facts::{Fact, UnavailableKind};

use crate::node::{Node, missing};

#[test]
fn files_are_listed_as_the_host_would() {
    let node = Node::new();
    let cni = |name: &str| node.path("cni").join(name);
    node.cni("20-b.conf", r#"{"name": "b", "type": "bridge"}"#);
    node.cni("10-a.conflist", "{");
    node.cni(".hidden.json", r#"{"name": "h", "type": "loopback"}"#);
    node.cni("README", "not read");
    node.cni("30-it's \"odd\" $(x)\n.conf", r#"{"name": "odd", "type": "ptp"}"#);
    node.cni("40-large.conf", &" ".repeat(1024 * 1024 + 1));
    fs::create_dir(cni("50-folder.conf")).unwrap();
    symlink("20-b.conf", cni("60-link.conf")).unwrap();
    let fifo = Command::new("mkfifo").arg(cni("70-fifo.conf")).status().unwrap();
    assert!(fifo.success());
    let facts = node.facts();
    let files: Vec<(&str, Option<&str>)> = facts
        .cni_files
        .get()
        .unwrap()
        .iter()
        .map(|file| (&*file.name, file.broken.as_deref()))
        .collect();
    assert_eq!(
        files,
        [
            (".hidden.json", None),
            ("10-a.conflist", Some("EOF while parsing an object at line 1 column 1")),
            ("20-b.conf", None),
            ("30-it's \"odd\" $(x)\n.conf", None),
            ("40-large.conf", Some("larger than 1048576 bytes")),
            ("60-link.conf", None),
            ("70-fifo.conf", Some("not a regular file")),
        ]
    );
}

#[test]
fn what_a_link_leads_to_on_the_host_is_not_guessed() {
    let node = Node::new();
    symlink("/etc/hostname", node.path("cni/80-out.conf")).unwrap();
    let facts = node.facts();
    assert!(missing(&facts.cni_files).why.contains("leads out of the directory"));
}

#[test]
fn a_missing_directory_is_not_an_empty_one() {
    let node = Node::new();
    assert_eq!(node.facts().cni_files, Fact::Known(Vec::new()));
    fs::remove_dir_all(node.path("cni")).unwrap();
    assert_eq!(missing(&node.facts().cni_files).kind, UnavailableKind::Absent);
}

#[test]
fn a_directory_full_of_files_is_nobody_s_configuration() {
    let node = Node::new();
    for number in 0..101 {
        node.cni(&format!("{number}.conf"), "{}");
    }
    assert_eq!(missing(&node.facts().cni_files).why, "more than 100 files");
}
