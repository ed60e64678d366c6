//! Where processes run.

use netlab::require_root_netns;
use nodesim::PodNetwork;

use crate::bed::Bed;

const TELL: &str = "ls /sys/class/net > /dev/termination-log; hostname >> /dev/termination-log";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_host_network_is_the_nodes() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("host network").await;
    bed.pod("p", TELL, "restartPolicy: Never, hostNetwork: true").await;
    assert_eq!(bed.says("p").await, "eth0\nlan\nlo\nnode1\n");
    bed.pod("own", TELL, "restartPolicy: Never").await;
    assert_eq!(bed.says("own").await, "lo\nown\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_with_interfaces_reaches_its_node() {
    if !require_root_netns() {
        return;
    }
    let gateway = "10.0.0.124".parse().unwrap();
    let bed =
        Bed::with("veth", |config| config.pod_network = PodNetwork::Veth { gateway, mtu: 1450 })
            .await;
    bed.pod("p", "exec sleep 100", "").await;
    bed.ok("wait pod/p --for=condition=Ready --timeout=20s").await;
    let ip = bed.field("p", "{.status.podIP}").await;
    let route = bed.namespace.ip(&["route", "get", &ip]).unwrap();
    assert!(route.contains("dev lxc"), "{route}");
    let ping = bed.namespace.command("ping").args(["-c1", "-W2", &ip]).output().unwrap();
    assert!(ping.status.success(), "{ping:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_nodes_processes_lead_to_the_node() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("host pid").await;
    let script = "nsenter -t 1 -m -n sh -c 'ls /sys/class/net /etc/cni/net.d; ls -d /sys/fs/bpf/.' > /dev/termination-log 2>&1; grep -c ^bpf /proc/1/mounts >> /dev/termination-log";
    let privileged = |script: &str| {
        format!("command: [sh, -c, {script:?}], securityContext: {{privileged: true}}")
    };
    bed.pod_of("p", &privileged(script), "restartPolicy: Never, hostPID: true").await;
    assert_eq!(
        bed.says("p").await,
        "/etc/cni/net.d:\n05-cilium.conflist\n\n/sys/class/net:\neth0\nlan\nlo\n/sys/fs/bpf/.\n1\n"
    );
    // What one container of the node runs, another one sees; and without hostPID nobody.
    bed.pod("sleeper", "exec sleep 4321", "").await;
    bed.ok("wait pod/sleeper --for=condition=Ready --timeout=20s").await;
    let script = "grep -lz 4321 /proc/[0-9]*/cmdline | wc -l > /dev/termination-log";
    bed.pod("sees", script, "restartPolicy: Never, hostPID: true").await;
    bed.pod(
        "blind",
        "ls -d /proc/[0-9]* | wc -l > /dev/termination-log; exit",
        "restartPolicy: Never",
    )
    .await;
    assert_ne!(bed.says("sees").await, "0\n");
    let count: u32 = bed.says("blind").await.trim().parse().unwrap();
    assert!(count <= 3, "{count}");
    // Without privileges nobody enters the node.
    let script = "nsenter -t 1 -n true 2> /dev/termination-log";
    bed.pod("weak", script, "restartPolicy: Never, hostPID: true").await;
    bed.ends("weak", "Failed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mounts_travel_where_they_may() {
    if !require_root_netns() {
        return;
    }
    let bed = Bed::new("propagation").await;
    let container = |script: &str, propagation: &str| {
        format!(
            "command: [sh, -c, {script:?}], securityContext: {{privileged: true}}, volumeMounts: [{{name: v, mountPath: /v, mountPropagation: {propagation}}}]"
        )
    };
    let spec = "volumes: [{name: v, hostPath: {path: /var/v, type: DirectoryOrCreate}}]";
    bed.pod_of("slave", &container("exec sleep 100", "HostToContainer"), spec).await;
    bed.pod_of("none", &container("exec sleep 100", "None"), spec).await;
    bed.ok("wait pod/slave pod/none --for=condition=Ready --timeout=20s").await;
    let script = "mkdir -p /v/m; mount -t tmpfs t /v/m; touch /v/m/here";
    let once = format!("restartPolicy: Never, {spec}");
    bed.pod_of("source", &container(script, "Bidirectional"), &once).await;
    bed.ends("source", "Succeeded").await;
    for (pod, seen) in [("slave", true), ("none", false)] {
        let output = crate::serve::run(&bed, pod, &["ls", "/v/m"]).await;
        assert_eq!(output.0 == "here\n", seen, "{pod}: {output:?}");
    }
    assert!(!bed.root.join("var/v/m/here").exists(), "the mount has left the node");
}
