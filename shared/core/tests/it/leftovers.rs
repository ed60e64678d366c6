//! What stays after `helm uninstall`, recognised from recordings of a real node, and everything that
//! only looks like it.

use std::net::IpAddr;

use kcilium_core::decode::iproute2;
use kcilium_core::facts::{Fact, Family, Link, Peer, RoutingRule, TableId};
use kcilium_core::leftovers::{
    Attachment, AttachmentPoint, Backend, CgroupHook, CniText, Direction, Endpoint, Fate, Filter,
    FoundPath, HostState, Inventory, Item, Leftover, Mount, Pin, Program, Proof, Ruleset,
};
use serde_json::Value;

macro_rules! recorded {
    ($file:literal) => {
        include_str!(concat!("../fixtures/dumps/leftovers/node1/", $file))
    };
}

/// Node 1 of the recording, as far as it was recorded.
fn node1() -> HostState {
    let mut rules = iproute2::rules(recorded!("ip-j-rule.json"), Family::V4).unwrap();
    rules.extend(iproute2::rules(recorded!("ip-6-j-rule.json"), Family::V6).unwrap());
    HostState {
        links: Fact::Known(iproute2::links(recorded!("ip-j-link.json")).unwrap()),
        addresses: Fact::Known(iproute2::addresses(recorded!("ip-j-addr.json")).unwrap()),
        routes: Fact::Known(iproute2::routes(recorded!("ip-j-route.json")).unwrap()),
        rules: Fact::Known(rules),
        filters: Fact::Known(filters()),
        cgroup_programs: Fact::Known(cgroup_programs()),
        pins: Fact::Known(pins()),
        netfilter: vec![ruleset(include_str!("../fixtures/leftovers/iptables-save.txt"))],
        ..HostState::default()
    }
}

fn json(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

fn filters() -> Vec<Filter> {
    let filter = |value: &Value| {
        let name = value["name"].as_str().unwrap();
        let kernel = &name[..name.find('-').unwrap().min(15)];
        Filter {
            link: value["devname"].as_str().unwrap().into(),
            direction: match value["kind"].as_str().unwrap() {
                "clsact/ingress" => Direction::Ingress,
                _ => Direction::Egress,
            },
            priority: 1,
            protocol: 3,
            handle: 1,
            name: name.to_owned(),
            program: Some(Program { id: 1, name: kernel.to_owned(), maps: vec![] }),
        }
    };
    json(include_str!("../fixtures/leftovers/bpftool-net.json")).iter().map(filter).collect()
}

fn cgroup_programs() -> Vec<Attachment> {
    let attachment = |value: &Value| {
        let kind = value["attach_type"].as_str().unwrap().trim_start_matches("cgroup_");
        let hook = CgroupHook::ALL.iter().find(|hook| hook.to_string() == kind);
        Attachment {
            point: AttachmentPoint::Cgroup {
                path: "/sys/fs/cgroup".into(),
                hook: *hook.unwrap_or_else(|| panic!("{kind}")),
            },
            program: Program {
                id: 1,
                name: value["name"].as_str().unwrap().into(),
                maps: vec!["cilium_lb4_serv".into()],
            },
            link_id: None,
        }
    };
    json(include_str!("../fixtures/leftovers/bpftool-cgroup-tree.json"))
        .iter()
        .map(attachment)
        .collect()
}

fn pins() -> Vec<Pin> {
    let lines: Vec<&str> = include_str!("../fixtures/leftovers/bpffs.txt").lines().collect();
    let is_directory =
        |path: &str| lines.iter().any(|other| other.starts_with(&format!("{path}/")));
    lines
        .iter()
        .map(|path| Pin { path: (*path).to_owned(), is_directory: is_directory(path) })
        .collect()
}

fn ruleset(text: &str) -> Ruleset {
    Ruleset { backend: Backend::Nft, family: Family::V4, text: Fact::Known(text.into()) }
}

/// Kind, fate and number, in order.
fn summary(items: &[Item]) -> String {
    let mut lines: Vec<(String, usize)> = Vec::new();
    for item in items {
        let kind = format!("{:?}", item.what);
        let kind = kind.split([' ', '(']).next().unwrap();
        let fate = match &item.fate {
            Fate::Remove => "remove",
            Fate::InUse { .. } => "in use",
            Fate::Doubtful { .. } => "doubtful",
        };
        let line = format!("{kind}: {fate}");
        match lines.last_mut() {
            Some((last, count)) if *last == line => *count += 1,
            _ => lines.push((line, 1)),
        }
    }
    let lines: Vec<String> =
        lines.iter().map(|(line, count)| format!("{line} × {count}\n")).collect();
    lines.concat()
}

fn fate<'a>(inventory: &'a Inventory, name: &str) -> Option<&'a Fate> {
    let found = inventory.items.iter().find(|item| item.what.to_string().contains(name));
    found.map(|item| &item.fate)
}

#[test]
fn the_recorded_node_is_taken_apart() {
    let inventory = Inventory::of(&node1());
    assert_eq!(
        summary(&inventory.items),
        "Attachment: remove × 10\n\
         Filter: remove × 12\n\
         Feeder: remove × 10\n\
         Chain: remove × 10\n\
         Route: remove × 4\n\
         Link: remove × 3\n\
         Link: in use × 3\n\
         Pin: remove × 48\n\
         PinDirectory: remove × 4\n"
    );
    for foreign in ["docker0", "KUBE-", "172.17.0.0/16", "maps.debug", "10.24.0.0/24"] {
        assert_eq!(fate(&inventory, foreign), None, "{foreign}");
    }
    let pod = fate(&inventory, "link lxcd14c4fc38cac");
    assert_eq!(pod, Some(&Fate::InUse { by: "a pod whose name is not known".into() }));
}

#[test]
fn what_was_not_read_is_unknown_and_what_is_absent_is_not() {
    let state = node1();
    let unknown = Inventory::of(&state).unknown.len();
    assert!(unknown > 5, "{unknown}");
    let absent = kcilium_core::facts::Unavailable::absent("/opt/cni/bin", "no such file");
    let state = HostState { cni_binaries: Fact::Unavailable(absent), ..state };
    assert_eq!(Inventory::of(&state).unknown.len(), unknown - 1);
}

#[test]
fn an_inventory_survives_the_wire() {
    let inventory = Inventory::of(&node1());
    let text = serde_json::to_string(&inventory).unwrap();
    assert_eq!(serde_json::from_str::<Inventory>(&text).unwrap(), inventory);
}

fn rules(text: &str) -> Vec<RoutingRule> {
    iproute2::rules(text, Family::V4).unwrap()
}

/// Fates of what has these rules, by the rules' text.
fn rule_fates(json: &str, pod_cidrs: &[&str]) -> Vec<String> {
    let mut state = HostState { rules: Fact::Known(rules(json)), ..HostState::default() };
    state.remembered.pod_cidrs = pod_cidrs.iter().map(|cidr| cidr.parse().unwrap()).collect();
    told(&state)
}

fn told(state: &HostState) -> Vec<String> {
    let items = Inventory::of(state).items;
    let fate = |fate: &Fate| match fate {
        Fate::Remove => "remove",
        Fate::InUse { .. } => "in use",
        Fate::Doubtful { .. } => "doubtful",
    };
    items.iter().map(|item| format!("{} {}", fate(&item.fate), item.what)).collect()
}

const LOCAL_AT_0: &str = r#"{"priority":0,"src":"all","table":"local"}"#;

#[test]
fn rules_are_cilium_s_only_with_priority_mark_and_table() {
    let found = rule_fates(
        r#"[{"priority":9,"src":"all","fwmark":"0x200","fwmask":"0xf00","table":"2004"},
            {"priority":9,"src":"all","fwmark":"0x200","fwmask":"0xff00","table":"2004"},
            {"priority":9,"src":"all","fwmark":"0x200","fwmask":"0xf00","table":"2005"},
            {"priority":9,"src":"10.0.0.1","fwmark":"0x200","fwmask":"0xf00","table":"2004"},
            {"priority":10,"src":"all","fwmark":"0xa00","fwmask":"0xf00","table":"2005"},
            {"priority":1024,"src":"all","fwmark":"0x80","fwmask":"0x80","table":"main"},
            {"priority":100,"src":"all","table":"local"},
            {"priority":110,"src":"10.9.9.9","table":"42"},
            {"priority":111,"src":"10.244.0.7","table":"11"},
            {"priority":111,"src":"10.244.0.0","srclen":24,"table":"11"}]"#,
        &["10.244.0.0/16"],
    );
    assert_eq!(
        found,
        [
            "remove IPv4 rule for table local at 100 instead of 0",
            "remove IPv4 rule 9: from all fwmark 0x200/0xf00 lookup 2004",
            "remove IPv4 rule 10: from all fwmark 0xa00/0xf00 lookup 2005",
            "doubtful IPv4 rule 110: from 10.9.9.9/32 lookup 42",
            "remove IPv4 rule 111: from 10.244.0.7/32 lookup 11",
        ]
    );
}

#[test]
fn the_rule_for_local_addresses_is_missed_only_where_none_is_left() {
    assert_eq!(rule_fates(&format!("[{LOCAL_AT_0}]"), &[]), [""; 0]);
    let none = r#"[{"priority":32766,"src":"all","table":"main"}]"#;
    assert_eq!(rule_fates(none, &[]), ["remove no IPv4 rule for table local"]);
    // Where VRFs want it.
    let moved = r#"[{"priority":32765,"src":"all","table":"local"}]"#;
    assert_eq!(rule_fates(moved, &[]), [""; 0]);
    let both = format!(r#"[{LOCAL_AT_0},{{"priority":100,"src":"all","table":"local"}}]"#);
    assert_eq!(rule_fates(&both, &[]), ["remove IPv4 rule for table local at 100 instead of 0"]);
}

#[test]
fn direct_node_routes_need_pod_cidr_and_node() {
    let routes = r#"[
        {"dst":"10.244.1.0/24","gateway":"10.24.0.4","dev":"eth1","protocol":"kernel","flags":[]},
        {"dst":"10.244.2.0/24","gateway":"10.24.0.77","dev":"eth1","protocol":"kernel","flags":[]},
        {"dst":"192.168.0.0/24","gateway":"10.24.0.4","dev":"eth1","protocol":"kernel","flags":[]},
        {"dst":"10.244.3.0/24","gateway":"10.24.0.4","dev":"eth1","flags":[]},
        {"dst":"10.244.4.0/24","gateway":"10.24.0.4","dev":"eth1","protocol":"bird","flags":[]},
        {"dst":"192.168.1.0/24","gateway":"10.24.0.4","dev":"eth1","protocol":"static","flags":[]},
        {"type":"unreachable","dst":"10.244.0.9","protocol":"kernel","flags":[]},
        {"type":"unreachable","dst":"10.9.0.9","protocol":"kernel","flags":[]},
        {"type":"local","dst":"default","dev":"lo","table":"2004","scope":"host","flags":[]},
        {"dst":"default","gateway":"10.0.0.1","dev":"eth0","table":"11","flags":[]},
        {"dst":"default","gateway":"10.0.0.1","dev":"eth0","flags":[]}]"#;
    let mut state = HostState {
        routes: Fact::Known(iproute2::routes(routes).unwrap()),
        rules: Fact::Known(rules(&format!(
            r#"[{LOCAL_AT_0},{{"priority":111,"src":"10.244.0.7","table":"11"}}]"#
        ))),
        ..HostState::default()
    };
    state.remembered.pod_cidrs = vec!["10.244.0.0/16".parse().unwrap()];
    state.remembered.node_addresses = vec![IpAddr::from([10, 24, 0, 4])];
    let mut found = told(&state);
    found.remove(0);
    assert_eq!(
        found,
        [
            "remove route 10.244.1.0/24 via 10.24.0.4 dev eth1 proto kernel",
            "doubtful route 10.244.2.0/24 via 10.24.0.77 dev eth1 proto kernel",
            "doubtful route 192.168.0.0/24 via 10.24.0.4 dev eth1 proto kernel",
            "doubtful route 10.244.3.0/24 via 10.24.0.4 dev eth1",
            "remove route unreachable 10.244.0.9 proto kernel",
            "remove route local default dev lo table 2004",
            "remove route default via 10.0.0.1 dev eth0 table 11",
        ]
    );
    // A table that others use as well is theirs.
    let Fact::Known(rules) = &mut state.rules else { unreachable!() };
    rules.push(RoutingRule::all_to(Family::V4, 500, TableId(11)));
    assert!(!told(&state).iter().any(|line| line.contains("table 11")), "{:#?}", told(&state));
}

/// A veth whose other end is in another namespace.
fn veth(name: &str) -> Link {
    let text = format!(
        r#"[{{"ifindex":9,"link_index":2,"link_netnsid":0,"ifname":"{name}","flags":[],"mtu":1500,
            "linkinfo":{{"info_kind":"veth"}}}}]"#
    );
    iproute2::links(&text).unwrap().remove(0)
}

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
            "remove tc filter cil_from_netdev on eth0 ingress",
            "remove tc filter bpf_netdev.o:[from-netdev] on eth1 ingress",
            "remove qdisc clsact on eth0",
            "doubtful qdisc clsact on eth2",
        ]
    );
}

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
        ]
    );
}
