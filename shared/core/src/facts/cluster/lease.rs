//! Leases.

use serde::{Deserialize, Serialize};

/// A Lease: its holder lives as long as it renews it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lease {
    /// Namespace; that of the kubelets is `kube-node-lease`.
    pub namespace: String,
    /// Name; a kubelet's has its node's.
    pub name: String,
    /// Who holds it; empty where nobody does.
    pub holder: String,
    /// When it was renewed, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewed: Option<String>,
    /// How long it holds without being renewed, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u32>,
}
