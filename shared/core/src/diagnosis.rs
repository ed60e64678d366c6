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
}

impl Selection {
    fn contains(&self, rule: &Rule) -> bool {
        (self.only.is_empty() || self.only.contains(&rule.code))
            && !self.ignore.contains(&rule.code)
    }
}

/// What one rule said.
pub struct RuleResult {
    /// The rule.
    pub rule: &'static Rule,
    /// Its judgement.
    pub judgement: Judgement,
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
    let results = judge(&view, |rule| selection.contains(rule));
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
    judge(&view, |rule| rule.judges == Judges::Configuration && selection.contains(rule))
}

fn judge(view: &View<'_>, is_asked: impl Fn(&Rule) -> bool) -> Vec<RuleResult> {
    registry::RULES
        .iter()
        .filter(|rule| is_asked(rule))
        .map(|rule| RuleResult { rule, judgement: rule.judge(view) })
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

    /// The verdict that explains a finding, if one does.
    pub fn explanation_of(&self, finding: &Finding) -> Option<&Verdict> {
        let is_observed = finding.basis == Basis::Observed;
        self.verdicts.iter().find(|verdict| is_observed && verdict.explains_finding(finding))
    }

    /// The worst thing that was seen; predictions do not count.
    pub fn worst(&self) -> Option<Severity> {
        self.findings()
            .into_iter()
            .filter(|finding| finding.basis == Basis::Observed)
            .map(|finding| finding.severity)
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
