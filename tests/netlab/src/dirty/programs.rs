//! BPF programs by tc, by tcx and on the cgroup, and what is pinned.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::fd::{AsFd as _, OwnedFd};
use std::thread;

use anyhow::{Context as _, Result, anyhow};
use kcilium_bpf::AttachType;
use kcilium_bpf::load::{Kind, attach, link_cgroup, link_interface, map, pin, program};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::DirtyNode;

impl DirtyNode {
    pub(super) fn decorate_programs(&self) -> Result<()> {
        let bpf = self.files.path();
        for directory in ["tc/globals", "tetragon", "calico", "ip"] {
            fs::create_dir_all(bpf.join(directory))?;
        }
        let theirs = map("tg_execve_map")?;
        pin(theirs.as_fd(), &bpf.join("tc/globals/other_map"))?;
        pin(theirs.as_fd(), &bpf.join("tetragon/execve"))?;
        let classifier = program("calico_from_hos", Kind::Classifier, &[theirs.as_fd()])?;
        let path = bpf.join("calico/from_host");
        pin(classifier.as_fd(), &path)?;
        self.shell(&format!(
            "tc qdisc add dev eth0 clsact
             tc qdisc add dev docker0 clsact
             tc qdisc add dev flannel.1 clsact
             tc filter add dev eth0 ingress pref 2 bpf da object-pinned {}
             tc filter add dev flannel.1 egress pref 1 protocol ip u32 match u32 0 0",
            path.display()
        ))?;
        self.link("eth0", &classifier, AttachType::TcxEgress, "calico/link")?;
        let kind = AttachType::CgroupInet4Connect;
        let program = program("sd_fw_connect", Kind::CgroupAddress(kind), &[])?;
        attach(File::open(self.cgroup.path())?.as_fd(), &program, kind)?;
        Ok(())
    }

    pub(super) fn soil_programs(&self) -> Result<()> {
        let bpf = self.files.path();
        let ipcache = map("cilium_ipcache")?;
        pin(ipcache.as_fd(), &bpf.join("tc/globals/cilium_ipcache"))?;
        pin(map("cilium_ct4_glob")?.as_fd(), &bpf.join("tc/globals/cilium_ct4_global"))?;
        let load = |name| program(name, Kind::Classifier, &[ipcache.as_fd()]);
        // By its name; by its maps, as those of 1.12.
        let (new, old) = (load("cil_from_netdev")?, load("handle_xgress")?);
        pin(new.as_fd(), &bpf.join("new"))?;
        pin(old.as_fd(), &bpf.join("old"))?;
        let mut script = String::new();
        for link in ["cilium_host", "lxc0123456789ab"] {
            writeln!(script, "tc qdisc add dev {link} clsact")?;
        }
        for (link, direction, object) in [
            ("eth0", "ingress", "new"),
            ("eth0", "egress", "old"),
            ("cilium_host", "ingress", "new"),
            ("lxc0123456789ab", "ingress", "old"),
        ] {
            let place = format!("dev {link} {direction} pref 1");
            let object = bpf.join(object);
            writeln!(script, "tc filter add {place} bpf da object-pinned {}", object.display())?;
        }
        self.shell(&script)?;
        fs::remove_file(bpf.join("new"))?;
        fs::remove_file(bpf.join("old"))?;
        for directory in ["devices/eth0/links", "endpoints/184/links", "socketlb/links/cgroup"] {
            fs::create_dir_all(bpf.join("cilium").join(directory))?;
        }
        let at = "cilium/devices/eth0/links/cil_from_netdev";
        self.link("eth0", &new, AttachType::TcxEgress, at)?;
        // As 1.15 and later attach it, where netlink cannot take it off.
        let entry = program("cil_xdp_entry", Kind::Xdp, &[ipcache.as_fd()])?;
        let at = "cilium/devices/eth0/links/cil_xdp_entry";
        self.link("eth0", &entry, AttachType::Xdp, at)?;
        let cgroup = File::open(self.cgroup.path())?;
        let kind = AttachType::CgroupInet4Connect;
        let connect = program("cil_sock4_conne", Kind::CgroupAddress(kind), &[])?;
        attach(cgroup.as_fd(), &connect, kind)?;
        // One that only a pin holds.
        let kind = AttachType::CgroupUdp4Sendmsg;
        let sendmsg = program("cil_sock4_sendm", Kind::CgroupAddress(kind), &[])?;
        let link = link_cgroup(cgroup.as_fd(), &sendmsg, kind)?;
        pin(link.as_fd(), &bpf.join("cilium/socketlb/links/cgroup/cil_sock4_sendmsg"))?;
        Ok(())
    }

    /// Attaches a program to an interface with a link, and pins that.
    fn link(&self, link: &str, program: &OwnedFd, kind: AttachType, at: &str) -> Result<()> {
        let shown = self.namespace.ip(&["-o", "link", "show", link])?;
        let index = shown.split(':').next().unwrap_or_default().trim().parse()?;
        let namespace = File::open(format!("/run/netns/{}", self.namespace.name()))?;
        let at = self.files.path().join(at);
        let attach = || -> Result<()> {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
            pin(link_interface(index, program, kind)?.as_fd(), &at)?;
            Ok(())
        };
        // The thread never comes back from there.
        thread::scope(|scope| {
            let joined = scope.spawn(attach).join();
            joined.map_err(|_| anyhow!("the thread in the namespace panicked"))?
        })
        .with_context(|| format!("a program on {link}"))
    }
}
