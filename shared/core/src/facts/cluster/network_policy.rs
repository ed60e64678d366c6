//! Network policies.

use serde::{Deserialize, Serialize};

/// A network policy, as far as it can be told without evaluating it. A Cilium policy with several
/// `specs` is several of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "each answers a question of its own")]
pub struct NetworkPolicy {
    /// Kind.
    pub kind: NetworkPolicyKind,
    /// Namespace; empty for clusterwide ones.
    #[serde(default)]
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Whether it is for every pod of its namespace, or of the cluster.
    #[serde(default)]
    pub selects_all: bool,
    /// Whether it is for nodes instead of pods.
    #[serde(default)]
    pub selects_nodes: bool,
    /// Whether what comes in is dropped unless some rule allows it.
    #[serde(default)]
    pub isolates_ingress: bool,
    /// Whether what goes out is dropped unless some rule allows it.
    #[serde(default)]
    pub isolates_egress: bool,
    /// Whether some rule of it lets something out.
    #[serde(default)]
    pub allows_egress: bool,
    /// Whether some rule denies what goes out, whatever others allow.
    #[serde(default)]
    pub denies_egress: bool,
    /// Whether it names FQDNs.
    #[serde(default)]
    pub names_fqdns: bool,
    /// Whether some rule of it looks into DNS, without which FQDNs have no addresses.
    #[serde(default)]
    pub inspects_dns: bool,
}

/// Kind of a network policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NetworkPolicyKind {
    /// `networking.k8s.io` NetworkPolicy.
    NetworkPolicy,
    /// CiliumNetworkPolicy.
    CiliumNetworkPolicy,
    /// CiliumClusterwideNetworkPolicy.
    CiliumClusterwideNetworkPolicy,
    /// Of another kind.
    #[serde(other)]
    Other,
}

impl std::fmt::Display for NetworkPolicyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NetworkPolicy => "NetworkPolicy",
            Self::CiliumNetworkPolicy => "CiliumNetworkPolicy",
            Self::CiliumClusterwideNetworkPolicy => "CiliumClusterwideNetworkPolicy",
            Self::Other => "network policy",
        })
    }
}
