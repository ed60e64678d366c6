//! The doctor on three nodes with packets: what a run takes that also probes from nodes and pods.
//! Beside it, the same run that only looks.

#[allow(dead_code, clippy::unwrap_used, reason = "it is the tests'")]
#[path = "../tests/it/doctor.rs"]
mod doctor;
#[allow(dead_code, clippy::unwrap_used, reason = "it is the tests'")]
#[path = "../tests/it/packets.rs"]
mod packets;
#[allow(dead_code, clippy::unwrap_used, reason = "it is the tests'")]
#[path = "../tests/it/program.rs"]
mod program;
#[allow(dead_code, clippy::unwrap_used, reason = "it is the tests'")]
#[path = "../tests/it/report.rs"]
mod report;
#[allow(dead_code, clippy::unwrap_used, reason = "it is the tests'")]
#[path = "../tests/it/site.rs"]
mod site;
#[allow(dead_code, clippy::unwrap_used, reason = "it is the tests'")]
#[path = "../tests/it/stage.rs"]
mod stage;

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use criterion::{Criterion, criterion_group, criterion_main};
use packets::{Traffic, possible};
use tokio::runtime::Runtime;

fn probe(criterion: &mut Criterion) {
    if !possible() {
        return;
    }
    let runtime = Runtime::new().expect("a runtime");
    let traffic = runtime.block_on(Traffic::of("homelab-healthy"));
    let mut group = criterion.benchmark_group("3 nodes and their pods");
    group.sample_size(10).measurement_time(Duration::from_mins(1));
    let mut bench = |name: &str, doctor: &dyn Fn() -> Command| {
        group.bench_function(name, |bench| {
            bench.iter(|| {
                let status = doctor().stdout(Stdio::null()).stderr(Stdio::null()).status();
                assert_eq!(status.expect("the doctor").code(), Some(0));
            });
        });
    };
    bench("probed", &|| traffic.command(&[]));
    bench("looked at", &|| traffic.stage().command(&["--probe=never"]));
    group.finish();
}

criterion_group!(benches, probe);
criterion_main!(benches);
