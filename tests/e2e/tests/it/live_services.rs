//! Who answers for names and for Services, on live clusters by their objects alone.

use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dns_that_asks_itself_is_the_cause_of_its_crashes() {
    let stage = Stage::of_objects("dns-loop").await;
    let report = stage.report(&["--nodes", "none"]).await;
    assert_eq!(report.verdicts(), ["confirmed C-DNSLOOP"], "{report:#?}");
    assert_eq!(report.subjects("DNS-01"), ["10.96.0.10"], "{report:#?}");
    let told = stage.doctor(&["--nodes", "none"]).await.stdout;
    for words in [
        "the cluster's DNS forwards to 10.96.0.10, which is the cluster's DNS",
        "kubectl -n kube-system edit configmap coredns",
        "kubectl -n kube-system rollout restart deployment coredns",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_that_nobody_answers_are_found_before_the_agents_restart() {
    let stage = Stage::of_objects("no-kube-proxy").await;
    let report = stage.report(&["--nodes", "none"]).await;
    assert_eq!(report.verdicts(), ["confirmed C-SVC"], "{report:#?}");
    assert_eq!(report.subjects("KP-02"), ["kubeProxyReplacement"], "{report:#?}");
    let told = stage.doctor(&["--nodes", "none"]).await.stdout;
    for words in
        ["nobody answers Services", "kubeProxyReplacement: true", "k8sServiceHost: 10.24.0.2"]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kube_proxy_beside_its_replacement_is_a_warning() {
    let stage = Stage::of_objects("kube-proxy").await;
    let report = stage.report(&["--nodes", "none"]).await;
    assert_eq!(report.alarms(), ["KP-01"], "{report:#?}");
    assert_eq!(report.verdicts(), [""; 0], "{report:#?}");
}
