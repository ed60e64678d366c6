//! What else is in the cluster: what takes over, and who would put Cilium back.

use kcilium_core::{
    decode::kubernetes::ConfigMap,
    removal::{Guardian, Meta, ObjectRef},
};
use serde_json::Value;

use super::{super::read::unavailable, Surveyor};
use crate::{ApiError, Form, collect::Resource};

/// DaemonSets of other network plugins.
const NETWORKS: [&str; 14] = [
    "antrea-agent",
    "aws-node",
    "azure-cns",
    "calico-node",
    "canal",
    "kindnet",
    "kube-flannel",
    "kube-flannel-ds",
    "kube-ovn-cni",
    "kube-router",
    "ovnkube-node",
    "rke2-canal",
    "terway",
    "weave-net",
];

/// HelmCharts of k3s and rke2, which their helm-controller installs.
const HELM_CHARTS: Resource =
    Resource { group: "helm.cattle.io", version: "v1", plural: "helmcharts" };

/// HelmReleaseProxies of the Cluster API add-on provider.
const HELM_PROXIES: Resource = Resource {
    group: "addons.cluster.x-k8s.io",
    version: "v1alpha1",
    plural: "helmreleaseproxies",
};

impl Surveyor<'_> {
    pub(super) async fn surroundings(&mut self) {
        if let Some(daemon_sets) = self.metas(Resource::DAEMON_SETS, None, "").await {
            let mut kube_proxy = daemon_sets.iter().any(|it| it.name == "kube-proxy");
            if !kube_proxy {
                // rke2 runs it as static pods.
                let pods = self.metas(Resource::PODS, Some("kube-system"), "component=kube-proxy");
                kube_proxy = pods.await.is_some_and(|pods| !pods.is_empty());
            }
            let others = daemon_sets.iter().filter(|it| NETWORKS.contains(&&*it.name));
            let around = &mut self.inventory.surroundings;
            around.kube_proxy = Some(kube_proxy);
            around.other_networks =
                Some(others.map(|it| format!("{}/{}", it.namespace, it.name)).collect());
            self.inventory.guardians.extend(daemon_sets.iter().find_map(google));
        }
        let policies = Resource::NETWORK_POLICIES;
        match self.reader.count(&policies.path(None)).await {
            Ok(count) => self.inventory.surroundings.network_policies = Some(count),
            Err(error) => {
                let need = policies.need("list", None);
                self.unknown(error.unavailable(&policies.qualified(), &need));
            }
        }
        self.config().await;
        self.aws_node().await;
        self.charts().await;
    }

    /// Cilium's configuration, wherever it is.
    async fn config(&mut self) {
        for home in self.inventory.homes.clone() {
            let path = format!("{}/cilium-config", Resource::CONFIG_MAPS.path(Some(&home)));
            match self.reader.one::<ConfigMap>(&path, Form::Json).await {
                Ok(None) => {}
                Ok(Some(map)) => {
                    let taint = map.config_data().data.remove("agent-not-ready-taint-key");
                    self.inventory.surroundings.node_taint = taint;
                    // What cannot be understood of it costs warnings, and no safety: they are
                    // then the worst.
                    self.inventory.surroundings.config = map.cilium_config(None).ok();
                    return;
                }
                Err(error) => {
                    let what = format!("ConfigMap {home}/cilium-config");
                    self.unknown(unavailable(&error, &what, "get", "configmaps"));
                }
            }
        }
    }

    /// Whether aws-node is kept off nodes by the selector that Cilium's command line gives it.
    async fn aws_node(&mut self) {
        let path = format!("{}/aws-node", Resource::DAEMON_SETS.path(Some("kube-system")));
        let object: Value = match self.reader.api.get(&path, Form::Json).await {
            Err(ApiError::NotFound { .. }) => return,
            Err(error) => {
                let what = "DaemonSet kube-system/aws-node";
                return self.unknown(unavailable(&error, what, "get", "daemonsets"));
            }
            Ok(body) => serde_json::from_slice(&body).unwrap_or_default(),
        };
        let selector = &object["spec"]["template"]["spec"]["nodeSelector"];
        if selector.get("io.cilium/aws-node-enabled").is_some() {
            self.inventory.surroundings.aws_node = Some(ObjectRef {
                api_version: "apps/v1".into(),
                kind: "DaemonSet".into(),
                plural: "daemonsets".into(),
                namespace: "kube-system".into(),
                name: "aws-node".into(),
                uid: object["metadata"]["uid"].as_str().unwrap_or_default().into(),
            });
        }
    }

    /// Objects that have Cilium installed.
    async fn charts(&mut self) {
        for chart in self.metas(HELM_CHARTS, None, "").await.unwrap_or_default() {
            if chart.name.contains("cilium") {
                let place = format!("{}/{}", chart.namespace, chart.name);
                self.inventory.guardians.push(Guardian::new(
                    "the helm-controller of k3s and rke2",
                    format!("HelmChart {place}"),
                    format!(
                        "set another `cni` in the configuration of all servers, then: kubectl \
                         delete helmchart {} -n {}",
                        chart.name, chart.namespace
                    ),
                ));
            }
        }
        for proxy in self.metas(HELM_PROXIES, None, "").await.unwrap_or_default() {
            if proxy.name.contains("cilium") {
                let place = format!("{}/{}", proxy.namespace, proxy.name);
                self.inventory.guardians.push(Guardian::new(
                    "the Helm provider of Cluster API",
                    format!("HelmReleaseProxy {place}"),
                    "delete the HelmChartProxy in the management cluster",
                ));
            }
        }
    }
}

/// The agents of Google's edition, which are called otherwise.
fn google(daemon_set: &Meta) -> Option<Guardian> {
    (daemon_set.name == "anetd" && daemon_set.namespace == "kube-system").then(|| {
        Guardian::new(
            "Google Kubernetes Engine (Dataplane V2)",
            "DaemonSet kube-system/anetd",
            "a cluster has its dataplane for life: create another without Dataplane V2",
        )
    })
}
