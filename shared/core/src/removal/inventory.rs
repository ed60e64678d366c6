//! What of Cilium is in the API of a cluster.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{catalogue::Definition, guardian::Guardian, host::Host, object::ObjectRef};
use crate::facts::{CiliumConfig, Unavailable};

/// How an object was recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum Proof {
    /// The manifest of a release has it.
    Manifest {
        /// The release's namespace.
        namespace: String,
        /// The release's name.
        name: String,
    },
    /// It is a hook of a release, which Helm does not remove.
    Hook {
        /// The release's namespace.
        namespace: String,
        /// The release's name.
        name: String,
    },
    /// It says that it is of a release of Cilium's chart.
    Annotated {
        /// The release's namespace.
        namespace: String,
        /// The release's name.
        name: String,
    },
    /// It has the label of the charts.
    Label,
    /// Cilium gives that name in its namespace.
    Name,
    /// One of Cilium's controllers manages it.
    ManagedBy {
        /// Which.
        manager: String,
    },
    /// It is what a release is kept in.
    Record,
    /// Its workloads are those of `cilium connectivity test`.
    TestWorkloads,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest { name, .. } | Self::Annotated { name, .. } => {
                write!(f, "of release {name}")
            }
            Self::Hook { name, .. } => write!(f, "a hook of release {name}, which helm leaves"),
            Self::Label => f.write_str("labelled part-of=cilium"),
            Self::Name => f.write_str("by its name"),
            Self::ManagedBy { manager } => write!(f, "managed by {manager}"),
            Self::Record => f.write_str("what helm keeps of the release"),
            Self::TestWorkloads => f.write_str("of cilium connectivity test"),
        }
    }
}

/// An object of Cilium's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// Which.
    pub object: ObjectRef,
    /// How it was recognised.
    pub proof: Proof,
    /// Whether it is being deleted already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_terminating: bool,
}

/// Something that looks like a part of it and stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// What, such as `Secret kube-system/cilium-ipsec-keys`.
    pub what: String,
    /// Why.
    pub why: String,
}

/// A release of Cilium's chart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseFound {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Version of the chart.
    pub chart_version: String,
    /// `deployed`, `failed`, `uninstalling` …
    pub status: String,
    /// The newest revision.
    pub revision: u32,
    /// What helm keeps its revisions in, oldest first.
    pub records: Vec<ObjectRef>,
}

/// One of Cilium's definitions, and its objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomResources {
    /// The definition.
    pub definition: ObjectRef,
    /// Plural name.
    pub plural: String,
    /// Kind; empty if the server does not serve it.
    pub kind: String,
    /// Group and version under which objects are read; empty if the server does not serve it.
    pub api_version: String,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// How many objects there are; none if they could not be counted.
    pub count: Option<u64>,
    /// How many of these have finalizers, where that was looked at.
    #[serde(default)]
    pub held: u64,
    /// Whether it is being deleted already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_terminating: bool,
}

impl CustomResources {
    /// What is known of the definition.
    pub fn known(&self) -> Option<Definition> {
        Definition::named(&self.definition.name)
    }
}

/// What Cilium wrote on a Node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeMarks {
    /// The node.
    pub name: String,
    /// Keys of annotations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<String>,
    /// Keys of taints.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taints: Vec<String>,
    /// Whether the condition NetworkUnavailable is Cilium's word.
    pub is_up_condition: bool,
    /// Whether its kubelet is not heard of.
    pub is_silent: bool,
    /// Whether it runs Talos.
    pub is_talos: bool,
}

impl NodeMarks {
    /// Whether there is anything to take away.
    pub fn is_marked(&self) -> bool {
        self.is_up_condition || !self.annotations.is_empty() || !self.taints.is_empty()
    }
}

/// What else is in the cluster that decides what breaks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Surroundings {
    /// Whether kube-proxy runs; none if that could not be seen.
    pub kube_proxy: Option<bool>,
    /// DaemonSets of other CNI plugins; none if that could not be seen.
    pub other_networks: Option<Vec<String>>,
    /// How many NetworkPolicies there are.
    pub network_policies: Option<u64>,
    /// Cilium's configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<CiliumConfig>,
    /// Whether aws-node is kept off nodes for Cilium.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws_node: Option<ObjectRef>,
    /// Uid of the namespace kube-system: what tells this cluster from others.
    pub cluster_uid: String,
    /// How many nodes there are; none if that could not be seen.
    pub nodes: Option<usize>,
    /// Nodes whose kubelet is not heard of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent_nodes: Vec<String>,
    /// Whether nodes run Talos.
    pub is_talos: bool,
    /// The key of the taint that keeps pods off nodes until an agent runs, where it is not the usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_taint: Option<String>,
}

/// All that was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Inventory {
    /// Namespaces that Cilium is in.
    pub homes: Vec<String>,
    /// Pods of Cilium's there.
    pub pods: usize,
    /// Releases.
    pub releases: Vec<ReleaseFound>,
    /// Objects, namespaces among them.
    pub objects: Vec<Found>,
    /// Definitions.
    pub custom_resources: Vec<CustomResources>,
    /// Nodes that Cilium wrote on.
    pub nodes: Vec<NodeMarks>,
    /// All nodes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<Host>,
    /// Nodes that Cilium knows, and Kubernetes does not any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gone_hosts: Vec<Host>,
    /// What stays.
    pub kept: Vec<Kept>,
    /// Who else manages the installation.
    pub guardians: Vec<Guardian>,
    /// The rest of the cluster.
    pub surroundings: Surroundings,
    /// What could not be looked at.
    pub unknown: Vec<Unavailable>,
}

impl Inventory {
    /// How many of Cilium's policies there are; none if that is not known of all.
    pub fn policies(&self) -> Option<u64> {
        self.custom_resources
            .iter()
            .filter(|it| it.known().is_some_and(Definition::is_policy))
            .map(|it| it.count)
            .sum()
    }

    /// How many objects of that plural there are.
    pub fn count(&self, plural: &str) -> u64 {
        let counts = self.custom_resources.iter().filter(|it| it.plural == plural);
        counts.filter_map(|it| it.count).sum()
    }

    /// Releases whose history was kept on purpose are no residue.
    pub fn releases_left(&self) -> impl Iterator<Item = &ReleaseFound> {
        self.releases.iter().filter(|release| release.status != "uninstalled")
    }
}
