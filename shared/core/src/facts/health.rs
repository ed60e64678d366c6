//! What an agent's prober found of the other nodes.

use serde::{Deserialize, Serialize};

/// The last round of probes that an agent sent to all nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HealthReport {
    /// How many nodes were probed, the agent's own among them.
    pub probed: usize,
    /// How many of them did not answer everything.
    pub silent: usize,
    /// Those, as far as they are told one by one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<SilentNode>,
}

/// A node that did not answer everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SilentNode {
    /// Name of the node, in another cluster of a mesh after the cluster's (`west/node1`).
    pub name: String,
    /// The agent at the node's own address.
    pub host: PathHealth,
    /// The endpoint that stands for its pods.
    pub endpoint: PathHealth,
}

/// What became of the probes to one address. Without an error a probe was answered, or none was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PathHealth {
    /// The address.
    pub address: String,
    /// Error of the probe by TCP, port 4240.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// Error of the probe by ICMP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icmp: Option<String>,
}
