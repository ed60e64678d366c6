//! A dirty node, with everything that only looks dirty beside it.

use std::fs;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::Command;

use kcilium_bpf::AttachType;
use kcilium_bpf::load::{Kind, attach, link_cgroup, link_interface, map, pin, program};
use kcilium_core::leftovers::{Fate, HostState, Inventory, Remembered};
use kcilium_node::{HostRoot, read_leftovers};
use netlab::{BpfFiles, Cgroup, Lab, Namespace, require_bpf, require_programs, require_root_netns};

use crate::inside::{inside, ip_batch_v6};

/// What Cilium leaves, and what others have: the user's own container of LXC, flannel, Calico.
const LINKS: &str = "\
link add cilium_host type veth peer name cilium_net
link add cilium_vxlan type vxlan external dstport 8472
link add lxc0123456789ab type veth peer name eth0p
link add lxcffffffffffff type veth peer name eth1p
link add lxcbr0 type bridge
link add lxcfoo type veth peer name vx
link set lxcfoo master lxcbr0
link add lxcaaaaaaaaaaaa type veth peer name vy
link set lxcaaaaaaaaaaaa master lxcbr0
link add docker0 type bridge
link add flannel.1 type vxlan id 1 dstport 8473 dev lo
link add cali0123456789a type veth peer name vz
link add eth0 type veth peer name eth0q
addr add 10.24.0.2/24 dev eth0
link set eth0 up
link set eth0q up
link set cilium_host up
link set cilium_net up
addr add 10.244.0.120/32 dev cilium_host
route add 10.244.0.120 dev cilium_host proto kernel scope link
route add 10.244.5.0/24 via 10.24.0.4 dev eth0 proto kernel
route add 10.99.0.0/24 via 10.24.0.4 dev eth0 proto kernel
route add 10.98.0.0/24 via 10.24.0.4 dev eth0 proto static
route add local default dev lo table 2004
rule add pref 9 fwmark 0x200/0xf00 lookup 2004
rule add pref 100 lookup local
rule del pref 0
rule add pref 110 from 10.9.9.9 lookup 42
rule add pref 5210 fwmark 0x80000/0xff0000 lookup main
neigh add 10.24.0.4 lladdr 02:00:00:00:00:04 dev eth0 extern_learn
neigh add 10.24.0.9 lladdr 02:00:00:00:00:09 dev eth0 nud permanent
";

/// Chains of Cilium's, and of others with names that are close.
const CHAINS: &str = r#"
for family in iptables ip6tables; do
  $family-nft -t mangle -N CILIUM_PRE_mangle
  $family-nft -t mangle -A PREROUTING -m comment --comment "cilium-feeder: CILIUM_PRE_mangle" -j CILIUM_PRE_mangle
done
iptables-nft -t filter -N RKE2-CILIUM-FOO
iptables-nft -t filter -N KUBE-SVC-X
iptables-nft -t filter -A FORWARD -m comment --comment "cilium-test/foo" -j KUBE-SVC-X
iptables-legacy -t nat -N OLD_CILIUM_POST_nat
iptables-legacy -t nat -A POSTROUTING -m comment --comment "cilium-feeder: CILIUM_POST_nat" -j OLD_CILIUM_POST_nat
iptables-legacy -t nat -N DOCKER
"#;

/// A node's root, its BPF file system and its cgroup.
struct Dirty {
    lab: Lab,
    node: Namespace,
    files: BpfFiles,
    cgroup: Cgroup,
}

impl Dirty {
    fn new(label: &str) -> Self {
        let lab = Lab::new(label).unwrap();
        let node = lab.namespace("node").unwrap();
        let files = BpfFiles::mount(&lab.dir().join("root/sys/fs/bpf")).unwrap();
        let mut cgroup = Cgroup::create(&lab).unwrap();
        cgroup.bind(&lab.dir().join("root/sys/fs/cgroup")).unwrap();
        Self { lab, node, files, cgroup }
    }

    fn root(&self) -> HostRoot {
        HostRoot::new(self.lab.dir().join("root"))
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.lab.dir().join("root").join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn shell(&self, script: &str) {
        let mut shell = self.node.command("sh");
        let output = shell.args(["-ec", script]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Programs as tc filters, by tcx, and on the cgroup, by Cilium and by others.
    fn attach(&self) {
        let bpf = self.files.path();
        fs::create_dir_all(bpf.join("tc/globals")).unwrap();
        fs::create_dir_all(bpf.join("cilium/devices/eth0/links")).unwrap();
        fs::create_dir_all(bpf.join("tetragon")).unwrap();
        let ipcache = map("cilium_ipcache").unwrap();
        let foreign = map("tg_execve_map").unwrap();
        pin(ipcache.as_fd(), &bpf.join("tc/globals/cilium_ipcache")).unwrap();
        pin(foreign.as_fd(), &bpf.join("tc/globals/other_map")).unwrap();
        pin(foreign.as_fd(), &bpf.join("tetragon/execve")).unwrap();

        let classifier = |name, map: &std::os::fd::OwnedFd| {
            program(name, Kind::Classifier, &[map.as_fd()]).unwrap()
        };
        let from_netdev = classifier("cil_from_netdev", &ipcache);
        let handle = classifier("handle_xgress", &ipcache);
        let theirs = classifier("calico_from_hos", &foreign);
        for (name, program) in [("ours", &from_netdev), ("old", &handle), ("theirs", &theirs)] {
            pin(program.as_fd(), &bpf.join(name)).unwrap();
        }
        let filter = |link: &str, pin: &str, pref: u32| {
            let path = bpf.join(pin);
            let place = format!("dev {link} ingress pref {pref}");
            format!("tc filter add {place} bpf da object-pinned {}\n", path.display())
        };
        let links = ["eth0", "cilium_host", "lxc0123456789ab", "docker0"];
        let qdiscs = links.map(|link| format!("tc qdisc add dev {link} clsact\n")).concat();
        let filters = [
            filter("eth0", "ours", 1),
            filter("eth0", "theirs", 2),
            filter("cilium_host", "ours", 1),
            filter("lxc0123456789ab", "old", 1),
        ];
        // tc looks for pins below a file system's mount point as it sees it.
        self.shell(&(qdiscs + &filters.concat()));
        for name in ["ours", "old", "theirs"] {
            fs::remove_file(bpf.join(name)).unwrap();
        }
        self.attach_links(bpf, &from_netdev, &theirs);
        self.attach_cgroup();
    }

    fn attach_links(&self, bpf: &Path, ours: &std::os::fd::OwnedFd, theirs: &std::os::fd::OwnedFd) {
        let index: u32 = self
            .node
            .ip(&["-o", "link", "show", "eth0"])
            .unwrap()
            .split(':')
            .next()
            .and_then(|index| index.trim().parse().ok())
            .unwrap();
        let path = bpf.join("cilium/devices/eth0/links/cil_from_netdev");
        let other = bpf.join("tetragon/link");
        inside(&self.node, async || {
            let kind = AttachType::TcxEgress;
            pin(link_interface(index, ours, kind).unwrap().as_fd(), &path).unwrap();
            pin(link_interface(index, theirs, kind).unwrap().as_fd(), &other).unwrap();
        });
    }

    fn attach_cgroup(&self) {
        let directory = fs::File::open(self.cgroup.path()).unwrap();
        let kind = AttachType::CgroupInet4Connect;
        let load = |name| program(name, Kind::CgroupAddress(kind), &[]).unwrap();
        attach(directory.as_fd(), &load("cil_sock4_conne"), kind).unwrap();
        attach(directory.as_fd(), &load("sd_fw_connect"), kind).unwrap();
        // One that only a pin holds.
        let kind = AttachType::CgroupUdp4Sendmsg;
        let program = program("cil_sock4_sendm", Kind::CgroupAddress(kind), &[]).unwrap();
        let link = link_cgroup(directory.as_fd(), &program, kind).unwrap();
        let pins = self.files.path().join("cilium/socketlb/links/cgroup");
        fs::create_dir_all(&pins).unwrap();
        pin(link.as_fd(), &pins.join("cil_sock4_sendmsg")).unwrap();
    }

    fn state(&self) -> HostState {
        let remembered = Remembered {
            pod_cidrs: vec!["10.244.0.0/16".parse().unwrap()],
            node_addresses: vec!["10.24.0.4".parse().unwrap()],
            pod_links: vec![],
        };
        let root = self.root();
        inside(&self.node, async || read_leftovers(&root, remembered).await)
    }
}

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
    let programs = ["tc", "iptables-nft", "iptables-legacy", "mount"];
    if !require_root_netns() || !require_bpf() || !require_programs(&programs) {
        return;
    }
    let dirty = Dirty::new("dirty");
    dirty.node.ip_batch(LINKS).unwrap();
    ip_batch_v6(&dirty.lab, &dirty.node, "rule add pref 9 fwmark 0x200/0xf00 lookup 2004\n");
    dirty.shell(CHAINS);
    dirty.attach();
    dirty.write(
        "etc/cni/net.d/05-cilium.conflist",
        r#"{"name":"cilium","plugins":[{"type":"cilium-cni"}]}"#,
    );
    dirty.write(
        "etc/cni/net.d/10-flannel.conflist.cilium_bak",
        r#"{"name":"f","plugins":[{"type":"flannel"}]}"#,
    );
    dirty.write("opt/cni/bin/cilium-cni", "");
    dirty.write("opt/cni/bin/flannel", "");
    dirty.write("opt/cni/bin/loopback", "");
    dirty.write("etc/sysctl.d/99-zzz-override_cilium.conf", "net.ipv4.conf.all.rp_filter = 0\n");
    dirty.write("etc/sysctl.d/99-sysctl.conf", "net.ipv4.ip_forward = 1\n");
    dirty.write("run/cilium/state/184/ep_config.json", r#"{"IfName":"lxc0123456789ab"}"#);
    dirty.write("run/netns/cilium-health", "");
    dirty.write("run/netns/mine", "");

    let inventory = Inventory::of(&dirty.state());
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

#[test]
fn ipsec_of_whomever_is_not_taken_for_nothing() {
    if !require_root_netns() || !require_programs(&["iptables-nft"]) {
        return;
    }
    let lab = Lab::new("ipsec").unwrap();
    let node = lab.namespace("node").unwrap();
    let policy = "xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir out action block priority 100";
    node.ip_batch(&format!("{policy}\n")).unwrap();
    fs::create_dir(lab.dir().join("root")).unwrap();
    let root = HostRoot::new(lab.dir().join("root"));
    let state = inside(&node, async || read_leftovers(&root, Remembered::default()).await);
    let unknown: Vec<String> =
        Inventory::of(&state).unknown.iter().map(ToString::to_string).collect();
    assert_eq!(
        unknown,
        ["IPsec (XFRM): there are 1 states and policies, and whose they are is not judged"]
    );
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
