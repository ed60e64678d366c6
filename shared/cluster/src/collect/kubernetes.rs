//! What Kubernetes itself says: its version, its control plane, its Services and events.

use std::net::IpAddr;

use kcilium_core::{
    decode::kubernetes::{ConfigMap, Pod, ServiceCidr, version},
    facts::{
        ClusterFacts, ClusterInfo, ControlPlanePod, Event, Kubeadm, KubernetesVersion,
        NetworkPolicy, ServiceEndpoints, Unavailable,
    },
};

use super::{Collector, Resource, yaml};
use crate::{ApiError, Form};

/// Where kubeadm, and most distributions, keep the control plane.
pub(super) const SYSTEM: &str = "kube-system";

/// Static pods of the control plane, by the label that kubeadm gives them.
const CONTROL_PLANE: &str = "component in (kube-apiserver,kube-controller-manager)";

impl Collector<'_> {
    pub(super) async fn version(&self) -> Result<KubernetesVersion, ApiError> {
        let body = self.api.get("/version", Form::Json).await?;
        version(&body).map_err(|error| ApiError::Unreadable {
            reason: format!("this is no Kubernetes API server: /version: {error}"),
        })
    }

    pub(super) async fn control_plane(&self) -> Result<Vec<ControlPlanePod>, Unavailable> {
        let query = [("labelSelector", CONTROL_PLANE)];
        let pods: Vec<Pod> = self.all(Resource::PODS, Some(SYSTEM), &query).await?;
        Ok(pods.iter().filter_map(Pod::control_plane).collect())
    }

    /// The facts that depend on no other.
    pub(super) async fn others(&self) -> ClusterFacts {
        let (kubeadm, cluster_info, kube_proxy, kubelet, (api_servers, api_server_port)) = tokio::join!(
            self.kubeadm(),
            self.cluster_info(),
            self.config_map(SYSTEM, "kube-proxy"),
            self.config_map(SYSTEM, "kubelet-config"),
            self.api_servers(),
        );
        let (policies, cilium_policies, clusterwide_policies) = tokio::join!(
            self.policies(Resource::NETWORK_POLICIES),
            self.policies(Resource::CILIUM_POLICIES),
            self.policies(Resource::CILIUM_CLUSTER_POLICIES),
        );
        let (services, events, custom, dns) = tokio::join!(
            self.all(Resource::SERVICES, None, &[]),
            self.events(),
            self.all(Resource::CUSTOM_RESOURCES, None, &[]),
            self.dns(),
        );
        ClusterFacts {
            kubeadm: kubeadm.into(),
            cluster_info: cluster_info.into(),
            kube_proxy: kube_proxy.and_then(|map| read(&map, ConfigMap::kube_proxy)).into(),
            kubelet_config: kubelet.and_then(|map| read(&map, ConfigMap::kubelet)).into(),
            api_servers: api_servers.into(),
            api_server_port: api_server_port.into(),
            services: services.into(),
            events: events.into(),
            network_policies: policies.into(),
            cilium_network_policies: cilium_policies.into(),
            cilium_clusterwide_network_policies: clusterwide_policies.into(),
            custom_resources: custom.into(),
            corefiles: dns.corefiles.into(),
            dns_endpoints: dns.endpoints.into(),
            local_redirect_policies: dns.redirects.into(),
            ..ClusterFacts::default()
        }
    }

    /// What kubeadm was told.
    pub(super) async fn kubeadm(&self) -> Result<Kubeadm, Unavailable> {
        read(&self.config_map(SYSTEM, "kubeadm-config").await?, ConfigMap::kubeadm)
    }

    /// What the cluster tells those who want to join it.
    pub(super) async fn cluster_info(&self) -> Result<ClusterInfo, Unavailable> {
        read(&self.config_map("kube-public", "cluster-info").await?, ConfigMap::cluster_info)
    }

    async fn config_map(&self, namespace: &str, name: &str) -> Result<ConfigMap, Unavailable> {
        self.one(Resource::CONFIG_MAPS, Some(namespace), name).await
    }

    /// Who answers for a Service.
    pub(super) async fn endpoints(
        &self,
        namespace: &str,
        service: &str,
    ) -> Result<ServiceEndpoints, Unavailable> {
        let selector = format!("kubernetes.io/service-name={service}");
        let query = [("labelSelector", selector.as_str())];
        let slices: Vec<ServiceEndpoints> =
            self.first_served(&Resource::ENDPOINT_SLICES, Some(namespace), &query).await?;
        // A Service that nobody answers for has a slice too, an empty one.
        if slices.is_empty() {
            let what = format!("endpointslices of Service {namespace}/{service}");
            return Err(Unavailable::absent(what, "the server has none"));
        }
        Ok(ServiceEndpoints {
            namespace: namespace.to_owned(),
            service: service.to_owned(),
            ports: slices.first().map(|slice| slice.ports.clone()).unwrap_or_default(),
            endpoints: slices.into_iter().flat_map(|slice| slice.endpoints).collect(),
        })
    }

    /// The addresses and the port of the API servers, as the cluster publishes them.
    pub(super) async fn api_servers(
        &self,
    ) -> (Result<Vec<IpAddr>, Unavailable>, Result<u16, Unavailable>) {
        match self.endpoints("default", "kubernetes").await {
            Err(missing) => (Err(missing.clone()), Err(missing)),
            Ok(found) => {
                let no_port =
                    || Unavailable::absent("EndpointSlice default/kubernetes", "it has no port");
                let port = found.ports.first().copied().ok_or_else(no_port);
                let addresses = found.endpoints.into_iter().flat_map(|it| it.addresses);
                (Ok(addresses.collect()), port)
            }
        }
    }

    /// What went wrong of late.
    async fn events(&self) -> Result<Vec<Event>, Unavailable> {
        let query = [("fieldSelector", "type!=Normal")];
        self.all(Resource::EVENTS, None, &query).await
    }

    /// ServiceCIDRs, and before Kubernetes had them what its API servers were told.
    pub(super) async fn service_cidrs(
        &self,
        control_plane: &Result<Vec<ControlPlanePod>, Unavailable>,
    ) -> Result<Vec<String>, Unavailable> {
        let served: Result<Vec<ServiceCidr>, _> =
            self.first_served(&Resource::SERVICE_CIDRS, None, &[]).await;
        let missing = match served {
            Ok(objects) if !objects.is_empty() => {
                return Ok(objects.into_iter().flat_map(|object| object.cidrs).collect());
            }
            Ok(_) => Unavailable::absent("servicecidrs.networking.k8s.io", "the server has none"),
            Err(missing) => missing,
        };
        let mut told: Vec<String> = control_plane
            .iter()
            .flatten()
            .flat_map(ControlPlanePod::service_cidrs)
            .map(str::to_owned)
            .collect();
        told.sort();
        told.dedup();
        if told.is_empty() { Err(missing) } else { Ok(told) }
    }

    async fn policies(&self, resource: Resource) -> Result<Vec<NetworkPolicy>, Unavailable> {
        // An object may hold several policies.
        let found: Vec<Vec<NetworkPolicy>> = self.all(resource, None, &[]).await?;
        Ok(found.into_iter().flatten().collect())
    }
}

/// Reads a ConfigMap with YAML in it.
fn read<T, E: std::fmt::Display>(
    map: &ConfigMap,
    reader: impl Fn(&ConfigMap, kcilium_core::decode::kubernetes::Yaml) -> Result<T, E>,
) -> Result<T, Unavailable> {
    reader(map, yaml::parse)
        .map_err(|error| Unavailable::failed(format!("configmaps {}", map.name), error.to_string()))
}
