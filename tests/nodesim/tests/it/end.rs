//! Nodes that end, and servers that do.

use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use kubesim::{Fault, Kind};
use netlab::require_root_netns;

use crate::bed::{Bed, processes, wait_until};

fn mounts() -> Vec<String> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").expect("mounts");
    // `ip netns` itself mounts there, also for tests that run meanwhile.
    mounts.lines().filter(|line| !line.contains("/run/netns")).map(str::to_owned).collect()
}

async fn sleeping(label: &str, seconds: &str) -> Bed {
    let bed = Bed::new(label).await;
    bed.pod("own", &format!("exec sleep {seconds}"), "").await;
    bed.pod("host", &format!("(setsid sleep {seconds} &); exec sleep {seconds}"), "hostPID: true")
        .await;
    bed.ok("wait pod/own pod/host --for=condition=Ready --timeout=20s").await;
    bed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_node_leaves_nothing() {
    if !require_root_netns() {
        return;
    }
    let before = mounts();
    let bed = sleeping("stopped", "98761").await;
    wait_until("the processes run", || processes("98761") >= 3);
    assert_eq!(mounts(), before, "mounts of a node are seen outside");
    let Bed { node, .. } = bed;
    node.stop().await.unwrap();
    assert_eq!(processes("98761"), 0);
    assert_eq!(mounts(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_node_leaves_nothing() {
    if !require_root_netns() {
        return;
    }
    let bed = sleeping("dropped", "98762").await;
    drop(bed);
    assert_eq!(processes("98762"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_host_pid_pod_leaves_behind_goes_with_it() {
    if !require_root_netns() {
        return;
    }
    let bed = sleeping("left behind", "98763").await;
    bed.ok("delete pod own host --grace-period=1 --timeout=15s").await;
    assert_eq!(processes("98763"), 0);
}

const VICTIM: &str = "NODESIM_VICTIM";

/// Not a test: the process that [`a_killed_test_leaves_nothing`] kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "does nothing unless another test runs it"]
async fn victim() {
    if env::var_os(VICTIM).is_none() {
        return;
    }
    let _bed = sleeping("victim", "98764").await;
    println!("\nready");
    std::future::pending::<()>().await;
}

#[test]
fn a_killed_test_leaves_nothing() {
    if !require_root_netns() {
        return;
    }
    let mut victim = Command::new(env::current_exe().unwrap())
        .args(["--exact", "end::victim", "--ignored", "--nocapture"])
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "ready"), "the victim died before it was killed");
    wait_until("the processes run", || processes("98764") >= 3);
    victim.kill().unwrap();
    victim.wait().unwrap();
    wait_until("the processes end", || processes("98764") == 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sick_server_is_survived() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("faults").await;
    let faults = bed.sim().faults();
    faults.add(Fault::new("/api/v1/pods*", Kind::Reset).requests(1, 2));
    faults.add(
        Fault::new("*/pods/p/status*", Kind::Status { code: 500, retry_after: None })
            .requests(1, 3),
    );
    faults.add(Fault::new("*/pods/p/status*", Kind::Cut(10)).requests(5, 1));
    // The watch that is open ends too old to be gone on with.
    bed.sim().store().compact();
    bed.pod("p", "echo done > /dev/termination-log", "restartPolicy: Never").await;
    assert_eq!(bed.says("p").await, "done\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_says_where_its_kubelet_is() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("announce").await;
    let path = "{.status.daemonEndpoints.kubeletEndpoint.Port}";
    assert_eq!(
        bed.ok(&format!("get node node1 -o jsonpath={path}")).await,
        bed.node.port().to_string()
    );
    let addresses = bed.ok("get node node1 -o jsonpath={.status.addresses[*].address}").await;
    assert_eq!(addresses, "10.0.0.124 127.0.0.1");
}
