//! Plans, which change nothing.

use serde_json::Value;

use super::land::{Land, PEOPLES, REMAINS};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_writes_nothing_and_says_first_what_breaks() {
    let land = Land::new("homelab-healthy", &format!("{PEOPLES}---{REMAINS}")).await;
    let before = land.objects();
    let dry = land.run(&["--dry-run"]).await;
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    let text = &dry.stdout;
    let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}: {text}"));
    assert!(place("There is no kube-proxy") < place("PHASE"));
    assert!(place("1 Cilium network policy") < place("PHASE"));
    assert!(
        place("Deployment kube-system/cilium-operator") < place("DaemonSet kube-system/cilium")
    );
    assert!(place("DaemonSet kube-system/cilium") < place("ciliumnodes.cilium.io"));
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");

    let nobody = land.run(&[]).await;
    assert_eq!(nobody.code, Some(2), "{}", nobody.stderr);
    assert!(nobody.stderr.contains("nobody is here to confirm"), "{}", nobody.stderr);
    assert_eq!(&nobody.stdout, text);

    let json = land.run(&["--dry-run", "-o", "json"]).await;
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    let yaml = land.run(&["--dry-run", "-o", "yaml"]).await;
    assert_eq!(yaml.code, Some(0), "{}", yaml.stderr);
    let phases: Vec<&str> =
        json["steps"].as_array().unwrap().iter().map(|it| it["phase"].as_str().unwrap()).collect();
    let order = ["dependents", "operator", "release", "custom-resources", "traces"];
    let mut seen = phases.clone();
    seen.dedup();
    assert_eq!(seen, order);

    assert_eq!(land.writes(), [""; 0]);
    assert!(land.objects() == before);
    assert_eq!(std::fs::read_dir(land.folder()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_that_somebody_else_manages_is_left_to_them() {
    let land = Land::new("rke2", "").await;
    let refused = land.run(&["--yes"]).await;
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(refused.stderr.contains("kubectl delete helmchart"), "{}", refused.stderr);
    assert_eq!(land.writes(), [""; 0]);
    let forced = land.run(&["--yes", "--force"]).await;
    assert!(!land.writes().is_empty(), "{}", forced.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_without_cilium_is_0() {
    let land = Land::new("homelab-healthy", PEOPLES).await;
    let there = land.run(&["verify"]).await;
    assert_eq!(there.code, Some(1), "{}", there.stderr);
    assert!(there.stdout.contains("DaemonSet kube-system/cilium"), "{}", there.stdout);
    assert_eq!(land.run(&["--yes"]).await.code, Some(0));
    let gone = land.run(&["verify", "-o", "json"]).await;
    assert_eq!(gone.code, Some(0), "{}", gone.stdout);
    let gone: Value = serde_json::from_str(&gone.stdout).unwrap();
    assert_eq!(gone["clean"], true);
    let again = land.run(&["--yes"]).await;
    assert_eq!(again.code, Some(0), "{}", again.stderr);
}
