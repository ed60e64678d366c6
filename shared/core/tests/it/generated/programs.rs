//! BPF programs, the qdisc that filters hang on, and pins.

use kcilium_core::facts::{Fact, LinkName};
use kcilium_core::leftovers::{
    Attachment, AttachmentPoint, CgroupHook, Direction, Filter, HostState, Leftover, Pin, Program,
};
use proptest::{collection::vec, prelude::*, sample::select};

use super::Thing;
use super::links::filter;

pub(super) fn things() -> impl Strategy<Value = Thing> {
    prop_oneof![filters(), attachment(), pin()]
}

/// A program, and whether it is Cilium's.
fn program() -> impl Strategy<Value = (Program, bool)> {
    let by_name = "cil_[a-z_]{3,11}".prop_map(|name| (name, vec![], true));
    let by_map = ("(handle_xgress|from_netdev|sock4_connect)", "cilium_[a-z0-9_]{2,8}")
        .prop_map(|(name, map)| (name, vec!["hash".into(), map], true));
    let names = "(cil|cilium|xcil_a|Cil_a|bpf_[a-z]{3}|sd_devices|tg_execve|cali_[a-z]{2})";
    let maps = vec("(xcilium_a|Cilium_a|cilium|tg_execve_map|cali_v4_state|LPM)", 0..3);
    let foreign = (names, maps).prop_map(|(name, maps)| (name, maps, false));
    prop_oneof![by_name, by_map, foreign]
        .prop_map(|(name, maps, ours)| (Program { id: 7, name, maps }, ours))
}

/// Filters on one clsact, which goes when all on it do.
fn filters() -> impl Strategy<Value = Thing> {
    let u32_beside = prop::bool::weighted(0.2);
    ("eth[0-9]{6}", vec(program(), 0..4), u32_beside).prop_map(|(link, programs, u32_beside)| {
        let link = LinkName::from(link.as_str());
        let all_ours = !u32_beside && programs.iter().all(|(_, ours)| *ours);
        let mut goes = Vec::new();
        if all_ours && !programs.is_empty() {
            goes.push(Leftover::Clsact { link: link.clone() });
        }
        let mut read = HostState {
            clsact: Fact::Known(vec![link.clone()]),
            other_filters: Fact::Known(if u32_beside { vec![link.clone()] } else { vec![] }),
            ..HostState::default()
        };
        let mut filters = Vec::new();
        for (priority, (program, ours)) in (1..).zip(programs) {
            // What the loader called it says nothing where the program can be asked.
            let named = if ours { "bpf_host.o:[from-netdev]" } else { "cil_from_netdev" };
            let base = filter(&link, named);
            let filter = Filter { priority, program: Some(program), ..base };
            goes.extend(ours.then(|| Leftover::Filter(filter.clone())));
            filters.push(filter);
        }
        read.filters = Fact::Known(filters);
        Thing::ours(read, goes)
    })
}

fn attachment() -> impl Strategy<Value = Thing> {
    let link = || LinkName::from("eth0");
    let cgroup = select(CgroupHook::ALL)
        .prop_map(|hook| AttachmentPoint::Cgroup { path: "/sys/fs/cgroup".into(), hook });
    let point = prop_oneof![
        cgroup,
        Just(AttachmentPoint::Tcx { link: link(), direction: Direction::Egress }),
        Just(AttachmentPoint::Xdp { link: link() }),
    ];
    (point, program()).prop_map(|(point, (program, ours))| {
        let on_cgroup = matches!(point, AttachmentPoint::Cgroup { .. });
        let attachment = Attachment { point, program, link_id: None };
        let goes = if ours { vec![Leftover::Attachment(attachment.clone())] } else { vec![] };
        let attachments = Fact::Known(vec![attachment]);
        let read = if on_cgroup {
            HostState { cgroup_programs: attachments, ..HostState::default() }
        } else {
            HostState { link_programs: attachments, ..HostState::default() }
        };
        Thing::ours(read, goes)
    })
}

fn pin() -> impl Strategy<Value = Thing> {
    let ours = prop_oneof![
        "/sys/fs/bpf/tc/globals/cilium_[a-z0-9_]{1,12}",
        "/sys/fs/bpf/cilium/(devices/eth0|socketlb)/links/[a-z]{3,9}",
        "/run/cilium/bpffs/cilium/[a-z]{3,9}",
    ];
    let foreign = prop_oneof![
        "/sys/fs/bpf/tc/globals/(my_cilium|ciliumx|Cilium_)[a-z]{2}",
        "/sys/fs/bpf/tc/globals/(tetragon|calico)/cilium_[a-z]{2}",
        "/sys/fs/bpf/tc/cilium_[a-z]{2}",
        "/sys/fs/bpf/(cilium2|xcilium|calico|tetragon)/[a-z]{2,5}",
        "/sys/fs/bpf/cilium_[a-z]{2,5}",
    ];
    let directory = "/sys/fs/bpf/tc/globals/cilium_[a-z]{2,5}x";
    let pin = |path: String, is_directory, goes: bool| {
        let goes = if goes { vec![Leftover::Pin { path: path.clone() }] } else { vec![] };
        let pins = Fact::Known(vec![Pin { path, is_directory }]);
        Thing::ours(HostState { pins, ..HostState::default() }, goes)
    };
    prop_oneof![
        ours.prop_map(move |path| pin(path, false, true)),
        foreign.prop_map(move |path| pin(path, false, false)),
        // Nobody knows what others keep in it.
        directory.prop_map(move |path| pin(path, true, false)),
    ]
}
