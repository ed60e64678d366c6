//! Questions to the kernel.

use std::net::IpAddr;

use kcilium_core::facts::{LookupAnswer, LookupRefusal, TableId};
use kcilium_node::look_up;
use netlab::{Lab, Namespace, require_root_netns};

use crate::inside::{inside, known, node};

const NODE: &str = "\
route add 10.1.0.0/16 via 10.0.0.1 src 10.0.0.2
route add blackhole 10.4.0.0/16
route add unreachable 10.5.0.0/16
route add prohibit 10.6.0.0/16
route add throw 10.7.0.0/16
route add 10.8.0.0/16 via inet6 fe80::1 dev eth0
route add 10.9.128.0/17 via 10.9.0.1 table 4000000000
rule add priority 100 to 10.9.128.0/17 lookup 4000000000
rule add priority 101 to 10.10.0.0/16 prohibit
rule add priority 102 to 10.11.0.0/16 blackhole
rule add priority 103 to 10.12.0.0/16 unreachable
route add 2001:db8:1::/48 via 2001:db8::1
route add blackhole 2001:db8:4::/48
route add unreachable 2001:db8:5::/48
route add prohibit 2001:db8:6::/48
route add throw 2001:db8:7::/48
";

fn ask(node: &Namespace, addresses: &[&str]) -> Vec<LookupAnswer> {
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let lookups = known(inside(node, async || look_up(&addresses).await));
    let asked: Vec<IpAddr> = lookups.iter().map(|lookup| lookup.destination).collect();
    assert_eq!(asked, addresses);
    lookups.into_iter().map(|lookup| lookup.answer).collect()
}

fn way(link: &str, gateway: &str, source: &str, table: TableId) -> LookupAnswer {
    LookupAnswer::Route {
        link: link.into(),
        gateway: gateway.parse().ok(),
        source: source.parse().ok(),
        table: Some(table),
    }
}

#[test]
fn the_kernel_tells_the_way_and_why_there_is_none() {
    if !require_root_netns() {
        return;
    }
    let lab = Lab::new("lookups").unwrap();
    let node = node(&lab);
    node.ip_batch(NODE).unwrap();
    let main = TableId::MAIN;
    let refused = LookupAnswer::Refused;
    let cases = [
        ("10.0.0.77", way("eth0", "", "10.0.0.2", main)),
        ("10.1.2.3", way("eth0", "10.0.0.1", "10.0.0.2", main)),
        ("10.0.0.2", way("lo", "", "10.0.0.2", TableId::LOCAL)),
        ("127.0.0.53", way("lo", "", "127.0.0.1", TableId::LOCAL)),
        ("10.8.0.1", way("eth0", "fe80::1", "10.0.0.2", main)),
        ("10.9.128.1", way("eth1", "10.9.0.1", "10.9.0.2", TableId(4_000_000_000))),
        ("8.8.8.8", refused(LookupRefusal::NoRoute)),
        ("10.7.0.1", refused(LookupRefusal::NoRoute)),
        ("10.4.0.1", refused(LookupRefusal::Blackhole)),
        ("10.5.0.1", refused(LookupRefusal::Unreachable)),
        ("10.6.0.1", refused(LookupRefusal::Prohibited)),
        ("10.10.0.1", refused(LookupRefusal::Prohibited)),
        ("10.11.0.1", refused(LookupRefusal::Blackhole)),
        ("10.12.0.1", refused(LookupRefusal::NoRoute)),
        ("2001:db8::77", way("eth0", "", "2001:db8::2", main)),
        ("2001:db8:1::1", way("eth0", "2001:db8::1", "2001:db8::2", main)),
        ("2001:db8::2", way("lo", "", "2001:db8::2", TableId::LOCAL)),
        ("2001:4860:4860::8888", refused(LookupRefusal::NoRoute)),
        ("2001:db8:7::1", refused(LookupRefusal::NoRoute)),
        ("2001:db8:4::1", refused(LookupRefusal::Blackhole)),
        ("2001:db8:5::1", refused(LookupRefusal::Unreachable)),
        ("2001:db8:6::1", refused(LookupRefusal::Prohibited)),
    ];
    let answers = ask(&node, &cases.iter().map(|(address, _)| *address).collect::<Vec<_>>());
    for ((address, expected), answer) in cases.iter().zip(answers) {
        assert_eq!(&answer, expected, "{address}");
    }
}

#[test]
fn thousands_are_answered_in_order() {
    if !require_root_netns() {
        return;
    }
    let lab = Lab::new("many lookups").unwrap();
    let node = node(&lab);
    let addresses: Vec<String> =
        (0..5000).map(|number| format!("10.0.{}.{}", number / 250, number % 250)).collect();
    let answers = ask(&node, &addresses.iter().map(String::as_str).collect::<Vec<_>>());
    let on_link = answers.iter().filter(|answer| matches!(answer, LookupAnswer::Route { .. }));
    assert_eq!(on_link.count(), 250);
}

#[test]
fn nothing_asked_nothing_opened() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(known(runtime.block_on(look_up(&[]))), []);
}
