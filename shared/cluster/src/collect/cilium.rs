//! Cilium's own objects: where it is installed, how it is configured, which agents run.

use kcilium_core::{
    decode::kubernetes::{ConfigMap, Pod},
    facts::{AgentPod, CiliumConfig, Component, ConfigData, Unavailable, Workload},
};

use super::{Collector, Resource};

/// DaemonSets and Deployments by the labels that the charts give them.
const DAEMON_SETS: &str = "k8s-app in (cilium,cilium-envoy,kube-proxy,node-local-dns)";
const DEPLOYMENTS: [&str; 2] = [
    "io.cilium/app=operator",
    "k8s-app in (kube-dns,hubble-relay,hubble-ui,clustermesh-apiserver)",
];

/// The agents' label.
pub(super) const AGENTS: &str = "k8s-app=cilium";

/// Where Cilium is, unless something says otherwise.
const USUAL_NAMESPACE: &str = "kube-system";

/// Up to so many agents are read whole, at 15 KB each; beyond, their rows do.
const WHOLE_AGENTS: u32 = 200;

/// DaemonSets and Deployments of Cilium and of what it works with.
pub(super) struct Workloads {
    pub(super) daemon_sets: Result<Vec<Workload>, Unavailable>,
    pub(super) deployments: Result<Vec<Workload>, Unavailable>,
}

impl Workloads {
    /// The agent's DaemonSet, in the namespace if one is asked for.
    pub(super) fn agent(&self, namespace: Option<&str>) -> Option<&Workload> {
        self.daemon_sets.iter().flatten().find(|workload| {
            workload.component == Component::Agent
                && namespace.is_none_or(|namespace| workload.namespace == namespace)
        })
    }
}

impl Collector<'_> {
    pub(super) async fn workloads(&self) -> Workloads {
        let (daemon_sets, operators, others) = tokio::join!(
            self.all(Resource::DAEMON_SETS, None, &[("labelSelector", DAEMON_SETS)]),
            self.all(Resource::DEPLOYMENTS, None, &[("labelSelector", DEPLOYMENTS[0])]),
            self.all(Resource::DEPLOYMENTS, None, &[("labelSelector", DEPLOYMENTS[1])]),
        );
        let deployments = operators.and_then(|mut operators: Vec<Workload>| {
            operators.extend(others?);
            Ok(operators)
        });
        Workloads { daemon_sets, deployments }
    }

    /// Cilium's namespace: what the user says, where its DaemonSet is, or where it usually is.
    pub(super) fn home(&self, workloads: &Workloads) -> String {
        self.wish
            .namespace
            .clone()
            .or_else(|| workloads.agent(None).map(|agent| agent.namespace.clone()))
            .unwrap_or_else(|| USUAL_NAMESPACE.to_owned())
    }

    /// `cilium-config`, normalised and as it was written.
    pub(super) async fn config(
        &self,
        home: &str,
        workloads: &Workloads,
    ) -> (Result<CiliumConfig, Unavailable>, Result<ConfigData, Unavailable>) {
        let map: ConfigMap =
            match self.one(Resource::CONFIG_MAPS, Some(home), "cilium-config").await {
                Ok(map) => map,
                Err(missing) => return (Err(missing.clone()), Err(missing)),
            };
        let config = map
            .cilium_config(workloads.agent(Some(home)))
            .map_err(|error| Unavailable::failed("configmaps cilium-config", error.to_string()));
        (config, Ok(map.config_data()))
    }

    /// The agents' pods.
    pub(super) async fn agents(
        &self,
        home: &str,
        workloads: &Workloads,
    ) -> Result<Vec<AgentPod>, Unavailable> {
        let daemon_set = workloads.agent(Some(home));
        let many = daemon_set.is_some_and(|agent| agent.pods.desired > WHOLE_AGENTS);
        if many {
            let rows = self.rows_in(home, &[("labelSelector", AGENTS)]).await;
            let rows = rows.map_err(|error| {
                error.unavailable("pods", &Resource::PODS.need("list", Some(home)))
            })?;
            return Ok(rows
                .into_iter()
                .filter_map(|row| {
                    Some(AgentPod {
                        ready: row.is_well(),
                        namespace: home.to_owned(),
                        ..AgentPod::named(row.name, row.node?)
                    })
                })
                .collect());
        }
        let pods: Vec<Pod> =
            self.all(Resource::PODS, Some(home), &[("labelSelector", AGENTS)]).await?;
        Ok(pods.iter().filter_map(Pod::agent).collect())
    }
}
