//! `verify --local`: what it says, and how it exits.

use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;
use netlab::{Lab, Namespace, require_programs, require_root_netns};

const PROGRAM: &str = env!("CARGO_BIN_EXE_kubectl-cilium_uninstall");

/// Exit code, standard output, standard error.
type Run = (Option<i32>, String, String);

fn run(mut command: Command) -> Run {
    let output = command.env("COLUMNS", "80").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn verify(node: &Namespace, root: &Path, arguments: &[&str]) -> Run {
    let mut command = node.command(PROGRAM);
    command.args(["verify", "--local", "--root"]).arg(root).args(arguments);
    run(command)
}

fn plain(arguments: &[&str]) -> Run {
    let mut command = Command::new(PROGRAM);
    command.args(arguments);
    run(command)
}

/// A namespace and an empty root.
fn node(lab: &Lab) -> (Namespace, std::path::PathBuf) {
    let node = lab.namespace("node").unwrap();
    let root = lab.dir().join("root");
    std::fs::create_dir(&root).unwrap();
    (node, root)
}

#[test]
fn help_tells_what_there_is() {
    assert_snapshot!("help", plain(&["--help"]).1);
    assert_snapshot!("help_verify", plain(&["verify", "--help"]).1);
    assert_snapshot!("help_undo", plain(&["undo", "--help"]).1);
}

#[test]
fn wrong_usage_is_2() {
    for arguments in [
        &["verify", "--pod-cidr", "10.244.0.0/16"][..],
        &["verify", "--local", "--pod-cidr", "x"],
        &["verify", "--local", "--root", "/nowhere"],
        &["clean"],
        &["restore", "/nowhere"],
        &["--scope", "cluster", "--restart-pods"],
        &["--parallel", "0"],
        &["--backup", "x", "--no-backup"],
        // What is for a cluster has no effect on a host, and is not taken for it.
        &["--local", "--dry-run", "--keep-crds"],
        &["--local", "--dry-run", "--backup", "here"],
        &["--local", "--dry-run", "--scope", "all"],
        &["--dry-run", "--pod-cidr", "10.0.0.0/8"],
    ] {
        assert_eq!(plain(arguments).0, Some(2), "{arguments:?}");
    }
}

#[test]
fn a_clean_node_is_0() {
    if !require_root_netns() || !require_programs(&["iptables-nft"]) {
        return;
    }
    let lab = Lab::new("verify clean").unwrap();
    let (node, root) = node(&lab);
    // A user's own: bridges and containers of LXC, and flannel.
    node.ip_batch(
        "link add lxcbr0 type bridge\n\
         link add lxcweb type veth peer name eth0web\n\
         link set lxcweb master lxcbr0\n\
         link add flannel.1 type vxlan id 1 dstport 8472 dev lo\n",
    )
    .unwrap();
    let (code, out, err) = verify(&node, &root, &[]);
    assert_eq!((code, out.as_str()), (Some(0), "Nothing of Cilium's is left.\n"), "{err}");
}

#[test]
fn residue_is_1_and_what_is_doubtful_alone_is_0() {
    if !require_root_netns() || !require_programs(&["iptables-nft"]) {
        return;
    }
    let lab = Lab::new("verify dirty").unwrap();
    let (node, root) = node(&lab);
    node.ip_batch("link add lxcffffffffffff type veth peer name eth0p\n").unwrap();
    let (code, out, _) = verify(&node, &root, &[]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("May be Cilium's or somebody else's:\n  link lxcffffffffffff"), "{out}");

    node.ip_batch(
        "link add cilium_host type veth peer name cilium_net\n\
         link add eth0 type veth peer name eth0q\n\
         addr add 10.24.0.2/24 dev eth0\n\
         link set eth0 up\n\
         route add 10.244.1.0/24 via 10.24.0.4 dev eth0 proto kernel\n\
         rule add pref 9 fwmark 0x200/0xf00 lookup 2004\n",
    )
    .unwrap();
    let cluster = ["--pod-cidr", "10.244.0.0/16", "--node-address", "10.24.0.4"];
    let (code, out, _) = verify(&node, &root, &cluster);
    assert_eq!(code, Some(1), "{out}");
    assert_snapshot!("dirty", out);

    let (code, out, _) = verify(&node, &root, &["-o", "json"]);
    assert_eq!(code, Some(1));
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["clean"], false);
    // Without the cluster's addresses the route may be anybody's.
    let items = document["items"].as_array().unwrap();
    let route = items.iter().find(|item| item["what"].get("route").is_some()).unwrap();
    assert!(route["fate"].get("doubtful").is_some(), "{route}");
}

#[test]
fn without_rights_nothing_is_fine() {
    if !require_root_netns() || !require_programs(&["setpriv"]) {
        return;
    }
    let lab = Lab::new("verify unprivileged").unwrap();
    let node = lab.namespace("node").unwrap();
    // Where the other user may look.
    let root = tempfile::tempdir().unwrap();
    let mut permissions = root.path().metadata().unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    std::fs::set_permissions(root.path(), permissions).unwrap();
    let program = root.path().join("program");
    std::fs::copy(PROGRAM, &program).unwrap();
    let mut command = node.command("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"])
        .arg(&program)
        .args(["verify", "--local", "--root"])
        .arg(root.path());
    let (code, out, err) = run(command);
    assert_eq!(code, Some(3), "{out}{err}");
    assert!(out.contains("Not looked at:\n"), "{out}");
    assert!(out.ends_with("Nothing was found, but not everything could be looked at.\n"), "{out}");
}
