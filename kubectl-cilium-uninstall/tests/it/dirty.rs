//! A small node that Cilium left, with things of others beside what it left.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use netlab::{
    DIRTY_NODE_PROGRAMS, DirtyNode, Piece, require_bpf, require_programs, require_root_netns,
};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_kubectl-cilium_uninstall");

const LINKS: &str = "\
link add cilium_host type veth peer name cilium_net
link add cilium_vxlan type vxlan external dstport 8472
link add lxcffffffffffff type veth peer name eth1p
link add lxcbr0 type bridge
link add lxcfoo type veth peer name vx
link set lxcfoo master lxcbr0
link add eth0 type veth peer name eth0q
addr add 10.24.0.2/24 dev eth0
link set lo up
link set eth0 up
link set eth0q up
link set cilium_host up
link set cilium_net up
addr add 10.244.0.120/32 dev cilium_host
route add 10.244.5.0/24 via 10.24.0.4 dev eth0 proto kernel
route add 10.98.0.0/24 via 10.24.0.4 dev eth0 proto static
route add local default dev lo table 2004
rule add pref 9 fwmark 0x200/0xf00 lookup 2004
rule add pref 100 lookup local
rule del pref 0
rule add pref 110 from 10.9.9.9 lookup 42
";

const CHAINS: &str = r#"
iptables-nft -t mangle -N CILIUM_PRE_mangle
iptables-nft -t mangle -A PREROUTING -i eth7 -j ACCEPT
iptables-nft -t mangle -A PREROUTING -m comment --comment "cilium-feeder: CILIUM_PRE_mangle" -j CILIUM_PRE_mangle
iptables-nft -t mangle -A PREROUTING -i eth8 -j ACCEPT
iptables-nft -t mangle -A CILIUM_PRE_mangle -p tcp -m mark --mark 0xd5a90200 -m comment --comment "cilium: to the proxy" -j ACCEPT
iptables-nft -t filter -N RKE2-CILIUM-FOO
iptables-nft -t filter -A RKE2-CILIUM-FOO -s 192.0.2.0/24 -j DROP
"#;

const CILIUM: &str =
    r#"{"cniVersion": "0.3.1", "name": "cilium", "plugins": [{"type": "cilium-cni"}]}"#;
const FLANNEL: &str =
    r#"{"cniVersion": "0.3.1", "name": "cbr0", "plugins": [{"type": "flannel"}]}"#;

/// Files of the host.
const FILES: [(&str, &str); 8] = [
    ("etc/hostname", "node1\n"),
    ("etc/cni/net.d/05-cilium.conflist", CILIUM),
    ("etc/cni/net.d/10-flannel.conflist.cilium_bak", FLANNEL),
    ("etc/sysctl.d/99-zzz-override_cilium.conf", "\n# Cilium\nnet.ipv4.conf.all.rp_filter = 0\n"),
    ("etc/sysctl.d/10-mine.conf", "vm.swappiness = 1\n"),
    ("opt/cni/bin/flannel", "\u{7f}ELF"),
    ("opt/cni/bin/cilium-cni", "\u{7f}ELF"),
    ("run/cilium/state/x", "y"),
];

/// Exit code, standard output, standard error.
pub(crate) type Run = (Option<i32>, String, String);

pub(crate) fn run(command: &mut Command) -> Run {
    let output = command.env("COLUMNS", "80").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The node.
pub(crate) struct Dirty(DirtyNode);

impl std::ops::Deref for Dirty {
    type Target = DirtyNode;

    fn deref(&self) -> &DirtyNode {
        &self.0
    }
}

impl Dirty {
    /// None where this machine cannot have such a node.
    pub(crate) fn new(label: &str) -> Option<Self> {
        if !require_root_netns() || !require_bpf() || !require_programs(&DIRTY_NODE_PROGRAMS) {
            return None;
        }
        let node = DirtyNode::new(label).unwrap();
        // Addresses that come a second after their link would be taken for changes.
        node.namespace().trust_addresses().unwrap();
        node.namespace().ip_batch(LINKS).unwrap();
        node.shell(CHAINS).unwrap();
        for (path, text) in FILES {
            node.write(path, text).unwrap();
        }
        let owned = node.root().join("etc/cni/net.d/05-cilium.conflist");
        fs::set_permissions(&owned, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::chown(&owned, Some(0), Some(12)).unwrap();
        Some(Self(node))
    }

    /// Puts more of Cilium's on it.
    pub(crate) fn put_named(&self, names: &[&str]) {
        for (number, name) in (1..).zip(names) {
            let piece = Piece::OF_CILIUM.iter().find(|piece| piece.name == *name);
            self.put(&[*piece.unwrap_or_else(|| panic!("{name}"))], number).unwrap();
        }
    }

    /// The program on this node, with what the cluster's nodes are.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.namespace().command(PROGRAM);
        command.args(arguments).arg("--root").arg(self.root());
        command
    }

    /// Takes away, with what is known of the cluster.
    pub(crate) fn clean(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&["--local", "--pod-cidr", "10.244.0.0/16"]);
        command.args(["--node-address", "10.24.0.4"]).args(arguments);
        command
    }

    /// Has a shell script run instead of `iptables-nft`; it finds the real one in `$REAL`.
    pub(crate) fn instead_of_iptables(&self, command: &mut Command, script: &str) {
        let directory = self.lab().dir().join("programs");
        fs::create_dir_all(&directory).unwrap();
        let program = directory.join("iptables-nft");
        let real = self.shell("command -v iptables-nft").unwrap();
        fs::write(&program, format!("#!/bin/sh\nREAL={}\n{script}\n", real.trim())).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", directory.display()));
    }

    /// Everything that there is, but for backups: the network as `kernel`, and files.
    pub(crate) fn dump(&self) -> BTreeMap<String, String> {
        let mut dump = self.files().unwrap();
        dump.insert("kernel".to_owned(), self.network().unwrap());
        dump
    }

    /// Directories of backups.
    pub(crate) fn backups(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.root().join("var/lib/kcilium")) else {
            return Vec::new();
        };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !name.starts_with('.')).collect()
    }
}
