//! Releases made by the real helm.

use std::{fs, path::Path, process::Command};

use super::land::Land;
use crate::{doctor::Run, tools::tool};

const TEMPLATES: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config}
data: {kube-proxy-replacement: "false"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kept, annotations: {"helm.sh/resource-policy": keep}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: certs, annotations: {"helm.sh/hook": "post-upgrade"}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: "a:1"}]}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: hook, annotations: {"helm.sh/hook": pre-install}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "{{ .Release.Name }}-role"}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: cilium, labels: {k8s-app: cilium}}
spec:
  selector: {matchLabels: {k8s-app: cilium}}
  template: {metadata: {labels: {k8s-app: cilium}}, spec: {containers: [{name: a, image: "a:1"}]}}
"#;

/// One helm, on a cluster.
struct Helm<'a> {
    major: u8,
    driver: &'a str,
    land: &'a Land,
}

impl Helm<'_> {
    async fn run(&self, arguments: &[&str]) -> Run {
        let mut command = Command::new(tool(&format!("helm-{}", self.major), "helm"));
        let home = self.land.folder().join("helm");
        command.args(arguments).arg("--kubeconfig").arg(self.land.kubeconfig());
        for variable in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
            command.env(variable, &home);
        }
        command.env("HELM_DRIVER", self.driver).current_dir(self.land.folder());
        tokio::task::spawn_blocking(move || Run::of(&mut command)).await.unwrap()
    }

    async fn ok(&self, arguments: &[&str]) -> String {
        let run = self.run(arguments).await;
        assert_eq!(run.code, Some(0), "helm {arguments:?}: {}", run.stderr);
        run.stdout
    }

    /// All releases, whatever became of them.
    async fn releases(&self) -> Vec<String> {
        let all: &[&str] = if self.major == 3 { &["--all"] } else { &[] };
        let text = self.ok(&[&["list", "-A", "--short"], all].concat()).await;
        text.lines().map(str::to_owned).collect()
    }
}

fn chart(folder: &Path, name: &str) {
    let chart = folder.join(name);
    fs::create_dir_all(chart.join("templates")).unwrap();
    fs::write(chart.join("Chart.yaml"), format!("apiVersion: v2\nname: {name}\nversion: 1.2.3\n"))
        .unwrap();
    fs::write(chart.join("templates/all.yaml"), TEMPLATES).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn releases_of_both_helms_and_drivers_are_found_and_go() {
    for (major, driver) in [(3, "secret"), (4, "secret"), (3, "configmap"), (4, "configmap")] {
        let land = Land::new("empty", "").await;
        for name in ["cilium", "cilium-dashboards"] {
            chart(land.folder(), name);
        }
        let helm = Helm { major, driver, land: &land };
        let others = "cilium-dashboards";
        helm.ok(&["install", others, "./cilium-dashboards", "-n", "boards", "--create-namespace"])
            .await;
        let others_objects = land.objects();
        helm.ok(&["install", "net", "./cilium", "-n", "networking", "--create-namespace"]).await;
        helm.ok(&["upgrade", "net", "./cilium", "-n", "networking", "--set", "a=b", "--no-hooks"])
            .await;
        assert_eq!(helm.releases().await, [others, "net"]);

        let run = land.run(&["--yes", "--backup", "saved"]).await;
        assert_eq!(run.code, Some(0), "{major} {driver}: {} {}", run.stdout, run.stderr);
        assert_eq!(helm.releases().await, [others], "{major} {driver}");
        let after = land.objects();
        let left: Vec<&str> = after
            .keys()
            .filter(|name| !others_objects.contains_key(*name))
            .map(String::as_str)
            .filter(|name| !name.contains("networking/default"))
            .collect();
        assert_eq!(left, ["configmaps. networking/kept", "namespaces. /networking"]);
        assert!(others_objects.iter().all(|(name, object)| after.get(name) == Some(object)));
        let values = land.folder().join("saved/releases/networking.net.values.yaml");
        assert_eq!(fs::read_to_string(values).unwrap(), "a: b\n");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn releases_that_failed_go_as_well() {
    let land = Land::new("empty", "").await;
    chart(land.folder(), "cilium");
    let helm = Helm { major: 3, driver: "secret", land: &land };
    let fault = kubesim::Fault::new("*/daemonsets*", kubesim::Kind::Forbidden).method("POST");
    land.sim().faults().add(fault);
    let failed = helm.run(&["install", "cilium", "./cilium", "-n", "kube-system"]).await;
    assert_ne!(failed.code, Some(0));
    land.sim().faults().clear();
    assert_eq!(helm.releases().await, ["cilium"]);
    let run = land.run(&["--yes"]).await;
    assert_eq!(run.code, Some(0), "{} {}", run.stdout, run.stderr);
    assert_eq!(helm.releases().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_may_stay() {
    for major in [3, 4] {
        let land = Land::new("empty", "").await;
        chart(land.folder(), "cilium");
        let helm = Helm { major, driver: "secret", land: &land };
        helm.ok(&["install", "cilium", "./cilium", "-n", "kube-system"]).await;
        let run = land.run(&["--yes", "--keep-history"]).await;
        assert_eq!(run.code, Some(0), "{} {}", run.stdout, run.stderr);
        let status = helm.ok(&["status", "cilium", "-n", "kube-system"]).await;
        assert!(status.contains("STATUS: uninstalled"), "{status}");
    }
}
