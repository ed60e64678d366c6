//! Reading from within a namespace.

use std::fs::{self, File};
use std::os::fd::AsFd as _;
use std::thread;

use kcilium_core::decode::iproute2;
use kcilium_core::facts::{Fact, Family, NodeFacts, Route};
use kcilium_node::{Host, HostRoot, collect};
use netlab::{Lab, Namespace};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Awaits `work` on a thread of its own that has moved into the namespace. Such a thread cannot be
/// one of the test runner's: it never comes back.
pub(crate) fn inside<T: Send>(namespace: &Namespace, work: impl AsyncFnOnce() -> T + Send) -> T {
    let path = format!("/run/netns/{}", namespace.name());
    let body = move || {
        let file = File::open(path).unwrap();
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(work())
    };
    thread::scope(|scope| scope.spawn(body).join().unwrap())
}

/// All facts of a namespace, with no files.
pub(crate) fn facts(namespace: &Namespace) -> NodeFacts {
    inside(namespace, async || {
        let empty = tempfile::tempdir().unwrap();
        collect(&Host::new(HostRoot::new(empty.path()))).await
    })
}

/// What is known, or a panic that says why it is not.
pub(crate) fn known<T>(fact: Fact<T>) -> T {
    match fact {
        Fact::Known(value) => value,
        Fact::Unavailable(why) => panic!("{why}"),
    }
}

/// All routes of a namespace.
pub(crate) fn routes(namespace: &Namespace) -> Vec<Route> {
    known(facts(namespace).routes)
}

/// The route to a prefix; there must be exactly one.
pub(crate) fn route<'a>(routes: &'a [Route], destination: &str) -> &'a Route {
    let destination = destination.parse().unwrap();
    let mut found = routes.iter().filter(|route| route.destination == destination);
    match (found.next(), found.next()) {
        (Some(route), None) => route,
        _ => panic!("not exactly one route to {destination} in {routes:#?}"),
    }
}

/// Compares what was collected with what iproute2 prints, which core decodes. Waits for the kernel
/// to be done with what it does by itself to new interfaces.
pub(crate) fn assert_as_iproute2(namespace: &Namespace) {
    for _ in 0..50 {
        let before = printed(namespace);
        let facts = facts(namespace);
        if before == printed(namespace) {
            compare(&before, facts);
            return;
        }
        thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("{} does not come to rest", namespace.name());
}

/// Links, addresses, routes, rules of IPv4 and of IPv6.
type Printed = [String; 5];

fn printed(namespace: &Namespace) -> Printed {
    [
        &["-d", "-j", "link"][..],
        &["-j", "addr"],
        &["-j", "route", "show", "table", "all"],
        &["-j", "rule"],
        &["-6", "-j", "rule"],
    ]
    .map(|args| namespace.ip(args).unwrap())
}

fn compare([links, addresses, routes, rules_v4, rules_v6]: &Printed, facts: NodeFacts) {
    assert_eq!(known(facts.links), iproute2::links(links).unwrap());
    assert_eq!(known(facts.addresses), iproute2::addresses(addresses).unwrap());
    let expected = iproute2::routes(routes).unwrap();
    for (route, expected) in known(facts.routes).iter().zip(&expected) {
        assert_eq!(route, expected);
    }
    let mut rules = iproute2::rules(rules_v4, Family::V4).unwrap();
    rules.extend(iproute2::rules(rules_v6, Family::V6).unwrap());
    assert_eq!(known(facts.rules), rules);
}

/// Runs `ip -6` commands: in a batch the family cannot be said line by line.
pub(crate) fn ip_batch_v6(lab: &Lab, namespace: &Namespace, script: &str) {
    let file = lab.dir().join("batch");
    fs::write(&file, script).unwrap();
    namespace.ip(&["-6", "-batch", file.to_str().unwrap()]).unwrap();
}

/// A node with two interfaces, `eth0` (10.0.0.2/24, 2001:db8::2/64) and `eth1` (10.9.0.2/24), each
/// with a router at .1 and fe80::1 behind it.
pub(crate) fn node(lab: &Lab) -> Namespace {
    let node = lab.namespace("node").unwrap();
    let router = lab.namespace("router").unwrap();
    for namespace in [&node, &router] {
        namespace.trust_addresses().unwrap();
    }
    lab.veth((&node, "eth0"), (&router, "lan0")).unwrap();
    lab.veth((&node, "eth1"), (&router, "lan1")).unwrap();
    node.ip_batch(
        "addr add 10.0.0.2/24 dev eth0\n\
         addr add 2001:db8::2/64 dev eth0\n\
         addr add 10.9.0.2/24 dev eth1\n",
    )
    .unwrap();
    router
        .ip_batch(
            "addr add 10.0.0.1/24 dev lan0\n\
             addr add 2001:db8::1/64 dev lan0\n\
             addr add fe80::1/64 dev lan0\n\
             addr add 10.9.0.1/24 dev lan1\n\
             addr add fe80::1/64 dev lan1\n",
        )
        .unwrap();
    node
}
