//! Files, and what pods that live need of them.

use kcilium_core::facts::Fact;
use kcilium_core::leftovers::{CniText, Endpoint, FoundPath, HostState, Mount};

use crate::leftovers::{told, veth};

#[test]
fn cni_files_are_told_by_content_and_set_aside_ones_come_back_if_they_work() {
    const CILIUM: &str = r#"{"name":"cilium","plugins":[{"type":"cilium-cni"}]}"#;
    let file = |name: &str, text: &str| CniText {
        path: format!("/etc/cni/net.d/{name}"),
        text: Ok(text.to_owned()),
    };
    let flannel = r#"{"name":"cbr0","plugins":[{"type":"flannel"}]}"#;
    let id = "0".repeat(64);
    let state = HostState {
        cni_files: Fact::Known(vec![
            file("05-cilium.conflist", CILIUM),
            file("05-cilium.conf.cilium_bak", r#"{"name":"cilium","type":"cilium-cni"}"#),
            file("10-flannel.conflist.cilium_bak", flannel),
            file("20-bridge.conflist", flannel),
            file("20-bridge.conflist.cilium_bak", flannel),
            file("30-gone.conflist.cilium_bak", r#"{"name":"x","plugins":[{"type":"ptp"}]}"#),
            file("40-broken.conflist.cilium_bak", "{"),
            file(
                "50-aws.conflist",
                r#"{"name":"aws","plugins":[{"type":"aws-cni"},{"type":"cilium-cni"}]}"#,
            ),
            file("60-mine.conflist.bak", flannel),
        ]),
        cni_binaries: Fact::Known(
            ["cilium-cni", "flannel", "loopback"].map(|name| format!("/opt/cni/bin/{name}")).into(),
        ),
        cni_results: Fact::Known(vec![
            format!("/var/lib/cni/results/cilium-{id}-eth0"),
            format!("/var/lib/cni/results/cni-loopback-{id}-lo"),
            "/var/lib/cni/results/cilium-notes".into(),
        ]),
        ..HostState::default()
    };
    let mut found = told(&state);
    for line in &mut found {
        *line = line.replace("CNI configuration /etc/cni/net.d/", "");
    }
    assert_eq!(
        found,
        [
            "remove 05-cilium.conflist",
            "remove 05-cilium.conf.cilium_bak",
            "remove renamed 10-flannel.conflist.cilium_bak",
            "doubtful renamed 20-bridge.conflist.cilium_bak",
            "doubtful renamed 30-gone.conflist.cilium_bak",
            "doubtful renamed 40-broken.conflist.cilium_bak",
            "doubtful 50-aws.conflist",
            &format!("remove CNI result /var/lib/cni/results/cilium-{id}-eth0"),
            "remove binary /opt/cni/bin/cilium-cni",
        ]
    );
}

#[test]
fn what_a_living_pod_needs_stays_with_it() {
    let state = HostState {
        links: Fact::Known(vec![veth("lxc0123456789ab")]),
        endpoints: Fact::Known(vec![Endpoint {
            id: 1,
            link: "lxc0123456789ab".into(),
            pod: Some("shop/cart-0".into()),
        }]),
        cni_binaries: Fact::Known(vec!["/opt/cni/bin/cilium-cni".into()]),
        paths: Fact::Known(vec![FoundPath {
            path: "/run/cilium".into(),
            is_directory: true,
            text: None,
        }]),
        ..HostState::default()
    };
    assert_eq!(
        told(&state),
        [
            "in use link lxc0123456789ab (veth)",
            "in use directory /run/cilium",
            "in use binary /opt/cni/bin/cilium-cni",
        ]
    );
}

#[test]
fn files_and_mounts_are_told_by_content_and_type() {
    const OVERRIDE: &str = "\n# Disable rp_filter on Cilium interfaces\n\
        -net.ipv4.conf.lxc*.rp_filter = 0\n\
        -net.ipv4.conf.cilium_*.rp_filter = 0\nnet.ipv4.conf.all.rp_filter = 0\n";
    let file = |path: &str, text: &str| FoundPath {
        path: path.into(),
        is_directory: false,
        text: Some(text.into()),
    };
    let mount =
        |path: &str, filesystem: &str| Mount { path: path.into(), filesystem: filesystem.into() };
    let unit = "/etc/systemd/system/sys-fs-bpf.mount";
    let state = HostState {
        paths: Fact::Known(vec![
            file("/etc/sysctl.d/99-zzz-override_cilium.conf", OVERRIDE),
            file("/etc/sysctl.d/99-override_cilium_rp_filter.conf", "net.ipv4.ip_forward = 1\n"),
            file(unit, "[Unit]\nDescription=Cilium BPF mounts\n"),
            file("/usr/lib/systemd/system/sys-fs-bpf.mount", "[Unit]\nDescription=BPF\n"),
            FoundPath { path: "/run/spire".into(), is_directory: true, text: None },
        ]),
        mounts: Fact::Known(vec![
            mount("/sys/fs/bpf", "bpf"),
            mount("/run/cilium/cgroupv2", "cgroup2"),
            mount("/run/cilium/somewhere", "nfs4"),
        ]),
        ..HostState::default()
    };
    assert_eq!(
        told(&state),
        [
            "doubtful mount /run/cilium/somewhere (nfs4)",
            "remove mount /run/cilium/cgroupv2 (cgroup2)",
            "remove file /etc/sysctl.d/99-zzz-override_cilium.conf",
            "doubtful file /etc/sysctl.d/99-override_cilium_rp_filter.conf",
            &format!("remove file {unit}"),
            "doubtful directory /run/spire",
        ]
    );
}
