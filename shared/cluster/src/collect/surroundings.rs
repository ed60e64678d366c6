//! The few facts that values for Cilium depend on: what it is put into, and what of it is there.

use kcilium_core::facts::{ClusterFacts, Facts, PodRow, Unavailable};

use super::{Collector, NodeChoice, Resource, Wish, kubernetes::SYSTEM};
use crate::{Api, ApiError};

/// Whether Cilium's Helm release is read, which takes permission to read Secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Releases {
    /// Read it.
    Read,
    /// Leave it alone.
    Leave,
}

/// Reads them: two rounds of requests at most, none of which grows with the number of pods outside
/// `kube-system`.
///
/// # Errors
/// As for [`super::collect`].
pub async fn surroundings(
    api: &Api,
    namespace: Option<&str>,
    releases: Releases,
) -> Result<Facts, ApiError> {
    let namespace = namespace.map(str::to_owned);
    let wish = Wish { namespace, nodes: NodeChoice::None, node_selector: None };
    let collector = Collector { api, wish: &wish };
    Box::pin(collector.facts(collector.surroundings(releases))).await
}

impl Collector<'_> {
    async fn surroundings(&self, wanted: Releases) -> ClusterFacts {
        // What the second round waits for comes first: the API serves the first that ask.
        let (workloads, nodes, kubeadm, cluster_info, (api_servers, api_server_port)) = tokio::join!(
            self.workloads(),
            self.all(Resource::NODES, None, &[]),
            self.kubeadm(),
            self.cluster_info(),
            self.api_servers(),
        );
        let home = self.home(&workloads).await;
        let releases = async {
            match wanted {
                Releases::Read => self.releases(&home, &workloads).await,
                Releases::Leave => Err(Unavailable::not_collected("Helm release")),
            }
        };
        let service = async {
            let control_plane = self.control_plane().await;
            let cidrs = self.service_cidrs(&control_plane).await;
            (control_plane, cidrs)
        };
        let (config, releases, kube_proxy_pods, (control_plane, service_cidrs), certificate) = tokio::join!(
            self.config(&home, &workloads),
            releases,
            self.kube_proxy_pods(),
            service,
            self.api.certificate(),
        );
        let (config, config_data) = config;
        ClusterFacts {
            config: config.into(),
            config_data: config_data.into(),
            daemon_sets: workloads.daemon_sets.into(),
            deployments: workloads.deployments.into(),
            releases: releases.into(),
            nodes: nodes.into(),
            kubeadm: kubeadm.into(),
            cluster_info: cluster_info.into(),
            control_plane: control_plane.into(),
            service_cidrs: service_cidrs.into(),
            api_servers: api_servers.into(),
            api_server_port: api_server_port.into(),
            kube_proxy_pods: kube_proxy_pods.into(),
            server_certificate: certificate.into(),
            ..ClusterFacts::default()
        }
    }

    /// kube-proxy as whatever it runs: RKE2, GKE and AKS do not label it as kubeadm does.
    async fn kube_proxy_pods(&self) -> Result<Vec<PodRow>, Unavailable> {
        let need = || Resource::PODS.need("list", Some(SYSTEM));
        let rows = self.rows_in(SYSTEM, &[]).await;
        let mut rows = rows.map_err(|error| error.unavailable("pods", &need()))?;
        rows.retain(|row| row.name.contains("kube-proxy"));
        Ok(rows)
    }
}
