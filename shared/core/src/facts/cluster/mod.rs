//! What the API server knows.
//!
//! Each field is what one request gives, so that each can fail alone.

mod certificate;
mod configuration;
mod control_plane;
mod custom_resource;
mod dns;
mod event;
mod label_selector;
mod lease;
mod log;
mod network_policy;
mod node;
mod pod;
mod pods;
mod release;
mod service;
mod workload;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use certificate::ServerCertificate;
pub use configuration::{CiliumNodeConfig, ConfigData};
pub use control_plane::{
    ClusterInfo, ControlPlaneComponent, ControlPlanePod, KubeProxyConfig, Kubeadm, KubeletConfig,
    KubernetesVersion,
};
pub use custom_resource::{CiliumEndpoint, CustomResource, CustomResourceVersion};
pub use dns::{Corefile, LocalRedirectPolicy, ServiceEndpoint, ServiceEndpoints};
pub use event::{Event, ObjectReference};
pub use label_selector::{LabelSelector, SelectorRequirement};
pub use lease::Lease;
pub use log::{ContainerLog, ContainerLogs, LogSource, Run};
pub use network_policy::{NetworkPolicy, NetworkPolicyKind};
pub use node::{
    CiliumNode, Condition, KubeNode, NodeAddress, NodeAddressKind, NodeInfo, Taint, Toleration,
};
pub use pod::{AgentPod, ContainerStatus, PodDetail, PodRow, Termination, Waiting};
pub use pods::Pods;
pub use release::Release;
pub use service::{Service, ServicePort, ServiceType, TrafficPolicy};
pub use workload::{Component, Container, EnvVar, PodCounts, Workload, WorkloadKind};

use super::{CiliumConfig, Fact};

/// Cluster-wide facts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterFacts {
    /// Version of the API server.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub version: Fact<KubernetesVersion>,
    /// The live configuration (`cilium-config`), normalised.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub config: Fact<CiliumConfig>,
    /// The same as it was written, so that a newer tool can judge it again.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub config_data: Fact<ConfigData>,
    /// All CiliumNodeConfigs.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub cilium_node_configs: Fact<Vec<CiliumNodeConfig>>,
    /// DaemonSets of Cilium and of what it works with; those of applications are left out.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub daemon_sets: Fact<Vec<Workload>>,
    /// Deployments of Cilium and of what it works with; those of applications are left out.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub deployments: Fact<Vec<Workload>>,
    /// Cilium's Helm releases, every revision that is kept.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub releases: Fact<Vec<Release>>,
    /// All CiliumNodes.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub cilium_nodes: Fact<Vec<CiliumNode>>,
    /// All Nodes.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub nodes: Fact<Vec<KubeNode>>,
    /// What kubeadm was told.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub kubeadm: Fact<Kubeadm>,
    /// What the cluster tells those who want to join it.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub cluster_info: Fact<ClusterInfo>,
    /// Pods of the control plane; an empty list where it does not run as pods.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub control_plane: Fact<Vec<ControlPlanePod>>,
    /// Service CIDRs, as written in the cluster.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub service_cidrs: Fact<Vec<String>>,
    /// API server addresses that the cluster publishes.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub api_servers: Fact<Vec<IpAddr>>,
    /// The port that goes with these addresses.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub api_server_port: Fact<u16>,
    /// What the API server that was asked is for, says its certificate.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub server_certificate: Fact<ServerCertificate>,
    /// kube-proxy's configuration; that it runs, its DaemonSet says.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub kube_proxy: Fact<KubeProxyConfig>,
    /// What kubeadm tells kubelets.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub kubelet_config: Fact<KubeletConfig>,
    /// Pods of the namespace `kube-system` with `kube-proxy` in their names, static ones included.
    /// Only where not all pods are read.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub kube_proxy_pods: Fact<Vec<PodRow>>,
    /// Agent pods; an empty list says that Cilium's DaemonSet has none or is gone.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub agents: Fact<Vec<AgentPod>>,
    /// All pods, one row each.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub pods: Fact<Pods>,
    /// What is known beyond the row about pods that are in trouble; not all of them where there
    /// are many.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub troubled_pods: Fact<Vec<PodDetail>>,
    /// Logs of containers of these that fail.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub logs: Fact<ContainerLogs>,
    /// Events, as far as the cluster keeps them (an hour by default).
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub events: Fact<Vec<Event>>,
    /// All Services.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub services: Fact<Vec<Service>>,
    /// Kubernetes' NetworkPolicies.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub network_policies: Fact<Vec<NetworkPolicy>>,
    /// CiliumNetworkPolicies.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub cilium_network_policies: Fact<Vec<NetworkPolicy>>,
    /// CiliumClusterwideNetworkPolicies.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub cilium_clusterwide_network_policies: Fact<Vec<NetworkPolicy>>,
    /// CiliumEndpoints of the pods that were asked for.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub cilium_endpoints: Fact<Vec<CiliumEndpoint>>,
    /// Configurations of CoreDNS and of its cache on the nodes.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub corefiles: Fact<Vec<Corefile>>,
    /// Who answers for the Service `kube-system/kube-dns`; empty where nobody does.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub dns_endpoints: Fact<Vec<ServiceEndpoint>>,
    /// CiliumLocalRedirectPolicies; absent where Cilium reads none.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub local_redirect_policies: Fact<Vec<LocalRedirectPolicy>>,
    /// CRDs of the group `cilium.io`.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub custom_resources: Fact<Vec<CustomResource>>,
    /// Leases by which the operator and the kubelets show that they live.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub leases: Fact<Vec<Lease>>,
}

impl ClusterFacts {
    /// Policies of all kinds, each kind for itself.
    pub(crate) fn policies(&self) -> [&Fact<Vec<NetworkPolicy>>; 3] {
        [
            &self.network_policies,
            &self.cilium_network_policies,
            &self.cilium_clusterwide_network_policies,
        ]
    }

    /// DaemonSets and Deployments of a component among those that are known. Whether one of the
    /// two lists is missing must be asked separately.
    pub fn workloads(&self, component: Component) -> impl Iterator<Item = &Workload> {
        let all = self.daemon_sets.items().iter().chain(self.deployments.items());
        all.filter(move |workload| workload.component == component)
    }
}
