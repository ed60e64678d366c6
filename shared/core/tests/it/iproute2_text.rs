//! What `ip` prints for people says the same as its JSON.

use kcilium_core::{
    decode::{
        iproute2_text::{addresses, links, routes, rules},
        recorded::Files,
    },
    facts::{
        Family, LinkFlag, NextHopFlag, Peer, Route, RouteKind, RouteScope, RuleAction, TableId,
    },
};

use crate::fixture;

/// The recorded clash, and the same with text in the place of JSON.
fn recordings() -> (Files, Files) {
    let both = fixture::recording("dumps/clash");
    let is_json = |path: &str| path.contains("/ip-j-") || path.contains("/ip-6-j-");
    let text = both.iter().filter(|(path, _)| !is_json(path));
    (both.clone(), text.map(|(path, text)| (path.clone(), text.clone())).collect())
}

#[test]
fn real_nodes_are_the_same_in_text() {
    let (json, text) = recordings();
    let (json, text) = (fixture::decoded(&json), fixture::decoded(&text));
    assert_eq!(text.nodes.len(), 3);
    for (json, text) in json.nodes.iter().zip(&text.nodes) {
        let mut links = json.links.get().unwrap().clone();
        // Text has a name (`link-netns cni-…`) in the place of the number, where there is one.
        for link in &mut links {
            let name = link.name.as_str();
            if let Some(Peer::Elsewhere { namespace_id, .. }) = &mut link.peer
                && name.starts_with("lxc")
                && name != "lxc_health"
            {
                *namespace_id = None;
            }
        }
        assert_eq!(text.links.get().unwrap(), &links);
        assert_eq!(text.addresses, json.addresses);
        let in_table = |routes: &[Route], table| {
            let found = routes.iter().filter(|route| route.table == table).cloned();
            found.collect::<Vec<_>>()
        };
        let (json_routes, text_routes) = (json.routes.get().unwrap(), text.routes.get().unwrap());
        assert_eq!(in_table(text_routes, TableId::MAIN), in_table(json_routes, TableId::MAIN));
        // The text has the main table only. What the kernel keeps of the addresses is added.
        let own = |routes: &[Route]| {
            let local = in_table(routes, TableId::LOCAL).into_iter();
            let mut own: Vec<String> = local
                .filter(|route| route.kind == RouteKind::Local && route.family() == Family::V4)
                .map(|route| format!("{:?}", Route { mtu: None, ..route }))
                .collect();
            own.sort();
            own
        };
        assert_eq!(own(text_routes), own(json_routes));
        let v4 = json.rules.get().unwrap().iter().filter(|rule| rule.family == Family::V4);
        assert!(text.rules.get().unwrap().iter().eq(v4));
    }
}

#[test]
fn routes_of_every_kind_are_read() {
    let text = "\
default proto static metric 100 \n\
\tnexthop via 10.0.0.1 dev eth0 weight 1 \n\
\tnexthop via inet6 fe80::1 dev eth1 weight 3 linkdown \n\
blackhole 10.9.0.0/16 proto 188 \n\
10.8.0.0/16  encap ip id 7 src 0.0.0.0 dst 10.1.1.1 ttl 0 tos 9 via 10.0.0.2 dev tun0 scope link mtu lock 1400 onlink \n\
unreachable default dev lo metric 4294967295 error -113\n";
    let found = routes(text, Family::V4).unwrap();
    let [multipath, blackhole, tunnel, unreachable] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(multipath.metric, 100);
    let hops: Vec<_> = multipath
        .next_hops
        .iter()
        .map(|hop| (hop.gateway.unwrap().to_string(), hop.weight, hop.flags.clone()))
        .collect();
    assert_eq!(
        hops,
        [("10.0.0.1".into(), 1, vec![]), ("fe80::1".into(), 3, vec![NextHopFlag::Linkdown])]
    );
    assert_eq!((blackhole.kind, blackhole.protocol.0), (RouteKind::Blackhole, 188));
    assert_eq!((tunnel.tos, tunnel.mtu, tunnel.scope), (0, Some(1400), RouteScope(253)));
    assert_eq!(tunnel.next_hops[0].gateway.unwrap().to_string(), "10.0.0.2");
    assert_eq!(tunnel.next_hops[0].flags, [NextHopFlag::Onlink]);
    assert_eq!((unreachable.kind, unreachable.metric), (RouteKind::Unreachable, u32::MAX));

    let v6 = routes("default dev eth0 metric 1024\nfd00::/64 via fe80::1 dev eth0", Family::V6);
    let v6 = v6.unwrap();
    assert_eq!([v6[0].family(), v6[1].family()], [Family::V6; 2]);
    let other = routes("10.0.0.0/8 dev eth0 table 2004", Family::V4).unwrap();
    assert_eq!(other[0].table, TableId(2004));
}

#[test]
fn rules_of_every_kind_are_read() {
    let text = "\
0:\tfrom all lookup local\n\
9:\tfrom all fwmark 0x200/0xf00 lookup 2004\n\
100:\tnot from 10.1.0.0/16 to 10.2.0.1 iif eth0 [detached] ipproto tcp dport 80-90 lookup main proto static\n\
101:\tfrom all uidrange 0-99 goto 32766\n\
102:\tfrom all lookup main suppress_prefixlength 0\n\
103:\tfrom all to 10.0.0.0/8 prohibit\n\
1000:\tfrom all lookup [l3mdev-table]\n";
    let found = rules(text, Family::V4).unwrap();
    assert_eq!(found.len(), 7);
    let mark = found[1].mark.unwrap();
    assert_eq!((mark.value, mark.mask), (0x200, 0xf00));
    let rule = &found[2];
    assert!(rule.invert);
    assert_eq!(rule.from.unwrap().to_string(), "10.1.0.0/16");
    assert_eq!(rule.to.unwrap().to_string(), "10.2.0.1/32");
    assert_eq!((rule.ip_protocol, rule.protocol.0), (Some(6), 4));
    assert_eq!(rule.destination_ports.unwrap().end, 90);
    assert_eq!((found[3].users.unwrap().end, found[3].action), (99, RuleAction::Goto(32766)));
    assert_eq!(found[4].suppress_prefix_length, Some(0));
    assert_eq!(found[5].action, RuleAction::Prohibit);
    assert_eq!(found[6].action, RuleAction::LookupVrf);
}

#[test]
fn statistics_and_slaves_are_no_kinds() {
    let text = "\
2: ens3: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9000 qdisc mq master br0 state UP mode DEFAULT group default qlen 1000
    link/ether 52:54:00:12:34:56 brd ff:ff:ff:ff:ff:ff promiscuity 1 minmtu 68 maxmtu 65535 
    bridge_slave state forwarding priority 32 cost 100
    RX:  bytes packets errors dropped  missed   mcast           
    1000 10 0 0 0 0 
    TX:  bytes packets errors dropped carrier collsns           
    1000 10 0 0 0 0 
    altname enp0s3
5: vlan5@ens3: <POINTOPOINT,NOARP> mtu 1500 qdisc noop state DOWN
    link/none 
    vlan protocol 802.1Q id 5 <REORDER_HDR> addrgenmode eui64 
6: lxc0@if9: <UP> mtu 1500
    link/ether 00:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff link-netnsid 3
7: tunl0@NONE: <NOARP> mtu 1480
    link/ipip 0.0.0.0 brd 0.0.0.0
    ipip any remote any local any
";
    let found = links(text).unwrap();
    let kinds: Vec<_> = found.iter().map(|link| link.kind.as_deref()).collect();
    assert_eq!(kinds, [None, Some("vlan"), None, Some("ipip")]);
    assert_eq!(found[0].master.as_ref().unwrap().as_str(), "br0");
    assert_eq!(found[0].altnames, ["enp0s3"]);
    assert_eq!(found[1].flags, [LinkFlag::PointToPoint, LinkFlag::NoArp]);
    assert_eq!(found[1].peer, Some(Peer::Here("ens3".into())));
    assert_eq!(found[2].peer, Some(Peer::Elsewhere { index: 9, namespace_id: Some(3) }));
    assert_eq!(found[3].peer, None);
}

#[test]
fn addresses_with_peers_and_without_length_are_read() {
    let text = "\
3: ppp0: <POINTOPOINT,UP> mtu 1492
    link/ppp 
    inet 192.0.2.7 peer 192.0.2.1/32 scope global ppp0
       valid_lft forever preferred_lft forever
    inet6 fd00::1 scope global deprecated dynamic
";
    let found = addresses(text).unwrap();
    let found: Vec<_> =
        found.iter().map(|it| (it.address.to_string(), it.prefix_len, &*it.scope)).collect();
    assert_eq!(found, [("192.0.2.7".into(), 32, "global"), ("fd00::1".into(), 128, "global")]);
}

#[test]
fn what_is_no_output_of_ip_is_named_with_its_line() {
    let why = |error: Option<kcilium_core::decode::DecodeError>| error.unwrap().to_string();
    let usage = "Error: ipv4: FIB table does not exist.\nDump terminated\n";
    let route = why(routes(usage, Family::V4).err());
    assert!(route.starts_with("line 1: not a route: `Error: ipv4"), "{route}");
    assert!(why(routes("\tnexthop via 10.0.0.1", Family::V4).err()).contains("line 1"));
    assert!(why(rules("\nbash: ip: command not found", Family::V4).err()).contains("line 2"));
    assert!(why(links("x").err()).contains("not a link"));
    assert!(why(addresses("1: lo: <UP> mtu 1\n inet").err()).contains("line 2: not an address"));
    let name = why(routes("10.0.0.0/8 dev x table vpn", Family::V4).err());
    assert!(name.contains("unknown table name `vpn`"), "{name}");
    let bits = why(routes("10.0.0.0/77 dev x", Family::V4).err());
    assert!(bits.contains("10.0.0.0/77"), "{bits}");
}
