//! What stays after `helm uninstall`, recognised from recordings of a real node, and everything that
//! only looks like it.

use kcilium_core::decode::iproute2;
use kcilium_core::facts::{Fact, Family, Link};
use kcilium_core::leftovers::{
    Attachment, AttachmentPoint, Backend, CgroupHook, Direction, Fate, Filter, HostState,
    Inventory, Item, Pin, Program, Ruleset,
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

pub(crate) fn ruleset(text: &str) -> Ruleset {
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
         Filter: remove × 9\n\
         Feeder: remove × 10\n\
         Chain: remove × 10\n\
         Link: remove × 3\n\
         Link: in use × 3\n\
         Route: remove × 4\n\
         Filter: in use × 3\n\
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

/// Each item with its fate, in order.
pub(crate) fn told(state: &HostState) -> Vec<String> {
    let items = Inventory::of(state).items;
    let fate = |fate: &Fate| match fate {
        Fate::Remove => "remove",
        Fate::InUse { .. } => "in use",
        Fate::Doubtful { .. } => "doubtful",
    };
    items.iter().map(|item| format!("{} {}", fate(&item.fate), item.what)).collect()
}

/// A veth whose other end is in another namespace.
pub(crate) fn veth(name: &str) -> Link {
    let text = format!(
        r#"[{{"ifindex":9,"link_index":2,"link_netnsid":0,"ifname":"{name}","flags":[],"mtu":1500,
            "linkinfo":{{"info_kind":"veth"}}}}]"#
    );
    iproute2::links(&text).unwrap().remove(0)
}
