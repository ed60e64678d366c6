//! A cluster of 5 000 nodes and 150 000 pods: starting it, and listing its pods.

#[path = "../tests/wire/mod.rs"]
mod wire;

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use kubesim::{Fleet, KubeSim};
use tokio::runtime::Runtime;

use self::wire::{JSON, PARTIAL, TABLE, Wire, config};

const NODES: usize = 5_000;
const PODS: usize = 150_000;
const TABLES: &str = "/api/v1/pods?includeObject=None";
const PATH: &str = "/api/v1/pods";

fn fleet(runtime: &Runtime) -> KubeSim {
    let sim = runtime.block_on(KubeSim::start(config())).expect("a server");
    sim.load_fleet(&Fleet::new(NODES, PODS)).expect("a fleet");
    sim
}

fn big_fleet(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let mut group = criterion.benchmark_group("fleet of 5 000 nodes and 150 000 pods");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    group.bench_function("start", |bench| bench.iter(|| black_box(fleet(&runtime))));
    let sim = fleet(&runtime);
    for (what, limit, path, accept) in [
        ("pods as Table, 5 000 a page", 5000, TABLES, TABLE),
        ("pods as PartialObjectMetadata, 500 a page", 500, PATH, PARTIAL),
        ("pods as JSON, 500 a page", 500, PATH, JSON),
    ] {
        let mut wire = runtime.block_on(Wire::one(&sim));
        group.bench_function(what, |bench| {
            bench.iter(|| runtime.block_on(wire.pages(path, limit, accept, |_| {})));
        });
    }
    let mut wire = runtime.block_on(Wire::two(&sim));
    group.bench_function("pods as one JSON list over HTTP/2", |bench| {
        bench.iter(|| runtime.block_on(async { wire.get(PATH, JSON).await.size().await }));
    });
    group.finish();
}

criterion_group!(benches, big_fleet);
criterion_main!(benches);
