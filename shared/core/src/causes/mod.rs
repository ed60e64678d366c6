//! Causes: findings combined into verdicts.
//!
//! A cause looks at the findings that no earlier cause explained, and says what they have in common,
//! how sure that is, and what to do. Several causes may hold at once; leftovers come first, because
//! they imitate all others.

mod clash;
mod dns_loop;
mod left;
mod move_pods;
mod route_loss;
mod service_clash;
mod services;
mod signature;

use serde::Serialize;

use crate::{
    facts::NodeName,
    rules::{Code, Finding, Remedy, Severity},
    view::View,
};

/// A cause with everything that speaks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Code, such as `C-CLASH`.
    pub cause: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
    /// The cause in one sentence without a full stop.
    pub title: String,
    /// Nodes that suffer from it, in order.
    pub nodes: Vec<NodeName>,
    /// From the symptom to the cause.
    pub chain: Vec<ChainLink>,
    /// What does not work because of it.
    pub broken: Vec<String>,
    /// What still works, and misleads.
    pub still_works: Vec<String>,
    /// What proves nothing.
    pub cautions: Vec<String>,
    /// What to do, in order.
    pub fix: Vec<Remedy>,
    /// How to see that it is mended.
    pub verify: Vec<Check>,
    /// How bad it is that probes fail because of it, where any does: there may be no finding that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Rules whose findings it explains.
    pub explains: Vec<Code>,
    /// Findings of other rules that it explains, by their subjects: of what one rule finds, some may
    /// have other causes.
    pub explains_also: Vec<Explained>,
    /// What fits as well, where it is undetermined.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<Alternative>,
    /// What would decide, the cheapest first, and what it says in which case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decides: Vec<Check>,
}

/// A cause that fits what is known as well as another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alternative {
    /// Code.
    pub cause: &'static str,
    /// The cause in one sentence without a full stop.
    pub title: String,
}

/// A finding that a cause explains, while others of the same rule may have other causes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// Rule.
    pub code: Code,
    /// Subject of the finding.
    pub subject: String,
}

/// How sure a verdict is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// It fits, and so do others.
    Undetermined,
    /// It fits, and the decisive fact is missing.
    Likely,
    /// The decisive fact was seen.
    Confirmed,
}

impl std::fmt::Display for Confidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Undetermined => "undetermined",
            Self::Likely => "likely",
            Self::Confirmed => "confirmed",
        })
    }
}

/// One step from symptom to cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChainLink {
    /// What the step is.
    pub kind: ChainKind,
    /// What is so.
    pub text: String,
    /// Who says so; empty for conclusions.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
}

/// Kinds of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChainKind {
    /// What the user sees.
    Symptom,
    /// What a probe found.
    Probe,
    /// What was read.
    Fact,
    /// What follows.
    Cause,
}

/// A command with what it must print once all is well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Command.
    pub command: String,
    /// What it must say.
    pub expect: String,
}

impl ChainLink {
    fn symptom(text: impl Into<String>) -> Self {
        Self { kind: ChainKind::Symptom, text: text.into(), source: String::new() }
    }

    fn fact(source: impl Into<String>, text: impl Into<String>) -> Self {
        Self { kind: ChainKind::Fact, text: text.into(), source: source.into() }
    }

    fn probe(source: impl Into<String>, text: impl Into<String>) -> Self {
        Self { kind: ChainKind::Probe, text: text.into(), source: source.into() }
    }

    fn cause(text: impl Into<String>) -> Self {
        Self { kind: ChainKind::Cause, text: text.into(), source: String::new() }
    }
}

impl Explained {
    fn of(finding: &Finding) -> Self {
        Self { code: finding.code, subject: finding.subject.clone() }
    }
}

impl Check {
    pub(crate) fn new(command: impl Into<String>, expect: impl Into<String>) -> Self {
        Self { command: command.into(), expect: expect.into() }
    }
}

/// What a cause looks at.
struct Case<'c> {
    view: &'c View<'c>,
    /// Findings that no earlier cause explains.
    findings: Vec<&'c Finding>,
}

impl<'c> Case<'c> {
    /// Findings on no other nodes than these, of which the cause says that it is behind them.
    fn symptoms(
        &self,
        nodes: &[NodeName],
        is_explained: impl Fn(&Finding) -> bool,
    ) -> Vec<&'c Finding> {
        let is_here = |finding: &Finding| {
            !finding.nodes.is_empty()
                && finding.nodes.iter().all(|node| nodes.binary_search(node).is_ok())
        };
        let found = self.findings.iter().copied();
        found.filter(|finding| is_here(finding) && is_explained(finding)).collect()
    }

    fn of_rule(&self, code: &'static str) -> impl Iterator<Item = &'c Finding> + use<'c, '_> {
        self.findings.iter().copied().filter(move |finding| finding.code.0 == code)
    }
}

/// The causes, in the order in which they are asked.
const CAUSES: [fn(&Case<'_>) -> Option<Verdict>; 6] = [
    left::verdict,
    route_loss::verdict,
    clash::verdict,
    service_clash::verdict,
    services::verdict,
    dns_loop::verdict,
];

/// Finds the causes behind findings.
pub(crate) fn find(view: &View<'_>, findings: &[&Finding]) -> Vec<Verdict> {
    let mut case = Case { view, findings: findings.to_vec() };
    let mut verdicts = Vec::new();
    for cause in CAUSES {
        if let Some(verdict) = cause(&case) {
            case.findings.retain(|finding| !verdict.explains_finding(finding));
            verdicts.push(verdict);
        }
    }
    // What objects have told already, probes need not tell again.
    let told = |verdict: &Verdict| verdicts.iter().any(|known| known.cause == verdict.cause);
    let mut others = signature::verdicts(&case);
    // A node whose own packets go astray reaches its DNS servers no more than anything else.
    let is_of_clash = |verdict: &Verdict| {
        let covers = |known: &Verdict| verdict.nodes.iter().all(|node| known.nodes.contains(node));
        verdict.cause == "C-HOSTDNS"
            && verdicts.iter().any(|known| known.cause == "C-CLASH" && covers(known))
    };
    others.retain(|verdict| !told(verdict) && !is_of_clash(verdict));
    verdicts.extend(others);
    verdicts
}

impl Verdict {
    /// Whether the cause is behind a finding: the rule is one that it explains, and the finding
    /// concerns no other nodes than the verdict does.
    pub fn explains_finding(&self, finding: &Finding) -> bool {
        let is_symptom = |it: &Explained| it.code == finding.code && it.subject == finding.subject;
        (self.explains.contains(&finding.code) || self.explains_also.iter().any(is_symptom))
            && finding.nodes.iter().all(|node| self.nodes.binary_search(node).is_ok())
    }
}

/// Nodes of findings, each once, in order.
fn nodes_of<'c>(findings: impl Iterator<Item = &'c Finding>) -> Vec<NodeName> {
    let mut nodes: Vec<NodeName> =
        findings.flat_map(|finding| finding.nodes.iter().cloned()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}
