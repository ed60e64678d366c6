//! The doctor on live clusters.

use kubesim::{Fault, Kind};
use netlab::require_root_netns;

use crate::report::says;
use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clash_is_confirmed_from_the_nodes() {
    if !require_root_netns() {
        return;
    }
    let stage = Stage::with_nodes("homelab-clash").await;
    let report = stage.report(&[]).await;
    assert_eq!(report.verdicts(), ["confirmed C-CLASH"], "{report:#?}");
    assert_eq!(report.code, Some(1));
    let chain = report.chain("C-CLASH");
    assert!(says(&chain, &["10.0.0.1", "cilium_host", "kernel route lookup"]), "{chain:#?}");
    assert!(says(&chain, &["nameserver 10.0.0.1"]), "{chain:#?}");

    let run = stage.doctor(&[]).await;
    let text = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "Examined: context kubesim, https://127.0.0.1:",
        "nodes: 3, all looked at from inside",
        "Cilium 1.14.2 (release cilium in kube-system, chart 1.14.2), IPAM cluster-pool",
        "Not tested: pod egress",
    ] {
        assert!(text.contains(words), "{words} is not in: {text}");
    }
    assert_eq!(run.stderr, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healthy_cluster_is_left_in_peace() {
    if !require_root_netns() {
        return;
    }
    let stage = Stage::with_nodes("homelab-healthy").await;
    let report = stage.report(&[]).await;
    assert_eq!(report.verdicts(), [""; 0], "{report:#?}");
    assert_eq!(report.alarms(), [""; 0], "{report:#?}");
    assert_eq!(report.code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_exec_the_objects_tell_what_they_can() {
    let stage = Stage::of_objects("homelab-clash").await;
    stage.sim().faults().add(Fault::new("*/exec?*", Kind::Forbidden));
    let report = stage.report(&[]).await;
    // Which network the nodes' gateway is in only they know.
    assert_eq!(report.findings("CIDR-04", "observed").count(), 1, "{report:#?}");
    // That images are not pulled, objects tell.
    assert_eq!(report.subjects("POD-01"), ["10.0.0.1"], "{report:#?}");
    assert_eq!(report.verdicts(), [""; 0], "{report:#?}");
    assert_eq!(report.code, Some(1));
    let run = stage.doctor(&[]).await;
    let text = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("needs create and get pods/exec in namespace kube-system"), "{text}");
    let strict = stage.doctor(&["--fail-on", "unknown"]).await;
    assert_eq!(strict.code, Some(1), "{}", strict.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_without_masquerade_is_asked_about_its_routers() {
    let stage = Stage::of_objects("homelab-nomasq").await;
    let report = stage.report(&[]).await;
    assert_eq!(report.subjects("CFG-03"), ["enableIPv4Masquerade"], "{report:#?}");
    let unknown = report.unknown();
    assert!(says(&unknown, &["ways back to pods"]), "{unknown:#?}");
    let brief = stage.doctor(&[]).await.stdout;
    assert!(brief.contains("does your router know the way to the pods"), "{brief}");
    let run = stage.doctor(&["-o", "wide"]).await;
    let text = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "does your router know the way to the pods",
        "ipv4NativeRoutingCIDR: 10.244.0.0/16",
        "ip route add 10.244.1.0/24 via 10.24.0.4",
    ] {
        assert!(text.contains(words), "{words} is not in: {text}");
    }
}
