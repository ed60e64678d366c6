//! Runs that are killed, and interrupted.

use std::{
    process::{Child, Stdio},
    time::Duration,
};

use super::land::{Land, PEOPLES, REMAINS, mark_node};

/// More runs than there are writes.
const RUNS: usize = 100;

/// Starts a run, and lets it be until it has written so often.
async fn until(land: &Land, writes: usize) -> Child {
    land.sim().journal().clear();
    let mut command = land.command(&["--yes", "--backup", "saved", "--concurrency", "1"]);
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while land.writes().len() < writes && run.try_wait().unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    run
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_after_each_write_is_finished_by_others() {
    let land = Land::new("homelab-healthy", &format!("{PEOPLES}---{REMAINS}")).await;
    mark_node(&land, "node2");
    let mut kills = 0;
    for _ in 0..RUNS {
        // The first write takes the lock.
        let mut run = until(&land, 2).await;
        // By SIGKILL.
        run.kill().unwrap();
        if run.wait().unwrap().code() == Some(0) {
            break;
        }
        kills += 1;
        land.forget_lock();
    }
    assert!((10..RUNS).contains(&kills), "{kills}");
    let verified = land.run(&["verify"]).await;
    assert_eq!(verified.code, Some(0), "{}", verified.stdout);
    let after = land.objects();
    assert!(after.contains_key("secrets. kube-system/my-tls"));

    // What the first run wrote down is what the last one has.
    let first = land.folder().join("saved/resources/ciliumnetworkpolicies.yaml");
    assert!(std::fs::read_to_string(first).unwrap().contains("name: allow"));
    assert!(land.folder().join("saved/again-2/backup.json").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_ends_in_order() {
    let land = Land::new("homelab-healthy", REMAINS).await;
    let mut run = until(&land, 4).await;
    let pid = i32::try_from(run.id()).unwrap();
    let status = std::process::Command::new("kill").args(["-INT", &pid.to_string()]).status();
    assert!(status.unwrap().success());
    assert_eq!(run.wait().unwrap().code(), Some(130));
    // The lock was given back: nobody has to wait.
    let names = land.objects();
    assert!(!names.keys().any(|name| name.ends_with("/kubectl-cilium-uninstall")));
    let again = land.run(&["--yes", "--backup", "saved"]).await;
    assert_eq!(again.code, Some(0), "{} {}", again.stdout, again.stderr);
}
