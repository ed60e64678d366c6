//! What a rule found.

use std::collections::{BTreeMap, btree_map::Entry};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
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

/// What was found on several nodes in the same words, once; evidence is that of the first.
pub(super) fn merged(findings: Vec<Finding>) -> impl Iterator<Item = Finding> {
    let mut merged: BTreeMap<String, Finding> = BTreeMap::new();
    for finding in findings {
        match merged.entry(finding.summary.clone()) {
            Entry::Vacant(place) => {
                place.insert(finding);
            }
            Entry::Occupied(mut place) => place.get_mut().nodes.extend(finding.nodes),
        }
    }
    merged.into_values()
}

impl Finding {
    /// A finding about a value of a configuration, by the value's key path; what it says follows.
    pub(super) fn about(code: Code, severity: Severity, subject: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            basis: Basis::Observed,
            subject: subject.into(),
            nodes: Vec::new(),
            summary: String::new(),
            evidence: Vec::new(),
            impact: String::new(),
            remedy: Remedy::default(),
        }
    }

    /// What is wrong, and what that does to the user.
    #[must_use]
    pub(super) fn saying(mut self, summary: impl Into<String>, impact: impl Into<String>) -> Self {
        self.summary = summary.into();
        self.impact = impact.into();
        self
    }

    /// Adds what was seen, and where.
    #[must_use]
    pub(super) fn seen(mut self, source: impl Into<String>, fact: impl Into<String>) -> Self {
        self.evidence.push(Evidence::new(source, fact));
        self
    }

    /// Adds a node on which it was found.
    #[must_use]
    pub(super) fn on(mut self, node: &NodeName) -> Self {
        self.nodes.push(node.clone());
        self
    }

    /// What to do.
    #[must_use]
    pub(super) fn mended_by(mut self, remedy: Remedy) -> Self {
        self.remedy = remedy;
        self
    }
}

/// A fact with its source.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
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
