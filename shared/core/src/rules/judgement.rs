//! What a rule says about a view.

use serde::Serialize;

use super::{Basis, Finding, Severity};
use crate::facts::{NodeName, Unavailable};

/// Everything that one rule says. Empty is "fine".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    findings: Vec<Finding>,
    unknown: Vec<Unknown>,
    not_applicable: Option<String>,
}

/// Something that a rule could not judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unknown {
    /// What is not known: routes, the service CIDR.
    pub subject: String,
    /// Node on which it is not known; none for the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeName>,
    /// Why.
    pub why: String,
}

/// A judgement in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All was judged, and is fine.
    Ok,
    /// Nothing was found, but not all could be judged. Never counts as fine.
    Unknown,
    /// The rule does not concern this mode or version.
    NotApplicable,
    /// The worst finding is this bad.
    #[serde(untagged)]
    Found(Severity),
}

impl Judgement {
    /// Adds a finding.
    pub fn found(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Says what all findings rest on.
    pub(super) fn rest_on(&mut self, basis: Basis) {
        for finding in &mut self.findings {
            finding.basis = basis;
        }
    }

    /// Takes findings away.
    pub(crate) fn set_aside(&mut self, is_taken: impl Fn(&Finding) -> bool) -> Vec<Finding> {
        self.findings.extract_if(.., |finding| is_taken(finding)).collect()
    }

    /// Says that something could not be judged.
    pub fn unknown(&mut self, subject: impl std::fmt::Display, why: impl std::fmt::Display) {
        let (subject, why) = (subject.to_string(), why.to_string());
        self.unknown.push(Unknown { subject, node: None, why });
    }

    /// Says that something of one node could not be judged.
    pub fn unknown_on(
        &mut self,
        node: &NodeName,
        subject: impl std::fmt::Display,
        why: impl std::fmt::Display,
    ) {
        let (subject, why) = (subject.to_string(), why.to_string());
        self.unknown.push(Unknown { subject, node: Some(node.clone()), why });
    }

    /// Says that a fact is missing.
    pub fn missing(&mut self, subject: impl std::fmt::Display, why: &Unavailable) {
        self.unknown(subject, why);
    }

    /// Says that a fact about one node is missing.
    pub fn missing_on(
        &mut self,
        node: &NodeName,
        subject: impl std::fmt::Display,
        why: &Unavailable,
    ) {
        self.unknown_on(node, subject, why);
    }

    /// Says that the rule does not concern what was looked at.
    pub fn not_applicable(&mut self, why: impl Into<String>) {
        self.not_applicable = Some(why.into());
    }

    /// What was found.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What could not be judged.
    pub fn unknowns(&self) -> &[Unknown] {
        &self.unknown
    }

    /// Why the rule does not concern what was looked at.
    pub fn why_not_applicable(&self) -> Option<&str> {
        self.not_applicable.as_deref()
    }

    /// The judgement in a word.
    pub fn outcome(&self) -> Outcome {
        match self.findings.iter().map(|finding| finding.severity).max() {
            Some(worst) => Outcome::Found(worst),
            None if !self.unknown.is_empty() => Outcome::Unknown,
            None if self.not_applicable.is_some() => Outcome::NotApplicable,
            None => Outcome::Ok,
        }
    }
}
