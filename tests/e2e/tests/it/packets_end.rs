//! The doctor, cut short while it probes.

use std::{
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use crate::{
    packets::{Traffic, possible},
    staging::send,
};

/// The doctor, as soon as a program of its runs on the node.
async fn probing(traffic: &Traffic) -> Child {
    let mut command = traffic.command(&["--no-internet", "--nodes", "node1"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while !traffic.objects().iter().any(|it| it.starts_with("pods") && it.contains("kcilium-")) {
        assert!(begun.elapsed() < Duration::from_mins(1), "no pod was created");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_doctor_leaves_nothing_and_a_live_run_is_not_swept() {
    if !possible() {
        return;
    }
    let traffic = Traffic::of("homelab-healthy").await;
    let before = traffic.objects();
    let mut child = probing(&traffic).await;
    send("INT", &child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(traffic.objects(), before);

    // Its deadline is still to come: it might as well be at work.
    let mut child = probing(&traffic).await;
    send("KILL", &child);
    child.wait().unwrap();
    let left = traffic.objects();
    assert_ne!(left, before);
    traffic.report(&["--no-internet", "--nodes", "node2"]).await;
    let still = traffic.objects();
    let is_namespace = |it: &&String| it.starts_with("namespaces") && it.contains("kcilium-probe-");
    assert_eq!(still.iter().filter(is_namespace).count(), 1, "{still:#?}");

    traffic.expire();
    let mut command = traffic.command(&["--no-internet", "--nodes", "node2"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert_eq!(traffic.objects(), before);
}
