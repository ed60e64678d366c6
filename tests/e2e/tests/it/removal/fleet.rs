//! A large cluster: what removing costs.

use super::land::Land;
use crate::doctor::Run;

const NODES: usize = 5000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_is_not_deleted_object_by_object() {
    let land = Land::new(&format!("fleet({NODES},150000)"), "").await;
    let mut command = land.command(&["--yes", "--backup", "saved", "--timeout", "10m"]);
    let (run, peak) =
        tokio::task::spawn_blocking(move || Run::measured(&mut command)).await.unwrap();
    assert_eq!(run.code, Some(0), "{} {}", run.stdout, run.stderr);
    let writes = land.writes();
    let of_nodes = writes.iter().filter(|it| it.starts_with("PATCH /api/v1/nodes/")).count();
    // Each has annotations and a condition of its own, which nothing takes off many at once.
    assert_eq!(of_nodes, 2 * NODES);
    assert!(writes.len() < of_nodes + 100, "{}", writes.len());
    // Objects of agents and of the operator are a hundred and eighty thousand.
    let requests = land.sim().journal().entries().len();
    assert!(requests < of_nodes + 2000, "{requests}");
    // A debug build's own code counts too.
    assert!(peak < 120_000_000, "{peak} bytes of memory at the peak");
}
