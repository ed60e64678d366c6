//! What an agent set in the running kernel: reported where something says that one was here, and
//! never taken away.

use kcilium_core::facts::Fact;
use kcilium_core::leftovers::{FoundPath, HostState, Inventory, Pin, Qdisc, Sysctl};

use crate::leftovers::told;

/// A host on which everything is as an agent with all features sets it.
fn as_the_agent_sets_it() -> HostState {
    let sysctls = [
        ("net.ipv4.conf.all.rp_filter", "0"),
        ("kernel.timer_migration", "0"),
        ("net.core.default_qdisc", "fq"),
        ("net.ipv4.ip_early_demux", "1"),
    ];
    let sysctls = sysctls.map(|(key, value)| Sysctl { key: key.into(), value: value.into() });
    let qdiscs = [("eth0", "fq"), ("eth0", "mq"), ("eth1", "fq_codel")];
    let qdiscs = qdiscs.map(|(link, kind)| Qdisc { link: link.into(), kind: kind.into() });
    HostState {
        sysctls: Fact::Known(sysctls.into()),
        qdiscs: Fact::Known(qdiscs.into()),
        ..HostState::default()
    }
}

fn with_path(path: &str, text: Option<&str>) -> HostState {
    let text = text.map(Into::into);
    let found = FoundPath { path: path.into(), is_directory: text.is_none(), text };
    HostState { paths: Fact::Known(vec![found]), ..as_the_agent_sets_it() }
}

#[test]
fn without_an_agent_settings_are_the_users() {
    assert_eq!(told(&as_the_agent_sets_it()), [""; 0]);
}

#[test]
fn what_a_file_sets_outlasts_it() {
    let path = "/etc/sysctl.d/99-zzz-override_cilium.conf";
    let state = with_path(path, Some("net.ipv4.conf.all.rp_filter = 0\n"));
    assert_eq!(
        told(&state),
        [
            "remove file /etc/sysctl.d/99-zzz-override_cilium.conf",
            "doubtful sysctl net.ipv4.conf.all.rp_filter = 0",
        ]
    );
    let why = format!("{:?}", Inventory::of(&state).doubtful().next().unwrap().fate);
    assert!(why.contains(path) && why.contains("`sysctl --system`"), "{why}");
}

#[test]
fn what_an_agent_sets_is_told_where_one_was() {
    assert_eq!(
        told(&with_path("/run/cilium", None)),
        ["remove directory /run/cilium", "doubtful sysctl kernel.timer_migration = 0"]
    );
}

#[test]
fn the_bandwidth_managers_qdiscs_are_told_where_its_map_is() {
    let path = "/sys/fs/bpf/tc/globals/cilium_throttle";
    let pins = Fact::Known(vec![Pin { path: path.into(), is_directory: false }]);
    assert_eq!(
        told(&HostState { pins, ..as_the_agent_sets_it() }),
        [
            "remove pin /sys/fs/bpf/tc/globals/cilium_throttle",
            "doubtful sysctl net.core.default_qdisc = fq",
            "doubtful qdisc fq on eth0",
        ]
    );
}
