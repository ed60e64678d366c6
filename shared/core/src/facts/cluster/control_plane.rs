//! Kubernetes' own components and how they were set up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::facts::NodeName;

/// What `/version` answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KubernetesVersion {
    /// Such as `v1.35.0` or `v1.30.4+k3s1`.
    pub git_version: String,
    /// Such as `linux/amd64`.
    pub platform: String,
}

/// A pod of the control plane, as the kubelet mirrors it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ControlPlanePod {
    /// What runs in it.
    pub component: ControlPlaneComponent,
    /// Namespace.
    pub namespace: String,
    /// Pod name.
    pub name: String,
    /// Node that it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeName>,
    /// Flags without their dashes, those that bear on the network; `true` where a flag stands alone.
    #[serde(default)]
    pub flags: BTreeMap<String, String>,
}

/// A component of the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlPlaneComponent {
    /// kube-apiserver.
    ApiServer,
    /// kube-controller-manager.
    ControllerManager,
    /// Another one.
    #[serde(other)]
    Other,
}

impl ControlPlanePod {
    /// The API server's `--service-cluster-ip-range`, each element as written.
    pub fn service_cidrs(&self) -> impl Iterator<Item = &str> {
        let ranges = self.flags.get("service-cluster-ip-range").map_or("", String::as_str);
        ranges.split(',').filter(|range| !range.is_empty())
    }
}

/// kubeadm's ClusterConfiguration (ConfigMap `kube-system/kubeadm-config`); what it does not say is
/// empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Kubeadm {
    /// `networking.podSubnet`, as written; two CIDRs with a comma on dual-stack clusters.
    pub pod_subnet: String,
    /// `networking.serviceSubnet`, as written.
    pub service_subnet: String,
    /// `networking.dnsDomain`.
    pub dns_domain: String,
    /// `controlPlaneEndpoint`: host or address, mostly with a port.
    pub control_plane_endpoint: String,
    /// `kubernetesVersion`.
    pub kubernetes_version: String,
    /// `clusterName`.
    pub cluster_name: String,
    /// `proxy.disabled` (v1beta4). That the phase was skipped is recorded nowhere.
    pub kube_proxy_disabled: bool,
}

/// The ConfigMap `kube-public/cluster-info`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterInfo {
    /// URL of the API server.
    pub server: String,
}

/// kube-proxy's KubeProxyConfiguration (ConfigMap `kube-system/kube-proxy`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KubeProxyConfig {
    /// `mode`; empty is iptables on Linux.
    pub mode: String,
    /// `clusterCIDR`, as written.
    #[serde(rename = "clusterCIDR")]
    pub cluster_cidr: String,
    /// `detectLocalMode`; empty is `ClusterCIDR`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detect_local_mode: String,
}

/// The KubeletConfiguration that kubeadm gives to nodes which join (ConfigMap
/// `kube-system/kubelet-config`). A node's own file may have been changed since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KubeletConfig {
    /// `clusterDNS`: servers that pods ask, as written.
    #[serde(rename = "clusterDNS", skip_serializing_if = "Vec::is_empty")]
    pub cluster_dns: Vec<String>,
    /// `clusterDomain`.
    pub cluster_domain: String,
    /// `resolvConf`; empty is `/etc/resolv.conf`.
    pub resolv_conf: String,
}
