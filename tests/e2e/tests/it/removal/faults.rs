//! Requests that fail.

use std::time::Duration;

use kubesim::{Fault, Kind};

use super::land::{Land, REMAINS, gone};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_is_told_and_the_rest_goes() {
    let land = Land::new("homelab-healthy", REMAINS).await;
    let status = |code| Kind::Status { code, retry_after: None };
    let faults = [
        ("*/clusterroles/cilium", Kind::Forbidden),
        ("*/customresourcedefinitions/ciliumcidrgroups.cilium.io", status(500)),
        ("*/secrets/hubble-server-certs", status(409)),
        ("*/nodes/node3/status", status(429)),
    ];
    for (route, kind) in &faults {
        for method in ["DELETE", "PATCH"] {
            land.sim().faults().add(Fault::new(route, kind.clone()).method(method));
        }
    }
    let run = land.run(&["--yes", "--no-backup"]).await;
    assert_eq!(run.code, Some(1), "{} {}", run.stdout, run.stderr);
    let text = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("5 are not."), "{text}");
    for (what, why) in [
        ("delete ClusterRole cilium:", "cannot delete resource \"clusterroles\""),
        ("ciliumcidrgroups.cilium.io with 0 objects:", "500"),
        ("delete Secret kube-system/hubble-server-certs:", "409"),
        ("take off Node node3: condition NetworkUnavailable (CiliumIsUp):", "429"),
        ("what helm keeps of release kube-system/cilium", "a second run needs it"),
    ] {
        assert!(text.contains(what) && text.contains(why), "{what} {why} is not in: {text}");
    }
    let left = land.objects();
    assert!(!left.contains_key("daemonsets.apps kube-system/cilium"));
    assert!(!left.keys().any(|name| name.contains("/ciliumnodes.cilium.io")));

    land.sim().faults().clear();
    let again = land.run(&["--yes", "--no-backup"]).await;
    assert_eq!(again.code, Some(0), "{} {}", again.stdout, again.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_backup_nothing_is_deleted() {
    let land = Land::new("homelab-healthy", REMAINS).await;
    let before = land.objects();
    let route = "/apis/cilium.io/v2/ciliumnetworkpolicies?limit=500*";
    land.sim().faults().add(Fault::new(route, Kind::Cut(10)));
    let run = land.run(&["--yes"]).await;
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(run.stderr.contains("nothing was deleted"), "{}", run.stderr);
    assert!(gone(&before, &land.objects()).is_empty());

    let file = land.folder().join("file");
    std::fs::write(&file, "").unwrap();
    let run = land.run(&["--yes", "--backup", "file"]).await;
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    assert!(gone(&before, &land.objects()).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_seen_does_not_count_as_gone() {
    let land = Land::new("empty", "").await;
    assert_eq!(land.run(&["verify"]).await.code, Some(0));
    land.sim().faults().add(Fault::new("/api/v1/secrets*", Kind::Forbidden));
    let run = land.run(&["verify"]).await;
    assert_eq!(run.code, Some(3), "{}", run.stdout);
    assert!(run.stdout.contains("needs list secrets"), "{}", run.stdout);
    land.sim().faults().clear();
    let hidden = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions*";
    land.sim().faults().add(Fault::new(hidden, Kind::Forbidden));
    assert_eq!(land.run(&["verify"]).await.code, Some(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runs_at_once_are_one_too_many() {
    let land = Land::new("homelab-healthy", REMAINS).await;
    // The first run waits for an answer, and says meanwhile that it is alive.
    let slow = Fault::new("*/daemonsets/cilium", Kind::Delay(30_000)).method("DELETE");
    land.sim().faults().add(slow);
    let mut first = land.command(&["--yes", "--no-backup"]).spawn().unwrap();
    while !land.objects().keys().any(|name| name.ends_with("/kubectl-cilium-uninstall")) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let second = land.run(&["--yes", "--no-backup"]).await;
    assert_eq!(second.code, Some(1), "{}", second.stderr);
    assert!(second.stderr.contains("another run is removing Cilium"), "{}", second.stderr);
    first.kill().unwrap();
    first.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_answers_is_given_up_and_the_rest_goes() {
    let land = Land::new("homelab-healthy", REMAINS).await;
    land.sim().faults().add(Fault::new("*/clusterroles/cilium", Kind::Hang).method("DELETE"));
    let arguments = ["--yes", "--no-backup", "--request-timeout", "2s"];
    let run = land.run(&arguments).await;
    assert_eq!(run.code, Some(1), "{} {}", run.stdout, run.stderr);
    let text = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("delete ClusterRole cilium: no answer within 2 s"), "{text}");
    assert!(!land.objects().contains_key("daemonsets.apps kube-system/cilium"));
    land.sim().faults().clear();
    let again = land.run(&arguments).await;
    assert_eq!(again.code, Some(0), "{} {}", again.stdout, again.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_that_does_not_end_is_told_with_the_reason() {
    let held = "
apiVersion: v1
kind: ConfigMap
metadata: {name: held, namespace: cilium-test-1, finalizers: [example.com/hold]}
";
    let land = Land::new("homelab-healthy", &format!("{REMAINS}---{held}")).await;
    let run = land.run(&["--yes", "--no-backup"]).await;
    assert_eq!(run.code, Some(1), "{} {}", run.stdout, run.stderr);
    assert!(run.stdout.contains("Namespace cilium-test-1"), "{}", run.stdout);
    let objects = land.objects();
    assert!(objects.contains_key("configmaps. cilium-test-1/held"));
    assert!(!objects.contains_key("daemonsets.apps kube-system/cilium"));
    // Whoever holds it lets go.
    let id = kubesim::GroupResource::new("", "configmaps");
    land.sim().store().remove(&id, &kubesim::Key::new("cilium-test-1", "held"));
    let again = land.run(&["--yes", "--no-backup"]).await;
    assert_eq!(again.code, Some(0), "{} {}", again.stdout, again.stderr);
}
