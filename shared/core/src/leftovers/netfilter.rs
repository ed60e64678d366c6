//! Chains and rules of iptables.

use serde::{Deserialize, Serialize};

use crate::facts::Family;

/// Which half of the kernel keeps the rules. Both may hold Cilium's at the same time, after the
/// agent's image or the host's iptables changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// nf_tables, through `iptables-nft`.
    Nft,
    /// x_tables, through `iptables-legacy`.
    Legacy,
}

impl Backend {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Nft, Self::Legacy];
}

impl std::fmt::Display for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nft => "nft",
            Self::Legacy => "legacy",
        })
    }
}

/// A chain of a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chain {
    /// Where the table is kept.
    pub backend: Backend,
    /// Family of the table.
    pub family: Family,
    /// `filter`, `nat`, `mangle`, `raw`.
    pub table: String,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { backend, family, table, name } = self;
        write!(f, "{family} chain {name} in {table} ({backend})")
    }
}

/// A rule that jumps from a chain of others to one of Cilium's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Feeder {
    /// The chain that the rule is in.
    pub chain: Chain,
    /// The rule without `-A CHAIN`, in the words that delete it.
    pub rule: Vec<String>,
}

impl std::fmt::Display for Feeder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "rule `{}` in {}", self.rule.join(" "), self.chain)
    }
}
