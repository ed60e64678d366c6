//! Healthy clusters with Cilium as it was and as it is, each with the configuration that its chart makes.

use netlab::require_root_netns;

use crate::stage::Stage;

/// Homelabs by the version of Cilium.
const HEALTHY: [(&str, &str); 5] = [
    ("healthy-1.12", "1.12.19"),
    ("homelab-healthy", "1.14.2"),
    ("healthy-1.16", "1.16.19"),
    ("healthy-1.18", "1.18.12"),
    ("healthy-1.19", "1.19.6"),
];

async fn is_left_in_peace(stage: &Stage, version: &str, arguments: &[&str]) {
    let report = stage.report(arguments).await;
    assert_eq!(report.version(), version);
    assert_eq!(report.alarms(), [""; 0], "{version}: {report:#?}");
    assert_eq!(report.verdicts(), [""; 0], "{version}: {report:#?}");
    assert_eq!(report.code, Some(0), "{version}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_version_is_an_alarm_by_its_objects() {
    for (scenario, version) in HEALTHY {
        let stage = Stage::of_objects(scenario).await;
        is_left_in_peace(&stage, version, &["--nodes", "none"]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_version_is_an_alarm_from_inside_the_nodes() {
    if !require_root_netns() {
        return;
    }
    for (scenario, version) in HEALTHY {
        let stage = Stage::with_nodes(scenario).await;
        is_left_in_peace(&stage, version, &[]).await;
    }
}
