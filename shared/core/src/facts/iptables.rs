//! What iptables holds, counted. Rules name every Service of a cluster, and none of them is kept.

use serde::{Deserialize, Serialize};

use super::Family;

/// What one kind of iptables holds in one family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Iptables {
    /// Where the rules are: a host may have both kinds, and each shows only its own.
    pub backend: IptablesBackend,
    /// Family.
    pub family: Family,
    /// Chains by table and name.
    #[serde(default)]
    pub chains: Vec<ChainCount>,
}

/// Kind of iptables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IptablesBackend {
    /// In nftables (`iptables-nft`).
    Nft,
    /// In the kernel's older tables (`iptables-legacy`).
    Legacy,
    /// Of another kind.
    #[serde(other)]
    Other,
}

/// Chains that have the same name but for what is a hash in it, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ChainCount {
    /// Table, such as `nat`.
    pub table: String,
    /// Name of the chain; `KUBE-SVC-*` for all of them, `*` for those that nobody asks about.
    pub chain: String,
    /// How many chains these are.
    pub chains: u32,
    /// How many rules stand in them.
    pub rules: u32,
    /// How many rules of the table lead to them.
    pub jumps: u32,
}

impl Iptables {
    /// Chains with this name, in all tables.
    pub fn named<'a>(&'a self, chain: &'a str) -> impl Iterator<Item = &'a ChainCount> {
        self.chains.iter().filter(move |count| count.chain == chain)
    }

    /// How many chains there are for single Services: what kube-proxy keeps in these, the kubelet's
    /// own chains (`KUBE-FIREWALL`, `KUBE-KUBELET-CANARY` and the like) never hold.
    pub fn service_chains(&self) -> u32 {
        self.named("KUBE-SVC-*").map(|count| count.chains).sum()
    }

    /// Whether packets get into kube-proxy's chains.
    pub fn enters_kube_proxy(&self) -> bool {
        self.named("KUBE-SERVICES").any(|count| count.jumps > 0)
    }
}

impl std::fmt::Display for IptablesBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nft => "iptables-nft",
            Self::Legacy => "iptables-legacy",
            Self::Other => "iptables",
        })
    }
}
