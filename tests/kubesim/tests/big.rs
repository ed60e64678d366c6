//! The fleet that the goals are set for, in a process of its own: its memory is the server's.

mod wire;

use std::time::Instant;

use kubesim::{Fleet, KubeSim};
use serde::{Deserialize, de::IgnoredAny};

use self::wire::{JSON, PARTIAL, TABLE, Wire, config};

const NODES: usize = 5_000;
const PODS: usize = 150_000;
const PODS_PATH: &str = "/api/v1/pods";

/// Bytes, client included; the pods alone are a gigabyte as text.
const PEAK: usize = 600_000_000;

#[derive(Deserialize)]
struct Rows {
    rows: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct Items {
    items: Vec<IgnoredAny>,
}

fn rows(page: &[u8]) -> usize {
    serde_json::from_slice::<Rows>(page).expect("a page").rows.len()
}

fn items(page: &[u8]) -> usize {
    serde_json::from_slice::<Items>(page).expect("a page").items.len()
}

/// The most memory that this process ever had, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_big_fleet_is_served_from_little_memory() {
    let start = Instant::now();
    let sim = KubeSim::start(config()).await.unwrap();
    sim.load_fleet(&Fleet::new(NODES, PODS)).unwrap();
    println!("started in {:?}, {} MB", start.elapsed(), peak() / 1_000_000);
    let mut wire = Wire::one(&sim).await;

    for (what, path, limit, accept, count, of, sizes) in [
        (
            "pods as Table",
            "/api/v1/pods?includeObject=None",
            5000,
            TABLE,
            rows as fn(&[u8]) -> usize,
            PODS,
            15..25,
        ),
        ("pods as JSON", PODS_PATH, 500, JSON, items, PODS, 900..1150),
        ("pods as PartialObjectMetadata", PODS_PATH, 5000, PARTIAL, items, PODS, 400..650),
        ("nodes as JSON", "/api/v1/nodes", 500, JSON, items, NODES, 45..60),
        ("CiliumNodes as JSON", "/apis/cilium.io/v2/ciliumnodes", 500, JSON, items, NODES, 3..8),
        (
            "CiliumEndpoints as JSON",
            "/apis/cilium.io/v2/ciliumendpoints",
            500,
            JSON,
            items,
            PODS - NODES - 2,
            140..220,
        ),
    ] {
        let (start, mut found) = (Instant::now(), 0);
        let bytes = wire.pages(path, limit, accept, |page| found += count(page)).await;
        println!("{what}: {bytes} bytes in {:?}", start.elapsed());
        assert_eq!(found, of, "{what}");
        assert!(sizes.contains(&(bytes / 1_000_000)), "{what}: {bytes} bytes");
    }
    // Never in memory as a whole, neither there nor here.
    let start = Instant::now();
    let mut wire = Wire::two(&sim).await;
    let whole = wire.get("/api/v1/pods?resourceVersion=0", JSON).await.size().await;
    println!("pods as one JSON list: {whole} bytes in {:?}", start.elapsed());
    assert!(whole > 900_000_000, "{whole}");
    println!("peak: {} MB", peak() / 1_000_000);
    assert!(peak() < PEAK, "{} bytes", peak());
}
