//! Symptoms that the doctor finds on live clusters by their objects alone.

use crate::report::text;
use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn healthy_clusters_of_every_kind_have_no_symptoms() {
    for scenario in ["homelab-healthy", "k3s", "rke2"] {
        let stage = Stage::of_objects(scenario).await;
        let report = stage.report(&["--nodes", "none"]).await;
        assert_eq!(report.alarms(), [""; 0], "{scenario}: {report:#?}");
        assert_eq!(report.verdicts(), [""; 0], "{scenario}: {report:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_the_pods_from_before_cilium_are_to_be_restarted() {
    let stage = Stage::of_objects("unmanaged-pods").await;
    let report = stage.report(&["--nodes", "none"]).await;
    let mut commands: Vec<&str> = report
        .findings("CNI-05", "observed")
        .flat_map(|finding| finding["remedy"]["commands"].as_array().unwrap())
        .map(text)
        .collect();
    commands.sort_unstable();
    assert_eq!(
        commands,
        [
            "kubectl -n default delete pod backend-77d565485d-5sjvj",
            "kubectl -n kube-system delete pod coredns-5dd5756b68-4nqzt coredns-5dd5756b68-x7vjk",
        ],
        "{report:#?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_image_that_is_not_pulled_in_the_clash_is_found_by_objects_alone() {
    let stage = Stage::of_objects("homelab-clash").await;
    let report = stage.report(&["--nodes", "none"]).await;
    assert_eq!(report.subjects("POD-01"), ["10.0.0.1"], "{report:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pod_that_hangs_after_an_uninstall_is_found_by_objects_alone() {
    let stage = Stage::of_objects("leftovers").await;
    let report = stage.report(&["--nodes", "none"]).await;
    assert_eq!(report.subjects("POD-03"), ["no message"], "{report:#?}");
    // Who has no agent wants none.
    assert_eq!(report.findings("OP-01", "observed").count(), 0, "{report:#?}");
    assert_eq!(report.findings("AG-03", "observed").count(), 0, "{report:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_that_is_silent_is_found() {
    let stage = Stage::of_objects("homelab-healthy").await;
    stage.change("coordination.k8s.io", "leases", "cilium-operator-resource-lock", |lease| {
        lease["spec"]["renewTime"] = "2023-10-08T11:27:07.277253Z".into();
    });
    let report = stage.report(&["--nodes", "none"]).await;
    assert_eq!(report.subjects("OP-05"), ["cilium-operator-resource-lock"], "{report:#?}");
}
