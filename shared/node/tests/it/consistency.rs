//! Large tables, and tables that change while they are read.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ipnet::IpNet;
use kcilium_core::facts::{Fact, Route};
use netlab::{Lab, Namespace, require_root_netns};

use crate::inside::{facts, node};

const ROUTES: u32 = 20_000;

/// 10.128.0.0/25, 10.128.0.128/25 and so on, in a table of their own.
fn v4(number: u32) -> IpNet {
    IpNet::new(std::net::Ipv4Addr::from(0x0a80_0000 + (number << 7)).into(), 25).unwrap()
}

/// 2001:db8:1::/64, 2001:db8:1:1::/64 and so on.
fn v6(number: u32) -> IpNet {
    let first = 0x2001_0db8_0001_0000_u128 << 64;
    IpNet::new(std::net::Ipv6Addr::from(first + (u128::from(number) << 64)).into(), 64).unwrap()
}

fn fill(node: &Namespace, prefix: fn(u32) -> IpNet, via: &str) {
    let mut script = String::new();
    for number in 0..ROUTES {
        writeln!(script, "route add {} via {via} table 1000", prefix(number)).unwrap();
    }
    node.ip_batch(&script).unwrap();
}

/// The destinations in table 1000; each must be there once.
fn destinations(routes: &[Route]) -> HashSet<IpNet> {
    let ours = || routes.iter().filter(|route| route.table.0 == 1000);
    let destinations: HashSet<_> = ours().map(|route| route.destination).collect();
    assert_eq!(destinations.len(), ours().count(), "some route is there twice");
    destinations
}

/// Adds and deletes routes all over the table, `pause` apart, while `work` runs.
fn while_changing<T>(
    node: &Namespace,
    changes: &[String],
    pause: Duration,
    work: impl FnOnce() -> T,
) -> T {
    /// Ends the changes even if the work panics.
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let mut rounds = 0;
            while !stop.load(Ordering::Relaxed) {
                for change in changes {
                    node.ip_batch(change).unwrap();
                    thread::sleep(pause);
                }
                rounds += 1;
            }
            rounds
        });
        let result = {
            let _stop = Stop(&stop);
            work()
        };
        assert!(thread.join().unwrap() > 0);
        result
    })
}

/// Scripts that put routes all over the table, and take them out again.
fn changes(count: u32, via: &str, destination: impl Fn(u32) -> IpNet) -> Vec<String> {
    let mut scripts = vec![String::new(); 2];
    for number in (0..count).map(|step| step * (ROUTES / count)) {
        let destination = destination(number);
        writeln!(scripts[0], "route add {destination} via {via} table 1000").unwrap();
        writeln!(scripts[1], "route del {destination} via {via} table 1000").unwrap();
    }
    scripts
}

/// The upper or the lower half of a prefix.
fn half(whole: IpNet, upper: bool) -> IpNet {
    let halves = whole.subnets(whole.prefix_len() + 1).unwrap();
    halves.into_iter().nth(usize::from(upper)).unwrap()
}

/// Whether the routes are known; if so, all that stay must be among them.
fn is_known_and_complete(node: &Namespace, prefix: fn(u32) -> IpNet) -> bool {
    match facts(node).routes {
        Fact::Known(routes) => {
            let found = destinations(&routes);
            for number in 0..ROUTES {
                assert!(found.contains(&prefix(number)), "{} is missing", prefix(number));
            }
            true
        }
        Fact::Unavailable(why) => {
            assert_eq!(why.why, "kept changing while it was read");
            false
        }
    }
}

/// In how many of 20 attempts the routes are known.
fn attempts(node: &Namespace, prefix: fn(u32) -> IpNet) -> usize {
    (0..20).filter(|_| is_known_and_complete(node, prefix)).count()
}

#[test]
fn no_ipv4_route_is_missed_under_ceaseless_change() {
    if !require_root_netns() {
        return;
    }
    let lab = Lab::new("IPv4 under change").unwrap();
    let node = node(&lab);
    fill(&node, v4, "10.0.0.1");
    let few = changes(20, "10.0.0.1", |number| half(v4(number), true));
    let known = while_changing(&node, &few, Duration::ZERO, || attempts(&node, v4));
    assert!(known >= 18, "{known} of 20");
    // Many, and of the same address as routes that stay: at times there may be no answer, but never
    // a wrong one.
    let many = changes(400, "10.0.0.1", |number| half(v4(number), false));
    while_changing(&node, &many, Duration::ZERO, || attempts(&node, v4));
}

#[test]
fn no_ipv6_route_is_missed_under_change() {
    if !require_root_netns() {
        return;
    }
    let lab = Lab::new("IPv6 under change").unwrap();
    let node = node(&lab);
    fill(&node, v6, "2001:db8::1");
    let changes = changes(400, "2001:db8::1", |number| half(v6(number), true));
    // Once in a while: an attempt that meets a change is repeated.
    let pause = Duration::from_millis(300);
    let known = while_changing(&node, &changes, pause, || attempts(&node, v6));
    assert!(known >= 15, "{known} of 20");
    while_changing(&node, &changes, Duration::ZERO, || attempts(&node, v6));
}
