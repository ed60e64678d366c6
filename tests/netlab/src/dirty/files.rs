//! CNI, the agent's directories, mounts, configuration.

use std::fs;
use std::os::unix::fs::symlink;

use anyhow::Result;

use super::DirtyNode;
use crate::bpf::BpfFiles;

const CILIUM: &str = r#"{"name":"cilium","plugins":[{"type":"cilium-cni"}]}"#;
const FLANNEL: &str = r#"{"name":"cbr0","plugins":[{"type":"flannel"}]}"#;
const ABSENT: &str = r#"{"name":"a","plugins":[{"type":"absent"}]}"#;
const CHAIN: &str = r#"{"name":"c","plugins":[{"type":"ptp"},{"type":"cilium-cni"}]}"#;

/// What the init container writes, in all versions.
const SYSCTLS: &str = "
# Disable rp_filter on Cilium interfaces since it may cause mangled packets to be dropped
-net.ipv4.conf.lxc*.rp_filter = 0
-net.ipv4.conf.cilium_*.rp_filter = 0
# The kernel uses max(conf.all, conf.{dev}) as its value, so we need to set .all. to 0 as well.
# Otherwise it will overrule the device specific settings.
net.ipv4.conf.all.rp_filter = 0
";

impl DirtyNode {
    pub(super) fn decorate_files(&self) -> Result<()> {
        let id = "f".repeat(64);
        for (path, text) in [
            // Cilium set it aside, and gives it back.
            ("etc/cni/net.d/10-flannel.conflist", FLANNEL),
            ("etc/cni/net.d/20-bridge.conflist", FLANNEL),
            ("etc/cni/net.d/20-bridge.conflist.cilium_bak", FLANNEL),
            ("etc/cni/net.d/30-broken.conf.cilium_bak", "{"),
            ("etc/cni/net.d/40-absent.conflist.cilium_bak", ABSENT),
            ("etc/cni/net.d/50-chain.conflist", CHAIN),
            ("etc/cni/net.d/cilium.txt", "notes\n"),
            ("etc/cni/net.d/99-old.conf.bak", FLANNEL),
            ("opt/cni/bin/flannel", ""),
            ("opt/cni/bin/loopback", ""),
            (&format!("var/lib/cni/results/cbr0-{id}-eth0"), "{}"),
            ("var/lib/cni/results/cilium-notes", "{}"),
            ("etc/sysctl.d/99-sysctl.conf", "net.ipv4.ip_forward = 1\n"),
            (
                "etc/sysctl.d/99-override_cilium_rp_filter.conf",
                "net.ipv4.conf.lxc*.rp_filter = 0\nnet.ipv4.ip_forward = 1\n",
            ),
            ("usr/lib/systemd/system/sys-fs-bpf.mount", "[Unit]\nDescription=BPF\n"),
            ("etc/systemd/system/local-fs.target.wants/other", ""),
            ("run/netns/mine", ""),
            ("run/spire/sockets/agent.sock", ""),
            ("srv/data/precious", "kept\n"),
            ("var/lib/precious", "kept\n"),
            ("tmp/cilium-notes", "kept\n"),
        ] {
            self.write(path, text)?;
        }
        Ok(())
    }

    pub(super) fn soil_files(&mut self) -> Result<()> {
        let id = "0".repeat(64);
        let directory = self.root.join("etc/cni/net.d");
        let flannel = directory.join("10-flannel.conflist");
        fs::rename(&flannel, directory.join("10-flannel.conflist.cilium_bak"))?;
        for (path, text) in [
            ("etc/cni/net.d/05-cilium.conflist", CILIUM),
            ("etc/cni/net.d/05-cilium.conf.cilium_bak", r#"{"name":"cilium","type":"cilium-cni"}"#),
            ("opt/cni/bin/cilium-cni", ""),
            ("opt/cni/bin/.cilium-cni.new", ""),
            (&format!("var/lib/cni/results/cilium-{id}-eth0"), "{}"),
            ("etc/sysctl.d/99-zzz-override_cilium.conf", SYSCTLS),
            ("etc/systemd/system/sys-fs-bpf.mount", "[Unit]\nDescription=Cilium BPF mounts\n"),
            ("run/netns/cilium-health", ""),
            ("run/cilium/cilium.pid", "1\n"),
            ("run/cilium/state/184/ep_config.json", r#"{"IfName":"lxc000000000001"}"#),
            ("run/cilium/state/globals/node_config.h", "\n"),
            ("var/lib/cilium/bpf/bpf_lxc.c", "\n"),
            ("tmp/cilium-bootstrap.d/cilium-bootstrap-time", "\n"),
            ("tmp/node-init.cilium.io", "\n"),
        ] {
            self.write(path, text)?;
        }
        // Neither leads out of the directory.
        symlink(self.root.join("srv/data"), self.root.join("run/cilium/state/data"))?;
        symlink("../../../var/lib/precious", self.root.join("run/cilium/state/precious"))?;
        let wants = self.root.join("etc/systemd/system/local-fs.target.wants");
        symlink("/etc/systemd/system/sys-fs-bpf.mount", wants.join("sys-fs-bpf.mount"))?;
        self.cgroup.bind(&self.root.join("run/cilium/cgroupv2"))?;
        self.mounted.push(BpfFiles::mount(&self.root.join("run/cilium/bpffs"))?);
        Ok(())
    }
}
