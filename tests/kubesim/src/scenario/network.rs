//! What the nodes of a scenario see of the network, for tests that give them real namespaces.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The network of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// How the nodes are wired.
    pub topology: Topology,
    /// What Cilium has made of it on each node.
    pub cilium: Cilium,
}

/// How nodes are wired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topology {
    /// netlab's homelab: a LAN with a router, and a network of the cluster's own.
    Homelab,
}

/// What Cilium has made of a node's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cilium {
    /// Nothing: it was never there.
    None,
    /// A tunnel to each other node, and a pool of its own.
    Healthy,
    /// The same with the default pool, in which the LAN lies.
    Clash,
    /// Routes to the other nodes in place of a tunnel, and no masquerade.
    NativeRouting,
    /// The remains of a healthy one.
    Leftovers,
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The words are those of the file.
        let text = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&text.replace('"', "").replace(':', ": ").replace(',', ", "))
    }
}
