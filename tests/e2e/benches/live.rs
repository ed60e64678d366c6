//! The doctor on a cluster of 5 000 nodes and 150 000 pods, beside what it does not do: fetching all
//! pods as they are.

#[allow(dead_code, clippy::unwrap_used, reason = "it is the tests'")]
#[path = "../tests/it/program.rs"]
mod program;

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use criterion::{Criterion, criterion_group, criterion_main};
use kcilium_cluster::{
    Api, ApiError, Form, Limits, PageSize, Pages,
    kubeconfig::{Connection, ConnectionFlags, Environment},
};
use kcilium_core::decode::kubernetes::{Pod, page};
use kubesim::{Backend, Cluster, Config, Scenario};
use tokio::{runtime::Runtime, time::Instant};

const FLEET: &str = "fleet(5000,150000)";

async fn api(kubeconfig: &Path) -> Api {
    let flags =
        ConnectionFlags { kubeconfig: Some(kubeconfig.to_owned()), ..ConnectionFlags::default() };
    let connection = Connection::resolve(&flags, &Environment::default()).expect("a connection");
    let limits = Limits {
        deadline: Instant::now() + Duration::from_mins(10),
        request: Duration::from_mins(1),
        concurrency: 8,
    };
    Api::connect(&connection, limits).await.expect("a client")
}

/// All pods as JSON in pages of 500, as kubectl asks for them. `decode` takes a page, and says
/// where the next one begins.
async fn all_pods(api: &Api, decode: impl Fn(&[u8]) -> Option<String>) {
    let pages =
        Pages { path: "/api/v1/pods", query: &[], form: Form::Json, size: PageSize::Objects };
    let decode = |json: &[u8]| Ok::<_, ApiError>((Vec::<()>::new(), decode(json)));
    api.list(&pages, decode).await.expect("all pods");
}

/// The continue token, which stands at the beginning of a page, without looking at the rest.
fn token(json: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(json.get(..4096).unwrap_or(json)).ok()?;
    let (_, after) = head.split_once("\"continue\":\"")?;
    after.split('"').next().map(str::to_owned)
}

fn live(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let scenario = Scenario::named(FLEET).expect("a fleet");
    let backend = Backend::Kubesim(Config::default());
    let cluster = runtime.block_on(Cluster::start(&scenario, backend)).expect("a server");
    let kubeconfig = cluster.kubeconfig();
    let mut group = criterion.benchmark_group("5 000 nodes and 150 000 pods");
    group.sample_size(10).measurement_time(Duration::from_secs(20));
    group.bench_function("kubectl cilium-doctor", |bench| {
        bench.iter(|| {
            let mut doctor = Command::new(program::doctor());
            doctor.arg("--kubeconfig").arg(&kubeconfig).stdout(Stdio::null());
            let status = doctor.status().expect("the doctor");
            assert!(matches!(status.code(), Some(0 | 1)), "{status}");
        });
    });
    group.bench_function("all pods as JSON, 500 a page, not decoded", |bench| {
        bench.iter(|| runtime.block_on(async { all_pods(&api(&kubeconfig).await, token).await }));
    });
    group.bench_function("all pods as JSON, 500 a page", |bench| {
        let decoded = |json: &[u8]| page::<Pod>(json).expect("pods").resume;
        bench.iter(|| runtime.block_on(async { all_pods(&api(&kubeconfig).await, decoded).await }));
    });
    group.finish();
}

criterion_group!(benches, live);
criterion_main!(benches);
