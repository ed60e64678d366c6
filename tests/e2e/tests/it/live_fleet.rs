//! The doctor on a cluster of five thousand nodes: what it costs.

use crate::relay::Relay;
use crate::stage::Stage;
use kubesim::Access;

const MEGABYTE: u64 = 1_000_000;

/// The most memory, bytes. A debug build's own code counts too: 39 of 98 MB were measured to be
/// pages of the program file.
fn limit() -> u64 {
    if cfg!(debug_assertions) { 120 * MEGABYTE } else { 100 * MEGABYTE }
}

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
    assert!(peak <= limit(), "{peak} bytes of memory at the peak");
}
