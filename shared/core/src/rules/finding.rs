//! What a rule found.

use serde::Serialize;

use crate::facts::NodeName;

/// Code of a rule, such as `CIDR-01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Code(pub &'static str);

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.0)
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Will bite.
    Warn,
    /// Works badly now.
    Error,
    /// An installation is refused, an agent cannot start, or a host loses its network.
    Block,
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Block => "block",
        })
    }
}

/// Whether a finding is about what is, or about what would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// It was seen.
    Observed,
    /// It would be so once the values in question are installed.
    Proposed,
    /// It would be so if Cilium were installed with its defaults now. Has no effect on exit codes.
    Predicted,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Rule that found it.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// Seen, or predicted.
    pub basis: Basis,
    /// What it is about: an address, a prefix, a device, a node.
    pub subject: String,
    /// Nodes on which it was found; empty for findings about the cluster.
    pub nodes: Vec<NodeName>,
    /// What is wrong, in one sentence without a full stop.
    pub summary: String,
    /// What was seen, and where.
    pub evidence: Vec<Evidence>,
    /// What it does to the user.
    pub impact: String,
    /// What to do.
    pub remedy: Remedy,
}

/// A fact with its source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Who reports it.
    pub source: String,
    /// What it says.
    pub fact: String,
}

impl Evidence {
    /// A fact with its source.
    pub fn new(source: impl Into<String>, fact: impl Into<String>) -> Self {
        Self { source: source.into(), fact: fact.into() }
    }
}

/// What to do about a finding or a cause.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remedy {
    /// In words.
    pub text: String,
    /// Helm values to paste, as YAML; empty where no value helps.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub values: String,
    /// Commands, in order. Lines that start with `#` say where to run them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
}

impl Remedy {
    /// A remedy in words only.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Adds Helm values.
    #[must_use]
    pub fn with_values(mut self, values: impl Into<String>) -> Self {
        self.values = values.into();
        self
    }

    /// Adds commands.
    #[must_use]
    pub fn with_commands(mut self, commands: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.commands.extend(commands.into_iter().map(Into::into));
        self
    }
}
