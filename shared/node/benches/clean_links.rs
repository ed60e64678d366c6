//! How long 2 000 leftover interfaces take to go: ours, and `ip link delete` for comparison.
//!
//! Ours is a whole run: it looks for everything that Cilium may have left, deletes, and looks again.
//! `ip` deletes, for each interface in a process of its own, as the scripts do that people share; a
//! tenth of the interfaces is enough to see how fast. Both times are compared for one interface.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::ops::ControlFlow;
use std::os::fd::AsFd as _;
use std::thread;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use kcilium_core::leftovers::{Inventory, Plan, PodsInUse, Remembered};
use kcilium_node::{HostRoot, clean, read_leftovers};
use netlab::{Lab, Namespace, require_root_netns};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

const OURS: usize = 2000;
const THEIRS: usize = 200;

fn clean_links(criterion: &mut Criterion) {
    if !require_root_netns() {
        return;
    }
    let mut group = criterion.benchmark_group("leftover interfaces");
    group.sample_size(10).warm_up_time(Duration::from_millis(1));
    measure(&mut group, "clean 2 000", OURS, |node, root, links| {
        thread::scope(|scope| scope.spawn(|| time_clean(node, root, links)).join().expect("a time"))
    });
    measure(&mut group, "ip link delete, 200 of them", THEIRS, |node, _, links| {
        let begin = Instant::now();
        for link in links {
            node.ip(&["link", "delete", link]).expect("a deletion");
        }
        begin.elapsed()
    });
    group.finish();
}

fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    count: usize,
    time: impl Fn(&Namespace, &HostRoot, &[String]) -> Duration,
) {
    group.throughput(Throughput::Elements(u64::try_from(count).expect("a count")));
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|iterations| {
            (0..iterations)
                .map(|_| {
                    let lab = Lab::new("leftover links").expect("a lab");
                    let node = lab.namespace("node").expect("a namespace");
                    // A process table without kthreadd is a container's, not a node's.
                    let process = lab.dir().join("root/proc/2");
                    fs::create_dir_all(&process).expect("a folder");
                    fs::write(process.join("comm"), "kthreadd\n").expect("a file");
                    let links = leave(&node, count);
                    time(&node, &HostRoot::new(lab.dir().join("root")), &links)
                })
                .sum()
        });
    });
}

/// Pods' devices, whose pods are gone.
fn leave(node: &Namespace, count: usize) -> Vec<String> {
    let links: Vec<String> = (0..count).map(|number| format!("lxc{number:012x}")).collect();
    let mut script = String::new();
    for (number, link) in links.iter().enumerate() {
        writeln!(script, "link add {link} type veth peer name pod{number}").expect("text");
    }
    node.ip_batch(&script).expect("links");
    links
}

/// On a thread of its own, which moves into the namespace and never comes back.
fn time_clean(node: &Namespace, root: &HostRoot, links: &[String]) -> Duration {
    let file = File::open(format!("/run/netns/{}", node.name())).expect("a namespace");
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).expect("a move");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    let remembered = Remembered {
        pod_links: links.iter().map(|link| link.as_str().into()).collect(),
        ..Remembered::default()
    };
    let begin = Instant::now();
    runtime.block_on(async {
        let found = Inventory::of(&read_leftovers(root, remembered.clone()).await);
        let plan = Plan::of(&found, PodsInUse::Leave);
        let go_on = &mut |_: &_| ControlFlow::Continue(());
        let steps = clean(root, &plan, remembered, go_on).await.expect("no agent");
        assert!(steps.len() == links.len() && steps.iter().all(|step| step.outcome.is_gone()));
    });
    begin.elapsed()
}

criterion_group!(benches, clean_links);
criterion_main!(benches);
