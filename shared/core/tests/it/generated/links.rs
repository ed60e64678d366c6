//! Interfaces, with their routes and neighbours.

use kcilium_core::decode::iproute2;
use kcilium_core::facts::{Fact, Link, LinkName, Route};
use kcilium_core::leftovers::{
    Direction, Endpoint, Filter, HostState, Leftover, Neighbour, Pin, Program,
};
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

use super::{NODE, Thing};

pub(super) fn things() -> impl Strategy<Value = Thing> {
    prop_oneof![device(), pod(), unfinished(), nearly_a_pod(), nearly_a_device(), named_alike()]
}

fn link(value: &Value) -> Link {
    iproute2::links(&json!([value]).to_string()).unwrap().remove(0)
}

fn route(value: &Value) -> Route {
    iproute2::routes(&json!([value]).to_string()).unwrap().remove(0)
}

fn veth(name: &str, up: bool) -> Value {
    let flags: &[&str] = if up { &["UP", "LOWER_UP"] } else { &[] };
    json!({"ifindex": 9, "ifname": name, "flags": flags, "mtu": 1500,
        "linkinfo": {"info_kind": "veth"}})
}

/// With its other end in this namespace.
fn pair(name: &str, other: &str, up: bool) -> Link {
    let mut pair = veth(name, up);
    pair["link"] = other.into();
    link(&pair)
}

/// With its other end in a pod's.
fn single(name: &str) -> Link {
    let mut single = veth(name, true);
    single["link_index"] = 2.into();
    single["link_netnsid"] = 0.into();
    link(&single)
}

fn removed(link: &Link) -> Leftover {
    Leftover::Link { name: link.name.clone(), kind: link.kind.clone().unwrap() }
}

fn device() -> impl Strategy<Value = Thing> {
    let devices = [
        ("cilium_host", "veth"),
        ("cilium_net", "veth"),
        ("cilium_vxlan", "vxlan"),
        ("cilium_wg0", "wireguard"),
        ("cilium_ipip4", "ipip"),
    ];
    (select(devices.to_vec()), any::<u8>()).prop_map(|((name, kind), octet)| {
        let device = link(&json!({"ifindex": 9, "ifname": name, "flags": ["UP"], "mtu": 1500,
            "linkinfo": {"info_kind": kind}}));
        let by = route(&json!({"dst": format!("192.168.{octet}.0/24"), "dev": name, "flags": []}));
        let neighbour = Neighbour {
            link: name.into(),
            address: NODE.parse().unwrap(),
            learned_externally: true,
        };
        let goes = vec![removed(&device), Leftover::Route(by.clone())];
        let read = HostState {
            links: Fact::Known(vec![device]),
            routes: Fact::Known(vec![by]),
            // The kernel takes it along.
            neighbours: Fact::Known(vec![neighbour]),
            ..HostState::default()
        };
        Thing::ours(read, goes)
    })
}

/// What says that a device is a pod's.
#[derive(Clone, Copy, Debug)]
enum Proved {
    File,
    Route,
    Program,
    List,
}

fn pod() -> impl Strategy<Value = Thing> {
    let by = select(&[Proved::File, Proved::Route, Proved::Program, Proved::List][..]);
    ("lxc[0-9a-f]{12}", by, any::<u16>(), prop::bool::weighted(0.2)).prop_map(
        |(name, by, number, lives)| {
            let device = if lives { single(&name) } else { pair(&name, "eth0p", true) };
            let name = LinkName::from(name.as_str());
            let mut goes = vec![removed(&device)];
            let mut read = HostState { links: Fact::Known(vec![device]), ..HostState::default() };
            match by {
                Proved::File => {
                    let pod = Some("shop/cart".into());
                    let id = u32::from(number);
                    read.endpoints = Fact::Known(vec![Endpoint { id, link: name, pod }]);
                    let path = format!("/sys/fs/bpf/cilium/endpoints/{id}/links/cil_to_container");
                    goes.push(Leftover::Pin { path: path.clone() });
                    read.pins = Fact::Known(vec![Pin { path, is_directory: false }]);
                }
                Proved::Route => {
                    let to = format!("10.244.{}.{}", number >> 8, number & 0xff);
                    let by = route(&json!({"dst": to, "dev": name, "flags": []}));
                    goes.push(Leftover::Route(by.clone()));
                    read.routes = Fact::Known(vec![by]);
                }
                Proved::Program => {
                    let filter = filter(&name, "cil_from_contai");
                    goes.push(Leftover::Filter(filter.clone()));
                    read.filters = Fact::Known(vec![filter]);
                }
                Proved::List => read.remembered.pod_links = vec![name],
            }
            let goes = if lives { Vec::new() } else { goes };
            Thing { lives, ..Thing::ours(read, goes) }
        },
    )
}

pub(super) fn filter(link: &LinkName, program: &str) -> Filter {
    Filter {
        link: link.clone(),
        direction: Direction::Ingress,
        priority: 1,
        protocol: 3,
        handle: 1,
        name: format!("{program}-{link}"),
        program: Some(Program { id: 1, name: program.into(), maps: vec![] }),
    }
}

fn unfinished() -> impl Strategy<Value = Thing> {
    ("lxc[0-9a-f]{12}", "tmp[0-9a-f]{5}").prop_map(|(host, pod)| {
        let links = vec![pair(&host, &pod, false), pair(&pod, &host, false)];
        let goes = links.iter().map(removed).collect();
        Thing::ours(HostState { links: Fact::Known(links), ..HostState::default() }, goes)
    })
}

/// Name and kind of a pod's device, and what makes another's of it.
fn nearly_a_pod() -> impl Strategy<Value = Thing> {
    ("lxc[0-9a-f]{12}", 0..4, any::<u32>()).prop_map(|(name, what, id)| {
        let mut device = single(&name);
        let mut read = HostState::default();
        let name = LinkName::from(name.as_str());
        let endpoint = Endpoint { id, link: name.clone(), pod: None };
        match what {
            // Nothing else says so.
            0 => {}
            1 => {
                device.master = Some("lxcbr0".into());
                read.endpoints = Fact::Known(vec![endpoint]);
            }
            2 => {
                let text = json!([{"ifname": name, "addr_info": [
                    {"family": "inet", "local": "10.0.3.1", "prefixlen": 24, "scope": "global"}]}]);
                read.addresses = Fact::Known(iproute2::addresses(&text.to_string()).unwrap());
                read.endpoints = Fact::Known(vec![endpoint]);
            }
            // Somebody else's container has routes too.
            _ => {
                let by = json!({"dst": "10.0.3.7", "dev": name, "flags": []});
                read.routes = Fact::Known(vec![route(&by)]);
            }
        }
        read.links = Fact::Known(vec![device]);
        Thing::foreign(read)
    })
}

/// Names that begin like those of Cilium's devices, and such names on other kinds.
fn nearly_a_device() -> impl Strategy<Value = Thing> {
    let kinds = select(&["dummy", "bridge", "macvlan"][..]);
    let names = prop_oneof!["cilium_[a-z]{2}[0-9]{2}", Just("cilium_geneve".into())];
    (names, kinds, any::<u8>()).prop_map(|(name, kind, octet): (String, _, _)| {
        let device = link(&json!({"ifindex": 9, "ifname": name, "flags": ["UP"], "mtu": 1500,
            "linkinfo": {"info_kind": kind}}));
        let by = json!({"dst": format!("192.168.{octet}.0/24"), "dev": name, "flags": []});
        Thing::foreign(HostState {
            links: Fact::Known(vec![device]),
            routes: Fact::Known(vec![route(&by)]),
            ..HostState::default()
        })
    })
}

fn named_alike() -> impl Strategy<Value = Thing> {
    let names = [
        "lxc[0-9a-f]{11}",
        "lxc[0-9a-f]{11}[g-z]",
        "lx[0-9a-f]{12}",
        "xlxc[0-9a-f]{11}",
        "lxc(br|foo)[0-9]",
        "Cilium_(host|net)",
        "cilium-(host|net|vxlan)",
        "cilium[0-9]",
        "cali[0-9a-f]{11}",
        "tmp[0-9a-f]{5}",
        "tmp[0-9a-f]{4}",
        "(veth|eni)[0-9a-f]{8}",
    ];
    let names = names.map(Strategy::boxed);
    (prop::strategy::Union::new(names), any::<u16>()).prop_map(|(name, id)| {
        let pin = format!("/sys/fs/bpf/{name}");
        let device = single(&name);
        let endpoint = Endpoint { id: id.into(), link: device.name.clone(), pod: None };
        Thing::foreign(HostState {
            links: Fact::Known(vec![device]),
            endpoints: Fact::Known(vec![endpoint]),
            pins: Fact::Known(vec![Pin { path: pin, is_directory: false }]),
            ..HostState::default()
        })
    })
}
