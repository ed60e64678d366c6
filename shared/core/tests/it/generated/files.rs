//! CNI, directories, mounts, sets' names: what is told by names and content.

use kcilium_core::facts::Fact;
use kcilium_core::leftovers::{CniText, FoundPath, HostState, Leftover, Mount};
use proptest::{prelude::*, sample::select};

use super::Thing;

const CILIUM: &str = r#"{"name":"cilium","plugins":[{"type":"cilium-cni"}]}"#;
const CHAIN: &str = r#"{"name":"c","plugins":[{"type":"ptp"},{"type":"cilium-cni"}]}"#;
const PTP: &str = r#"{"name":"p","plugins":[{"type":"ptp"}]}"#;
const ABSENT: &str = r#"{"name":"a","plugins":[{"type":"absent"}]}"#;

pub(super) fn things() -> impl Strategy<Value = Thing> {
    prop_oneof![configuration(), backup(), result(), binary(), namespace(), mount(), found(), set()]
}

fn configuration() -> impl Strategy<Value = Thing> {
    let own = ("[0-9]{2}-cilium[a-z]{0,3}[.]conflist", Just((CILIUM, true)));
    let broken = ("[0-9]{2}-cilium-broken[.]conf", Just(("{", false)));
    let others = ("[0-9]{2}-cilium-net[.]conflist", Just((PTP, false)));
    let chain = ("[0-9]{2}-[a-b]{1,5}[.]conflist", select(&[(CHAIN, false), (CILIUM, false)][..]));
    let notes = ("cilium-[a-z]{3}[.](txt|bak|md)", Just((CILIUM, false)));
    prop_oneof![own, broken, others, chain, notes].prop_map(|(name, (text, ours))| {
        let path = format!("/etc/cni/net.d/{name}");
        let goes =
            if ours { vec![Leftover::CniConfiguration { path: path.clone() }] } else { vec![] };
        let cni_files = Fact::Known(vec![CniText { path, text: Ok(text.into()) }]);
        Thing::ours(HostState { cni_files, ..HostState::default() }, goes)
    })
}

/// What the agent set aside, under each of the conditions.
fn backup() -> impl Strategy<Value = Thing> {
    ("[0-9]{2}-[c-z]{5,9}[.]conflist", 0..6).prop_map(|(name, what)| {
        let original = format!("/etc/cni/net.d/{name}");
        let path = format!("{original}.cilium_bak");
        let text = match what {
            2 => ABSENT,
            3 => "{",
            4 => CHAIN,
            _ => PTP,
        };
        let mut files = vec![CniText { path: path.clone(), text: Ok(text.into()) }];
        if what == 5 {
            files.push(CniText { path: original.clone(), text: Ok(PTP.into()) });
        }
        let goes = if what < 2 { vec![Leftover::CniBackup { path, original }] } else { vec![] };
        let read = HostState {
            cni_files: Fact::Known(files),
            cni_binaries: Fact::Known(vec!["/opt/cni/bin/ptp".into()]),
            ..HostState::default()
        };
        Thing::ours(read, goes)
    })
}

fn result() -> impl Strategy<Value = Thing> {
    let ours = "cilium-[0-9a-f]{64}-eth[0-9]";
    let foreign = "(cbr0-[0-9a-f]{64}|cilium-[0-9a-f]{63}|ciliumx-[0-9a-f]{64}|cilium-notes)-eth0";
    prop_oneof![ours.prop_map(|name| (name, true)), foreign.prop_map(|name| (name, false))]
        .prop_map(|(name, ours)| {
            let path = format!("/var/lib/cni/results/{name}");
            let goes = if ours { vec![Leftover::CniResult { path: path.clone() }] } else { vec![] };
            let cni_results = Fact::Known(vec![path]);
            after_pods(HostState { cni_results, ..HostState::default() }, goes)
        })
}

fn after_pods(read: HostState, goes_after_pods: Vec<Leftover>) -> Thing {
    Thing { read, goes_after_pods, ..Thing::default() }
}

fn binary() -> impl Strategy<Value = Thing> {
    let ours = select(&["cilium-cni", ".cilium-cni.new", "cilium-mount", "cilium-sysctlfix"][..]);
    let foreign = select(&["cilium", "cilium-cni.bak", "cilium-cni2", "loopback", "bridge"][..]);
    prop_oneof![ours.prop_map(|name| (name, true)), foreign.prop_map(|name| (name, false))]
        .prop_map(|(name, ours)| {
            let path = format!("/opt/cni/bin/{name}");
            let goes = if ours { vec![Leftover::Binary { path: path.clone() }] } else { vec![] };
            let cni_binaries = Fact::Known(vec![path]);
            after_pods(HostState { cni_binaries, ..HostState::default() }, goes)
        })
}

fn namespace() -> impl Strategy<Value = Thing> {
    prop_oneof!["cilium-[a-z]{4,6}", "(xcilium|cilium|cni|mine)[0-9]"].prop_map(|name| {
        let path = format!("/run/netns/{name}");
        let ours = name.starts_with("cilium-");
        let goes = if ours { vec![Leftover::NetworkNamespace { path }] } else { vec![] };
        let network_namespaces = Fact::Known(vec![name]);
        Thing::ours(HostState { network_namespaces, ..HostState::default() }, goes)
    })
}

fn mount() -> impl Strategy<Value = Thing> {
    let mounts = [
        ("/run/cilium/cgroupv2", "cgroup2", true),
        ("/run/cilium/bpffs", "bpf", true),
        ("/run/cilium/cgroupv2", "tmpfs", false),
        ("/run/cilium/bpffs", "ext4", false),
        ("/run/cilium/state/data", "ext4", false),
        ("/run/cilium/netns/a", "nsfs", false),
        ("/run/ciliumx/bpffs", "bpf", false),
        ("/sys/fs/bpf", "bpf", false),
        ("/sys/fs/cgroup", "cgroup2", false),
    ];
    select(mounts.to_vec()).prop_map(|(path, filesystem, ours)| {
        let (path, filesystem) = (path.to_owned(), filesystem.to_owned());
        let what = Leftover::Mount { path: path.clone(), filesystem: filesystem.clone() };
        let mounts = Fact::Known(vec![Mount { path, filesystem }]);
        let goes = if ours { vec![what] } else { vec![] };
        Thing::ours(HostState { mounts, ..HostState::default() }, goes)
    })
}

fn found() -> impl Strategy<Value = Thing> {
    let sysctls = "/etc/sysctl.d/99-zzz-override_cilium.conf";
    let unit = "/etc/systemd/system/sys-fs-bpf.mount";
    let found = [
        ("/run/cilium", None, true),
        ("/var/lib/cilium", None, true),
        ("/tmp/node-init.cilium.io", Some(""), true),
        (sysctls, Some("# x\n-net.ipv4.conf.lxc*.rp_filter = 0\n"), true),
        (sysctls, Some("net.ipv4.conf.lxc*.rp_filter = 0\nvm.swappiness = 1\n"), false),
        (sysctls, Some("net.ipv4.conf.eth0.rp_filter = 0\n"), false),
        (sysctls, Some("net.ipv4.conf.all.rp_filter = 1\n"), false),
        (unit, Some("[Unit]\nDescription=Cilium BPF mounts\n"), true),
        (unit, Some("[Unit]\nDescription=BPF\nDocumentation=https://cilium.io\n"), false),
        ("/run/spire", None, false),
    ];
    select(found.to_vec()).prop_map(|(path, text, ours)| {
        let path = path.to_owned();
        let what = match text {
            Some(_) => Leftover::File { path: path.clone() },
            None => Leftover::Directory { path: path.clone() },
        };
        let is_agents = path == "/run/cilium";
        let found = FoundPath { path, is_directory: text.is_none(), text: text.map(Into::into) };
        let read = HostState { paths: Fact::Known(vec![found]), ..HostState::default() };
        let goes = if ours { vec![what] } else { vec![] };
        // Pods that live are recognised by what is in it.
        if is_agents { after_pods(read, goes) } else { Thing::ours(read, goes) }
    })
}

fn set() -> impl Strategy<Value = Thing> {
    let names = prop_oneof![
        "cilium_node_set_v[46]".prop_map(|name| (name, true)),
        "cilium_node_set_v[46]x".prop_map(|name| (name, false)),
        "(cilium_node_set|xcilium_node_set_v4|KUBE-[A-Z]{4})".prop_map(|name| (name, false)),
    ];
    names.prop_map(|(name, ours)| {
        let goes = if ours { vec![Leftover::Set { name: name.clone() }] } else { vec![] };
        let sets = Fact::Known(vec![name]);
        Thing::ours(HostState { sets, ..HostState::default() }, goes)
    })
}
