//! The doctor on a cluster of five thousand nodes: what it costs.

use crate::relay::Relay;
use crate::stage::Stage;
use kubesim::Access;

const MEGABYTE: u64 = 1_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_is_examined_with_little_memory_and_traffic() {
    let stage = Stage::of_objects("fleet(5000,150000)").await;
    let relay = Relay::to(stage.sim().url().strip_prefix("https://").unwrap()).await;
    let access = Access { server: relay.url(), ..stage.sim().access().unwrap() };
    let kubeconfig = stage.write("relay.kubeconfig", &access.kubeconfig());

    let (run, peak) = stage.measured_doctor_as(&kubeconfig, &[]).await;
    assert!(!run.stdout.is_empty(), "{}", run.stderr);
    let text = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["nodes: 5000,", "of a sample of 50 looked at from inside"] {
        assert!(text.contains(words), "{words} is not in: {text}");
    }
    let received = relay.received();
    assert!(received > MEGABYTE, "{received} bytes: it did not go through the relay");
    assert!(received <= 150 * MEGABYTE, "{received} bytes received");
    assert!(peak <= 100 * MEGABYTE, "{peak} bytes of memory at the peak");
}
