//! Taints that keep pods off a node until its network works.

use crate::{
    facts::{KubeNode, NodeName, Taint},
    view::{View, listing},
};

/// A taint about the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NetworkTaint {
    /// Cilium's own: set by whoever made the node, taken away by the operator.
    AgentNotReady,
    /// Set by Kubernetes while the condition NetworkUnavailable holds.
    NetworkUnavailable,
    /// Set by kubelets with an external cloud provider, taken away by its controller.
    Uninitialized,
    /// Set by Kubernetes while a node is not ready.
    NotReady,
}

impl NetworkTaint {
    pub(super) const ALL: [Self; 4] =
        [Self::AgentNotReady, Self::NetworkUnavailable, Self::Uninitialized, Self::NotReady];

    /// Its key; Cilium's can be changed.
    pub(super) fn key(self, cilium: &str) -> &str {
        match self {
            Self::AgentNotReady => cilium,
            Self::NetworkUnavailable => "node.kubernetes.io/network-unavailable",
            Self::Uninitialized => "node.cloudprovider.kubernetes.io/uninitialized",
            Self::NotReady => "node.kubernetes.io/not-ready",
        }
    }

    /// The rule about nodes that keep it.
    pub(super) fn rule(self) -> &'static str {
        match self {
            Self::AgentNotReady => "SCH-01",
            Self::NetworkUnavailable => "SCH-02",
            Self::Uninitialized => "SCH-03",
            Self::NotReady => "CNI-01, CNI-08",
        }
    }
}

/// Key of Cilium's taint (`agent-not-ready-taint-key`, since 1.13).
pub(super) fn cilium<'a>(view: &View<'a>) -> &'a str {
    let config = view.facts.cluster.config_data.known();
    config
        .and_then(|config| config.data.get("agent-not-ready-taint-key"))
        .map(String::as_str)
        .filter(|key| !key.is_empty())
        .unwrap_or("node.cilium.io/agent-not-ready")
}

/// The taint of a node, if it has it.
pub(super) fn of<'a>(
    view: &View<'_>,
    node: &'a KubeNode,
    taint: NetworkTaint,
) -> Option<&'a Taint> {
    let key = taint.key(cilium(view));
    node.taints.iter().find(|known| known.key == key)
}

/// Nodes that have the taint, in order.
pub(super) fn nodes_with(view: &View<'_>, taint: NetworkTaint) -> Vec<NodeName> {
    let nodes = view.facts.cluster.nodes.items().iter();
    let mut names: Vec<NodeName> = nodes
        .filter(|node| of(view, node, taint).is_some())
        .map(|node| node.name.clone())
        .collect();
    names.sort_unstable();
    names
}

/// Names for a sentence.
pub(crate) fn names(nodes: &[NodeName]) -> String {
    listing(&nodes.iter().map(ToString::to_string).collect::<Vec<_>>())
}
