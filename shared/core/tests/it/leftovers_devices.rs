//! Interfaces, what hangs on them, and the chains.

use kcilium_core::decode::iproute2;
use kcilium_core::facts::{Fact, Link, LinkFlag, Peer};
use kcilium_core::leftovers::{
    Attachment, AttachmentPoint, Direction, Endpoint, Fate, Filter, HostState, Inventory, Item,
    Leftover, NetkitEnd, Pin, Program, Proof,
};

use crate::leftovers::{ruleset, told, veth};

#[test]
fn pods_devices_need_a_proof_besides_name_and_kind() {
    let name = "lxc0123456789ab";
    let judge = |link: Link, change: &dyn Fn(&mut HostState)| {
        let mut state = HostState { links: Fact::Known(vec![link]), ..HostState::default() };
        change(&mut state);
        Inventory::of(&state)
            .items
            .into_iter()
            .find(|item| matches!(item.what, Leftover::Link { .. }))
    };
    let doubtful = |item: Option<Item>| matches!(item.unwrap().fate, Fate::Doubtful { .. });
    assert!(doubtful(judge(veth(name), &|_| {})));
    for foreign in ["lxcbr0", "lxcfoo", "veth0123456", "lxc0123456789", "cali0123456789a"] {
        assert_eq!(judge(veth(foreign), &|_| {}), None, "{foreign}");
    }
    let endpoint = |pod: Option<&str>| {
        let endpoint = Endpoint { id: 184, link: name.into(), pod: pod.map(Into::into) };
        move |state: &mut HostState| state.endpoints = Fact::Known(vec![endpoint.clone()])
    };
    let item = judge(veth(name), &endpoint(Some("shop/cart-0"))).unwrap();
    assert_eq!(item.fate, Fate::InUse { by: "shop/cart-0".into() });
    assert_eq!(item.proofs, [Proof::NameAndKind, Proof::EndpointFile(184)]);
    // The other end came back: nobody lives behind it.
    let dead = Link { peer: Some(Peer::Here("eth0p".into())), ..veth(name) };
    assert_eq!(judge(dead, &endpoint(None)).unwrap().fate, Fate::Remove);
    let enslaved = Link { master: Some("lxcbr0".into()), ..veth(name) };
    assert!(doubtful(judge(enslaved, &endpoint(None))));
    let remembered = judge(veth(name), &|state| state.remembered.pod_links = vec![name.into()]);
    assert_eq!(remembered.unwrap().proofs, [Proof::NameAndKind, Proof::Remembered]);
}

#[test]
fn chains_are_told_by_name_or_by_their_feeders() {
    let text = r#"
*filter
:FORWARD ACCEPT [0:0]
:CILIUM_FORWARD - [0:0]
:OLD_CILIUM_FORWARD - [0:0]
:CILIUM_FUTURE - [0:0]
:CILIUM_MINE - [0:0]
:RKE2-CILIUM-FOO - [0:0]
:KUBE-SVC-X - [0:0]
-A FORWARD -m comment --comment "cilium-feeder: CILIUM_FORWARD" -j OLD_CILIUM_FORWARD
-A FORWARD -m comment --comment "cilium-feeder: CILIUM_FUTURE" -j CILIUM_FUTURE
-A FORWARD -j CILIUM_MINE
-A FORWARD -m comment --comment "cilium-test/foo" -j KUBE-SVC-X
-A CILIUM_FORWARD -j CILIUM_FUTURE
COMMIT
"#;
    let state = HostState { netfilter: vec![ruleset(text)], ..HostState::default() };
    assert_eq!(
        told(&state),
        [
            "remove rule `-m comment --comment cilium-feeder: CILIUM_FORWARD -j OLD_CILIUM_FORWARD` \
             in IPv4 chain FORWARD in filter (nft)",
            "remove rule `-m comment --comment cilium-feeder: CILIUM_FUTURE -j CILIUM_FUTURE` \
             in IPv4 chain FORWARD in filter (nft)",
            "doubtful rule `-j CILIUM_MINE` in IPv4 chain FORWARD in filter (nft)",
            "remove IPv4 chain CILIUM_FORWARD in filter (nft)",
            "remove IPv4 chain OLD_CILIUM_FORWARD in filter (nft)",
            "remove IPv4 chain CILIUM_FUTURE in filter (nft)",
            "doubtful IPv4 chain CILIUM_MINE in filter (nft)",
        ]
    );
}

fn filter(link: &str, name: &str, maps: &[&str]) -> Filter {
    Filter {
        link: link.into(),
        direction: Direction::Ingress,
        priority: 1,
        protocol: 3,
        handle: 1,
        name: name.into(),
        program: Some(Program {
            id: 1,
            name: name.chars().take(15).collect(),
            maps: maps.iter().map(|map| (*map).to_owned()).collect(),
        }),
    }
}

#[test]
fn programs_are_told_by_name_or_maps_and_the_qdisc_by_its_filters() {
    let state = HostState {
        clsact: Fact::Known(["eth0", "eth1", "eth2", "eth3"].map(Into::into).into()),
        filters: Fact::Known(vec![
            filter("eth0", "cil_from_netdev", &[]),
            filter("eth1", "bpf_netdev.o:[from-netdev]", &["cilium_ipcache"]),
            filter("eth1", "calico_from_host", &["cali_v4_state"]),
            filter("eth3", "bpf_thing", &["tg_execve_map"]),
        ]),
        other_filters: Fact::Known(vec![]),
        ..HostState::default()
    };
    assert_eq!(
        told(&state),
        [
            "remove qdisc clsact on eth0",
            "doubtful qdisc clsact on eth2",
            "remove tc filter cil_from_netdev on eth0 ingress",
            "remove tc filter bpf_netdev.o:[from-netdev] on eth1 ingress",
        ]
    );
}

/// Kinds that the kernels of test machines often lack (netkit, WireGuard, Geneve, IP in IP), so that
/// nodes in namespaces have none of them.
#[test]
fn devices_of_rare_kinds_are_told_by_name_and_kind() {
    let link = |name: &str, kind: &str, more: &str| {
        format!(
            r#"{{"ifindex":9,"ifname":"{name}","flags":["POINTOPOINT","NOARP","UP","LOWER_UP"],
                "mtu":1420,{more}"linkinfo":{{"info_kind":"{kind}"}}}}"#
        )
    };
    let here = r#""link":"eth0p","#;
    let elsewhere = r#""link_index":2,"link_netnsid":1,"#;
    let links = [
        link("cilium_wg0", "wireguard", ""),
        link("cilium_geneve", "geneve", ""),
        link("cilium_ipip4", "ipip", ""),
        link("cilium_ipip6", "ip6tnl", ""),
        link("lxc0123456789ab", "netkit", here),
        link("lxc0123456789cd", "netkit", elsewhere),
        // Renamed, and the kernel's.
        link("cilium_tunl", "ipip", ""),
        link("cilium_vxlan", "wireguard", ""),
        link("wg0", "wireguard", ""),
        link("tunl0", "ipip", ""),
        link("lxc0123456789ef", "macvlan", ""),
    ];
    let program = |link: &str, end| Attachment {
        point: AttachmentPoint::Netkit { link: link.into(), end },
        program: Program { id: 7, name: "cil_from_contai".into(), maps: vec![] },
        link_id: Some(1),
    };
    let state = HostState {
        links: Fact::Known(iproute2::links(&format!("[{}]", links.join(","))).unwrap()),
        link_programs: Fact::Known(vec![
            program("lxc0123456789ab", NetkitEnd::Primary),
            program("lxc0123456789cd", NetkitEnd::Peer),
        ]),
        ..HostState::default()
    };
    assert_eq!(
        told(&state),
        [
            "remove link cilium_wg0 (wireguard)",
            "remove link cilium_geneve (geneve)",
            "remove link cilium_ipip4 (ipip)",
            "remove link cilium_ipip6 (ip6tnl)",
            "remove link lxc0123456789ab (netkit)",
            "in use link lxc0123456789cd (netkit)",
            "doubtful link cilium_tunl (ipip)",
            "doubtful link cilium_vxlan (wireguard)",
            "remove BPF program cil_from_contai on lxc0123456789ab (netkit primary)",
            "in use BPF program cil_from_contai on lxc0123456789cd (netkit peer)",
        ]
    );
}

#[test]
fn what_is_on_a_pods_device_goes_with_it_and_stays_with_it() {
    let name = "lxc0123456789ab";
    let pin = |path: &str, is_directory| Pin { path: path.into(), is_directory };
    let mut state = HostState {
        links: Fact::Known(vec![veth(name)]),
        clsact: Fact::Known(vec![name.into()]),
        filters: Fact::Known(vec![filter(name, "cil_from_container", &[])]),
        other_filters: Fact::Known(vec![]),
        endpoints: Fact::Known(vec![Endpoint { id: 7, link: name.into(), pod: None }]),
        pins: Fact::Known(vec![
            pin("/sys/fs/bpf/cilium/endpoints/7", true),
            pin("/sys/fs/bpf/cilium/endpoints/7/links", true),
            pin("/sys/fs/bpf/cilium/endpoints/7/links/cil_from_container", false),
            pin("/sys/fs/bpf/cilium/endpoints/77/links", true),
        ]),
        ..HostState::default()
    };
    assert_eq!(
        told(&state),
        [
            "in use link lxc0123456789ab (veth)",
            "in use qdisc clsact on lxc0123456789ab",
            "in use tc filter cil_from_container on lxc0123456789ab ingress",
            "in use pin /sys/fs/bpf/cilium/endpoints/7/links/cil_from_container",
            "remove pin directory /sys/fs/bpf/cilium/endpoints/77/links",
            "in use pin directory /sys/fs/bpf/cilium/endpoints/7/links",
            "in use pin directory /sys/fs/bpf/cilium/endpoints/7",
        ]
    );
    let dead = Link { peer: Some(Peer::Here("eth0p".into())), ..veth(name) };
    state.links = Fact::Known(vec![dead]);
    assert!(told(&state).iter().all(|line| line.starts_with("remove")), "{:#?}", told(&state));
}

#[test]
fn pairs_that_the_plugin_did_not_finish_are_told_by_each_other() {
    let pair = |one: &str, other: &str| Link { peer: Some(Peer::Here(other.into())), ..veth(one) };
    let judged =
        |links: Vec<Link>| told(&HostState { links: Fact::Known(links), ..HostState::default() });
    let (pod, temporary) = ("lxc0123456789ab", "tmp0a1b2");
    assert_eq!(
        judged(vec![pair(pod, temporary), pair(temporary, pod)]),
        ["remove link lxc0123456789ab (veth)", "remove link tmp0a1b2 (veth)"]
    );
    assert_eq!(judged(vec![pair("tmpABCDE", pod)]), [""; 0]);
    assert_eq!(judged(vec![veth(temporary)]), ["doubtful link tmp0a1b2 (veth)"]);
    let busy = Link { flags: vec![LinkFlag::Up], ..pair(temporary, pod) };
    assert_eq!(judged(vec![busy]), ["doubtful link tmp0a1b2 (veth)"]);
}
