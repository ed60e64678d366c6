//! The whole catalogue, judged on the clash in a cluster of 5 000 nodes and 150 000 pods, of which 1 in
//! 20 is in trouble.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use kcilium_core::{
    diagnosis::{Selection, diagnose},
    facts::Facts,
    problems::problems,
    rules::registry,
    view::View,
};
use serde_json::{Value, json};

const NODES: usize = 5_000;
const PODS: usize = 150_000;

/// Pods of which the doctor knows more than a row; there may be more in trouble.
const DETAILED: usize = 500;

/// Nodes that the doctor looks at from inside where nothing else is asked for.
const SAMPLE: usize = 50;

fn example() -> Value {
    serde_json::from_str(include_str!("../../../examples/homelab-clash.json")).expect("the example")
}

fn node_name(number: usize) -> String {
    format!("node{number}")
}

/// A node's block of the pool, and the address of its agent in there.
fn block(number: usize) -> (String, String) {
    let (high, low) = (number / 256, number % 256);
    (format!("10.{high}.{low}.0/24"), format!("10.{high}.{low}.208"))
}

/// As many of what the example has one of, each made different.
fn many(cluster: &mut Value, list: &str, count: usize, change: impl Fn(usize, &mut Value)) {
    let first = cluster[list]["known"][0].clone();
    let copy = |number| {
        let mut item = first.clone();
        change(number, &mut item);
        item
    };
    cluster[list]["known"] = (0..count).map(copy).collect();
}

fn fleet(looked_at: usize, routes_to: usize) -> Facts {
    let mut facts = example();
    let cluster = &mut facts["cluster"];
    many(cluster, "nodes", NODES, |number, node| {
        node["name"] = node_name(number).into();
        node["addresses"][0]["address"] =
            format!("172.16.{}.{}", number / 250, 1 + number % 250).into();
        node["podCidrs"] = json!([]);
    });
    many(cluster, "ciliumNodes", NODES, |number, node| {
        let (block, router) = block(number);
        node["name"] = node_name(number).into();
        node["podCidrs"] = json!([block]);
        node["addresses"][0]["address"] =
            format!("172.16.{}.{}", number / 250, 1 + number % 250).into();
        node["addresses"][1]["address"] = router.into();
    });
    many(cluster, "agents", NODES, |number, agent| {
        agent["node"] = node_name(number).into();
        agent["name"] = format!("cilium-{number:05}").into();
    });
    let statuses = ["ImagePullBackOff", "CrashLoopBackOff", "ContainerCreating", "Pending"];
    many(cluster, "pods", PODS, |number, pod| {
        let node = number % NODES;
        pod["namespace"] = format!("team-{}", number % 200).into();
        pod["name"] = format!("web-{number:06}").into();
        pod["node"] = node_name(node).into();
        pod["address"] = format!("10.{}.{}.{}", node / 256, node % 256, 2 + number / NODES).into();
        if number % 20 == 0 {
            pod["status"] = statuses[(number / 20) % statuses.len()].into();
            pod["ready"] = 0.into();
        }
    });
    many(cluster, "troubledPods", DETAILED, |number, pod| {
        let number = number * 20;
        pod["namespace"] = format!("team-{}", number % 200).into();
        pod["name"] = format!("web-{number:06}").into();
        pod["node"] = node_name(number % NODES).into();
        pod["status"] = statuses[(number / 20) % statuses.len()].into();
    });
    many(cluster, "events", PODS / 20, |number, event| {
        let number = number * 20;
        event["object"]["namespace"] = format!("team-{}", number % 200).into();
        event["object"]["name"] = format!("web-{number:06}").into();
    });
    many(cluster, "leases", NODES, |number, lease| {
        lease["name"] = node_name(number).into();
        lease["holder"] = node_name(number).into();
    });
    let template = facts["nodes"][0].clone();
    let route = json!({"destination": "10.0.0.0/24", "link": "cilium_host"});
    let to_cilium = template["routes"]["known"]
        .as_array()
        .and_then(|routes| routes.iter().find(|it| it["destination"] == "10.0.0.0/24"))
        .cloned()
        .unwrap_or(route);
    let node = |number: usize| {
        let mut node = template.clone();
        node["name"] = node_name(number).into();
        if let Some(routes) = node["routes"]["known"].as_array_mut() {
            routes.extend((3..routes_to).map(|other| {
                let mut route = to_cilium.clone();
                route["destination"] = block(other).0.into();
                route
            }));
        }
        node
    };
    facts["nodes"] = (0..looked_at).map(node).collect();
    serde_json::from_value(facts).expect("facts")
}

fn judging(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("5 000 nodes and 150 000 pods");
    group.sample_size(10);
    let sizes = [
        ("a sample of 50 nodes, a route to each other", SAMPLE, NODES),
        ("all nodes, their own routes", NODES, 3),
    ];
    for (name, looked_at, routes_to) in sizes {
        let facts = fleet(looked_at, routes_to);
        // Which rules take the time, for who asks: `KCILIUM_BENCH_RULES=1 cargo bench …`.
        if std::env::var_os("KCILIUM_BENCH_RULES").is_some() {
            say_slow_rules(name, &facts);
        }
        group.bench_with_input(BenchmarkId::new("catalogue", name), &facts, |bench, facts| {
            bench.iter(|| black_box(diagnose(facts, &Selection::default())));
        });
        let diagnosis = diagnose(&facts, &Selection::default());
        group.bench_with_input(BenchmarkId::new("problems", name), &diagnosis, |bench, it| {
            bench.iter(|| black_box(problems(it.findings()).len()));
        });
    }
    group.finish();
}

#[expect(clippy::print_stderr, reason = "for who asks for it")]
fn say_slow_rules(name: &str, facts: &Facts) {
    let start = std::time::Instant::now();
    let view = View::new(facts);
    eprintln!("{name}: the view took {:?}", start.elapsed());
    for rule in registry::RULES {
        let start = std::time::Instant::now();
        let found = black_box(rule.judge(&view)).findings().len();
        let took = start.elapsed();
        if took.as_millis() >= 10 {
            eprintln!("{name}: {} took {took:?} and found {found}", rule.code);
        }
    }
}

criterion_group!(benches, judging);
criterion_main!(benches);
