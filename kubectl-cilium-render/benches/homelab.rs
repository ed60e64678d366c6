//! The whole program on a homelab: from its start to its end, the requests included.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use criterion::{Criterion, criterion_group, criterion_main};
use kubesim::{Backend, Cluster, Config, Scenario};
use tokio::runtime::Runtime;

const PROGRAM: &str = env!("CARGO_BIN_EXE_kubectl-cilium_render");

const VALUES: &str = "ipam: {mode: kubernetes}\nenableIPv4Masquerade: true\n";

fn run(kubeconfig: &Path, values: &Path, arguments: &[&str]) {
    let status = Command::new(PROGRAM)
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .arg("-f")
        .arg(values)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("the program starts");
    assert!(status.success());
}

fn homelab(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let scenario = Scenario::named("homelab-healthy").expect("the scenario");
    let backend = Backend::Kubesim(Config::default());
    let cluster = runtime.block_on(Cluster::start(&scenario, backend)).expect("a server");
    let (kubeconfig, values) = (cluster.kubeconfig(), cluster.directory().join("values.yaml"));
    std::fs::write(&values, VALUES).expect("a file");
    let mut group = criterion.benchmark_group("the program on a homelab");
    group.sample_size(20).measurement_time(Duration::from_secs(5));
    for (what, arguments) in [
        ("with a version", &["--version", "1.14.2"][..]),
        ("with the running release's", &[]),
        ("without a cluster", &["--no-detect"]),
    ] {
        group.bench_function(what, |bench| bench.iter(|| run(&kubeconfig, &values, arguments)));
    }
    group.finish();
}

criterion_group!(benches, homelab);
criterion_main!(benches);
