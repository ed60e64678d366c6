//! Facts in, verdicts and findings out.

use std::collections::BTreeSet;

use crate::{
    causes::{self, Verdict},
    facts::Facts,
    rules::{Basis, Code, Finding, Judgement, Judges, Outcome, Rule, Severity, registry},
    view::{Installation, PodCidr, Proposal, View},
};

/// Which rules are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only these; empty means all.
    pub only: BTreeSet<Code>,
    /// Not these.
    pub ignore: BTreeSet<Code>,
    /// What is found, and known already: it is set aside and counted.
    pub known: Vec<Known>,
}

/// Findings that their reader knows, and lives with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Rule.
    pub code: Code,
    /// Subject; without one, whatever the rule finds.
    pub subject: Option<String>,
}

impl Known {
    /// Whether a finding is meant.
    pub fn matches(&self, finding: &Finding) -> bool {
        self.code == finding.code
            && self.subject.as_ref().is_none_or(|subject| *subject == finding.subject)
    }
}

impl Selection {
    /// Whether the rule of a code is asked.
    pub fn contains(&self, code: Code) -> bool {
        (self.only.is_empty() || self.only.contains(&code)) && !self.ignore.contains(&code)
    }

    /// Whether a finding is known already.
    pub fn is_known(&self, finding: &Finding) -> bool {
        self.known.iter().any(|known| known.matches(finding))
    }
}

/// What one rule said.
pub struct RuleResult {
    /// The rule.
    pub rule: &'static Rule,
    /// Its judgement.
    pub judgement: Judgement,
    /// What it found, and was known already.
    pub known: Vec<Finding>,
}

impl RuleResult {
    fn new(rule: &'static Rule, view: &View<'_>, selection: &Selection) -> Self {
        let mut judgement = rule.judge(view);
        let known = judgement.set_aside(|finding| selection.is_known(finding));
        Self { rule, judgement, known }
    }
}

/// Everything that the rules and the causes say about facts.
pub struct Diagnosis {
    /// Whether Cilium is there.
    pub installation: Installation,
    /// Every pod CIDR that somebody claims, each once.
    pub pod_cidrs: Vec<PodCidr>,
    /// Causes, the first to be mended first.
    pub verdicts: Vec<Verdict>,
    /// All rules that were asked, sorted by code.
    pub results: Vec<RuleResult>,
}

/// Judges facts.
pub fn diagnose(facts: &Facts, selection: &Selection) -> Diagnosis {
    let view = View::new(facts);
    let results = judge(&view, selection, |_| true);
    let findings: Vec<&Finding> = results
        .iter()
        .flat_map(|result| result.judgement.findings())
        .filter(|finding| finding.basis == Basis::Observed)
        .collect();
    let verdicts = causes::find(&view, &findings);
    Diagnosis {
        installation: view.installation(),
        pod_cidrs: view.pod_cidrs().to_vec(),
        verdicts,
        results,
    }
}

/// Judges a configuration that is about to be installed, by the rules about configurations.
pub fn lint(facts: &Facts, proposal: &Proposal, selection: &Selection) -> Vec<RuleResult> {
    let view = View::with_proposal(facts, proposal);
    judge(&view, selection, |rule| rule.judges == Judges::Configuration)
}

fn judge(
    view: &View<'_>,
    selection: &Selection,
    is_asked: impl Fn(&Rule) -> bool,
) -> Vec<RuleResult> {
    registry::RULES
        .iter()
        .filter(|rule| selection.contains(rule.code) && is_asked(rule))
        .map(|rule| RuleResult::new(rule, view, selection))
        .collect()
}

impl Diagnosis {
    /// Findings, worst first, then by code.
    pub fn findings(&self) -> Vec<&Finding> {
        let mut findings: Vec<&Finding> =
            self.results.iter().flat_map(|result| result.judgement.findings()).collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        findings
    }

    /// Whether the rule of a code was asked.
    pub fn asked(&self, code: Code) -> bool {
        self.results.iter().any(|result| result.rule.code == code)
    }

    /// Findings that were known already, by code.
    pub fn known(&self) -> impl Iterator<Item = &Finding> {
        self.results.iter().flat_map(|result| &result.known)
    }

    /// The verdict that explains a finding, if one does.
    pub fn explanation_of(&self, finding: &Finding) -> Option<&Verdict> {
        let is_observed = finding.basis == Basis::Observed;
        self.verdicts.iter().find(|verdict| is_observed && verdict.explains_finding(finding))
    }

    /// The worst thing that was seen or probed; predictions do not count.
    pub fn worst(&self) -> Option<Severity> {
        self.findings()
            .into_iter()
            .filter(|finding| finding.basis == Basis::Observed)
            .map(|finding| finding.severity)
            .chain(self.verdicts.iter().filter_map(|verdict| verdict.severity))
            .max()
    }

    /// Whether some rule could not judge everything.
    pub fn has_unknowns(&self) -> bool {
        self.results.iter().any(|result| !result.judgement.unknowns().is_empty())
    }

    /// Whether no rule could judge anything: all are unknown, or do not apply.
    pub fn judged_nothing(&self) -> bool {
        let outcomes = || self.results.iter().map(|result| result.judgement.outcome());
        !outcomes().any(|outcome| matches!(outcome, Outcome::Ok | Outcome::Found(_)))
            && outcomes().any(|outcome| outcome == Outcome::Unknown)
    }
}
