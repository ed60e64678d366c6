//! Interfaces and addresses.

use std::fmt::Write as _;

use kcilium_core::facts::{Address, Link, LinkFlag, LinkName, Peer};
use netlab::{Lab, require_root_netns};

use crate::inside::{assert_as_iproute2, facts, known, node};

const LINKS: &str = "\
link add br0 type bridge
link set eth1 master br0
tuntap add dev tun7 mode tun
link add link eth0 name macvlan0 type macvlan
link add vxlan1 type vxlan external dstport 8473
link add cilium_host type veth peer name cilium_net
link set cilium_host up arp off
link set eth0 mtu 1400
link property add dev eth0 altname enp1s0 altname a-rather-long-name-of-a-nic
addr add 192.0.2.1 peer 192.0.2.2/31 dev cilium_host
addr add 10.7.0.1/32 dev cilium_host scope link
addr add 10.7.0.2/32 dev cilium_host scope 77
";

fn link<'a>(links: &'a [Link], name: &str) -> &'a Link {
    links.iter().find(|link| link.name.as_str() == name).unwrap()
}

fn here(name: &str) -> Peer {
    Peer::Here(name.into())
}

#[test]
fn links_say_what_was_made() {
    if !require_root_netns() {
        return;
    }
    let lab = Lab::new("links").unwrap();
    let node = node(&lab);
    node.ip_batch(LINKS).unwrap();
    let facts = facts(&node);
    let links = known(facts.links);

    let lo = link(&links, "lo");
    assert_eq!((lo.kind.as_deref(), lo.mtu, &lo.peer), (None, 65536, &None));
    assert_eq!(lo.flags, [LinkFlag::Up, LinkFlag::LowerUp, LinkFlag::Loopback]);

    let eth0 = link(&links, "eth0");
    assert_eq!((eth0.kind.as_deref(), eth0.mtu), (Some("veth"), 1400));
    assert_eq!(eth0.altnames, ["enp1s0", "a-rather-long-name-of-a-nic"]);
    assert!(
        matches!(eth0.peer, Some(Peer::Elsewhere { index, namespace_id: Some(_) }) if index > 1),
        "{:?}",
        eth0.peer
    );
    let hardware = eth0.hardware_address.as_deref().unwrap();
    assert_eq!(hardware.split(':').count(), 6, "{hardware}");

    assert_eq!(link(&links, "eth1").master, Some(LinkName::from("br0")));
    assert_eq!(link(&links, "br0").kind.as_deref(), Some("bridge"));
    let tun7 = link(&links, "tun7");
    assert_eq!((tun7.kind.as_deref(), &tun7.hardware_address), (Some("tun"), &None));
    assert_eq!(tun7.flags, [LinkFlag::PointToPoint, LinkFlag::NoArp]);
    assert_eq!(link(&links, "macvlan0").peer, Some(here("eth0")));
    assert_eq!(link(&links, "vxlan1").peer, None);
    assert_eq!(link(&links, "vxlan1").flags, []);
    assert_eq!(link(&links, "cilium_net").peer, Some(here("cilium_host")));
    let cilium_host = link(&links, "cilium_host");
    assert!(cilium_host.has(LinkFlag::Up) && cilium_host.has(LinkFlag::NoArp));
    assert!(!cilium_host.has(LinkFlag::LowerUp), "its peer is down");

    let address = |address: &str, prefix_len, scope: &str| Address {
        link: "cilium_host".into(),
        address: address.parse().unwrap(),
        prefix_len,
        scope: scope.into(),
    };
    let addresses = known(facts.addresses);
    for expected in [
        address("192.0.2.1", 31, "global"),
        address("10.7.0.1", 32, "link"),
        address("10.7.0.2", 32, "77"),
    ] {
        assert!(addresses.contains(&expected), "{expected:?} in {addresses:#?}");
    }
    assert_as_iproute2(&node);
}

#[test]
fn a_peer_may_have_the_index_of_its_own_peer() {
    if !require_root_netns() {
        return;
    }
    let lab = Lab::new("twins").unwrap();
    let (left, right) = (lab.namespace("left").unwrap(), lab.namespace("right").unwrap());
    let add = "link add eth0 index 77 type veth peer name eth0 index 77 netns";
    left.ip_batch(&format!("{add} {}\n", right.name())).unwrap();
    let links = known(facts(&left).links);
    assert!(
        matches!(link(&links, "eth0").peer, Some(Peer::Elsewhere { index: 77, .. })),
        "{links:#?}"
    );
    assert_as_iproute2(&left);
}

#[test]
fn links_with_large_messages_are_read() {
    if !require_root_netns() {
        return;
    }
    let lab = Lab::new("many names").unwrap();
    let node = lab.namespace("node").unwrap();
    let mut script = String::from("link add br0 type bridge\n");
    for number in 0..200 {
        writeln!(script, "link property add dev br0 altname name-{number:0>100}").unwrap();
    }
    node.ip_batch(&script).unwrap();
    let links = known(facts(&node).links);
    assert_eq!(link(&links, "br0").altnames.len(), 200);
    assert_as_iproute2(&node);
}
