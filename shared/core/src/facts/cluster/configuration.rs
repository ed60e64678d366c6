//! Cilium's configuration as it stands in the cluster.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::LabelSelector;

/// The ConfigMap `cilium-config`, redacted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConfigData {
    /// Namespace of the installation.
    pub namespace: String,
    /// Keys and values, as written.
    pub data: BTreeMap<String, String>,
    /// When it was last written, RFC 3339 (the latest of `metadata.managedFields`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<String>,
}

/// A CiliumNodeConfig: what some nodes do otherwise. `cilium.io/v2alpha1` from 1.13 to 1.19,
/// `cilium.io/v2` from 1.16.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CiliumNodeConfig {
    /// Namespace. Agents read those of their own.
    pub namespace: String,
    /// Name. Where several set one key, agents take the last by name.
    pub name: String,
    /// Nodes that it is for; none without `spec.nodeSelector`, while an empty one selects all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<LabelSelector>,
    /// `spec.defaults`: keys of `cilium-config`, redacted.
    pub defaults: BTreeMap<String, String>,
}
