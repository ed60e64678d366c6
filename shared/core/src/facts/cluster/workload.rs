//! DaemonSets and Deployments.

use std::collections::BTreeMap;

use semver::Version;
use serde::{Deserialize, Serialize};

use super::Toleration;

/// A DaemonSet or Deployment, trimmed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Workload {
    /// Kind.
    pub kind: WorkloadKind,
    /// What it is, whatever it is called.
    pub component: Component,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Labels that say what it is and which chart it comes from.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations that say the same, of the workload and of its pods.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// `spec.selector.matchLabels`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub selector: BTreeMap<String, String>,
    /// Containers.
    pub containers: Vec<Container>,
    /// Init containers, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub init_containers: Vec<Container>,
    /// Whether its pods are in the host's network.
    pub host_network: bool,
    /// Labels of the nodes that its pods may go to.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Tolerations of its pods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// `priorityClassName` of its pods.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub priority_class: String,
    /// `dnsPolicy` of its pods.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub dns_policy: String,
    /// Directories of the host by the name of their volume, such as `cni-path` or `etc-cni-netd`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub host_paths: BTreeMap<String, String>,
    /// Its pods, counted.
    pub pods: PodCounts,
    /// When it was made, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
}

/// Kind of a workload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum WorkloadKind {
    /// A pod on each node.
    DaemonSet,
    /// A number of pods.
    Deployment,
    /// Of another kind.
    #[default]
    #[serde(other)]
    Other,
}

/// What a workload is. Releases and objects are renamed by distributions and users, so this goes
/// by containers and labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Component {
    /// Cilium's agent.
    Agent,
    /// Cilium's operator.
    Operator,
    /// Envoy in pods of its own.
    Envoy,
    /// Hubble relay.
    HubbleRelay,
    /// Hubble UI.
    HubbleUi,
    /// The API server of a cluster mesh.
    ClusterMesh,
    /// kube-proxy.
    KubeProxy,
    /// The cluster's DNS.
    CoreDns,
    /// A DNS cache on each node.
    NodeLocalDns,
    /// Something else.
    #[default]
    #[serde(other)]
    Other,
}

/// How many pods a workload wants and has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodCounts {
    /// Nodes that should have one, or replicas that are wanted.
    pub desired: u32,
    /// Of the present template.
    pub updated: u32,
    /// Ready.
    pub ready: u32,
    /// Ready for long enough.
    pub available: u32,
    /// Not available.
    pub unavailable: u32,
    /// On nodes where none should be.
    #[serde(skip_serializing_if = "crate::facts::is_zero")]
    pub misscheduled: u32,
}

/// A container of a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    /// Name.
    pub name: String,
    /// Image, as written.
    pub image: String,
    /// `command`, redacted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// `args`, redacted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Environment; of most variables only the name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<EnvVar>,
    /// Ports of the host that it takes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub host_ports: Vec<u16>,
}

/// An environment variable. With neither value nor source its value is not shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvVar {
    /// Name.
    pub name: String,
    /// The literal value, of variables that rules look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Where the value comes from: `field spec.nodeName`, `ConfigMap NAME key KEY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

impl Component {
    /// Tells what a pod is by its labels and the names of its containers.
    pub fn of<'a>(
        labels: &BTreeMap<String, String>,
        containers: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let app = labels.get("k8s-app").map_or("", String::as_str);
        // The agent's label is part of every chart's selectors; Envoy and the operator have others.
        let by_container = containers.into_iter().find_map(|name| match name {
            "cilium-agent" if app == "cilium" => Some(Self::Agent),
            "cilium-operator" => Some(Self::Operator),
            "cilium-envoy" => Some(Self::Envoy),
            "hubble-relay" => Some(Self::HubbleRelay),
            "kube-proxy" => Some(Self::KubeProxy),
            "coredns" => Some(Self::CoreDns),
            "node-cache" => Some(Self::NodeLocalDns),
            _ => None,
        });
        by_container.unwrap_or(match app {
            "hubble-ui" => Self::HubbleUi,
            "clustermesh-apiserver" => Self::ClusterMesh,
            "kube-proxy" => Self::KubeProxy,
            "kube-dns" => Self::CoreDns,
            _ => Self::Other,
        })
    }
}

impl Workload {
    /// A container or init container by its name.
    pub fn container(&self, name: &str) -> Option<&Container> {
        let all = self.containers.iter().chain(&self.init_containers);
        all.into_iter().find(|container| container.name == name)
    }
}

impl Container {
    /// The version that the image's tag says.
    pub fn version(&self) -> Option<Version> {
        image_version(&self.image)
    }

    /// A variable of the environment.
    pub fn variable(&self, name: &str) -> Option<&EnvVar> {
        self.env.iter().find(|variable| variable.name == name)
    }
}

/// `quay.io/cilium/cilium:v1.14.2@sha256:…` → 1.14.2.
pub(super) fn image_version(image: &str) -> Option<Version> {
    let without_digest = image.split('@').next()?;
    let (_, tag) = without_digest.rsplit_once(':')?;
    Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok()
}
