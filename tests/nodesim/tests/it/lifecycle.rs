//! Pods that run, end, and are run again.

use netlab::require_root_netns;

use crate::bed::{Bed, processes, wait_until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_runs_to_its_end() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("runs").await;
    bed.pod("p", "echo done > /dev/termination-log", "restartPolicy: Never, hostNetwork: true")
        .await;
    assert_eq!(bed.says("p").await, "done\n");
    let state = "{.status.containerStatuses[0].state.terminated";
    assert_eq!(bed.field("p", &format!("{state}.reason}}")).await, "Completed");
    assert_eq!(bed.field("p", &format!("{state}.exitCode}}")).await, "0");
    assert_eq!(bed.field("p", "{.status.podIP}{.status.hostIP}").await, "10.0.0.12410.0.0.124");
    bed.shows("p", "Completed").await;
    let id = bed.field("p", "{.status.containerStatuses[0].imageID}").await;
    assert!(id.starts_with("quay.io/cilium/cilium@sha256:6263"), "{id}");
    let reasons = "get events -o jsonpath={.items[*].reason}";
    assert_eq!(bed.ok(reasons).await, "Pulled Created Started");
    bed.ok("delete pod p --timeout=10s").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_says_when_it_is_ready() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("readiness").await;
    bed.pod_of(
        "p",
        "command: [sh, -c, 'until [ -e /tmp/go ]; do sleep 0.1; done; touch /tmp/armed; sleep 100'], readinessProbe: {exec: {command: [cat, /tmp/armed]}, periodSeconds: 1}",
        "",
    )
    .await;
    bed.ok("wait pod/p --for=jsonpath={.status.phase}=Running --timeout=20s").await;
    assert_eq!(bed.field("p", "{.status.containerStatuses[0].ready}").await, "false");
    bed.ok("exec p -- touch /tmp/go").await;
    bed.ok("wait pod/p --for=condition=Ready --timeout=20s").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_gets_ready() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("ready").await;
    bed.pod("p", "exec sleep 100", "").await;
    bed.ok("wait pod/p --for=condition=Ready --timeout=20s").await;
    bed.shows("p", "Running").await;
    assert_eq!(bed.field("p", "{.status.podIP}").await, "10.244.0.2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn init_containers_come_first() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("init").await;
    let init = |name: &str| {
        format!(
            "{{name: {name}, image: 'quay.io/cilium/cilium:v1.14.2', command: [sh, -c, 'echo {name} >> /v/log'], volumeMounts: [{{name: v, mountPath: /v}}]}}"
        )
    };
    bed.pod_of(
        "p",
        "command: [cp, /v/log, /dev/termination-log], volumeMounts: [{name: v, mountPath: /v}]",
        &format!(
            "restartPolicy: Never, volumes: [{{name: v, emptyDir: {{}}}}], initContainers: [{}, {}]",
            init("a"),
            init("b")
        ),
    )
    .await;
    assert_eq!(bed.says("p").await, "a\nb\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_container_is_restarted_ever_later() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("crash").await;
    bed.pod("p", "echo sorry; exit 3", "").await;
    bed.shows("p", "CrashLoopBackOff").await;
    bed.until("p", "{.status.containerStatuses[0].restartCount}", "2").await;
    let last = "{.status.containerStatuses[0].lastState.terminated.exitCode}";
    assert_eq!(bed.field("p", last).await, "3");
    let events = bed.ok("get events -o jsonpath={.items[*].message}").await;
    assert!(
        events.contains("Back-off restarting failed container c in pod p_default("),
        "{events}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_ends_a_pod() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("deadline").await;
    let spec = "restartPolicy: Never, activeDeadlineSeconds: 3, terminationGracePeriodSeconds: 20";
    bed.pod("p", "trap 'exit 7' TERM; sleep 100 & wait", spec).await;
    bed.ends("p", "Failed").await;
    let text = "Pod was active on the node longer than the specified deadline";
    assert_eq!(bed.field("p", "{.status.reason}").await, "DeadlineExceeded");
    assert_eq!(bed.field("p", "{.status.message}").await, text);
    let code = "{.status.containerStatuses[0].state.terminated.exitCode}";
    assert_eq!(bed.field("p", code).await, "7");
    // As kubectl has it: what became of the container, not of the pod.
    bed.shows("p", "Error").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_gives_time_and_then_kills() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("delete").await;
    let mount = "volumeMounts: [{name: v, mountPath: /v}]";
    let spec = "volumes: [{name: v, hostPath: {path: /var/v, type: DirectoryOrCreate}}]";
    let kind = format!(
        "command: [sh, -c, 'trap \"echo bye > /v/kind; exit\" TERM; touch /v/up; sleep 100 & wait'], {mount}"
    );
    bed.pod_of("kind", &kind, spec).await;
    bed.pod("deaf", "exec sleep 100", "terminationGracePeriodSeconds: 1").await;
    bed.ok("wait pod/kind pod/deaf --for=condition=Ready --timeout=20s").await;
    wait_until("the container listens", || bed.root.join("var/v/up").exists());
    bed.ok("delete pod kind deaf --timeout=15s").await;
    assert_eq!(std::fs::read_to_string(bed.root.join("var/v/kind")).unwrap(), "bye\n");
    let pods = std::fs::read_dir(bed.root.join("var/lib/kubelet/pods")).unwrap();
    assert_eq!(pods.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_can_be_deleted_before_it_runs() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("early").await;
    for name in ["a", "b", "c"] {
        bed.pod(name, "exec sleep 98765", "").await;
    }
    bed.ok("delete pod a b c --grace-period=1 --timeout=15s").await;
    assert_eq!(processes("98765"), 0);
}
