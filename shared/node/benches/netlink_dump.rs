//! How long a node with 100 000 routes takes to read: ours, and iproute2's for comparison.
//!
//! Ours includes decoding into facts, and everything else that is collected (a handful of links and
//! rules, sysctls, no files); iproute2's includes starting a process and writing text to nowhere.

use std::fmt::Write as _;
use std::fs::File;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::os::fd::AsFd as _;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use kcilium_core::facts::Fact;
use kcilium_node::{Host, HostRoot, collect};
use netlab::{Lab, Namespace, require_root_netns};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

const ROUTES: u32 = 100_000;

fn netlink_dump(criterion: &mut Criterion) {
    if !require_root_netns() {
        return;
    }
    let lab = Lab::new("netlink dump").expect("a lab");
    let node = node(&lab);
    let mut group = criterion.benchmark_group("100 000 routes");
    group.sample_size(20).measurement_time(Duration::from_secs(10));
    group.bench_function("collect", |bencher| {
        bencher.iter_custom(|iterations| {
            thread::scope(|scope| {
                scope.spawn(|| time_collect(&node, iterations)).join().expect("a time")
            })
        });
    });
    group.bench_function("ip -N route show table all", |bencher| {
        bencher.iter(|| {
            let mut ip = std::process::Command::new("ip");
            ip.args(["-n", node.name(), "-N", "route", "show", "table", "all"]);
            ip.stdout(Stdio::null()).status().expect("ip")
        });
    });
    group.finish();
}

/// A node with a pod CIDR's route for each of very many others.
fn node(lab: &Lab) -> Namespace {
    let node = lab.namespace("node").expect("a namespace");
    let router = lab.namespace("router").expect("a namespace");
    lab.veth((&node, "eth0"), (&router, "eth0")).expect("a pair");
    let mut script = String::from("addr add 192.168.0.2/24 dev eth0\n");
    for number in 0..ROUTES {
        let destination = Ipv4Addr::from((10 << 24) + (number << 7));
        writeln!(script, "route add {destination}/25 via 192.168.0.1 proto kernel mtu 1450")
            .expect("text");
    }
    node.ip_batch(&script).expect("routes");
    node
}

/// On a thread of its own, which moves into the namespace and never comes back.
fn time_collect(node: &Namespace, iterations: u64) -> Duration {
    let file = File::open(format!("/run/netns/{}", node.name())).expect("a namespace");
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).expect("a move");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    let empty = tempfile::tempdir().expect("a folder");
    let host = Host::new(HostRoot::new(empty.path()));
    let begin = Instant::now();
    for _ in 0..iterations {
        let facts = runtime.block_on(collect(black_box(&host)));
        assert!(matches!(&facts.routes, Fact::Known(routes) if routes.len() >= 100_000));
        black_box(facts);
    }
    begin.elapsed()
}

criterion_group!(benches, netlink_dump);
criterion_main!(benches);
