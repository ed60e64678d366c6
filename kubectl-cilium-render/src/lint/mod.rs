//! What the suite's rules say about the merged values.

pub(crate) mod place;
mod report;

use std::io::{self, Write};

use kcilium_core::{
    chart::ChartVersion,
    decode::DecodeError,
    diagnosis::{self, RuleResult, Selection},
    facts::{CiliumConfig, Facts},
    rules::{Code, Finding, Severity, registry},
    view::Proposal,
};

use crate::layers::Map;

/// How much a report tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What is wrong, and what could not be judged.
    Troubles,
    /// What is good to know, too.
    All,
}

/// What the rules say.
pub struct Lint {
    results: Vec<RuleResult>,
    /// Why the values make no configuration; only the rules about values are asked then.
    unreadable: Option<DecodeError>,
}

impl Lint {
    /// Asks the rules about values for a version of the chart, in a namespace of a cluster of which
    /// these facts are known.
    ///
    /// # Errors
    /// When the values cannot be handed to the rules.
    pub fn new(
        facts: &Facts,
        chart: &ChartVersion,
        values: &Map,
        namespace: &str,
        selection: &Selection,
    ) -> Result<Self, serde_json::Error> {
        let json = serde_json::to_value(values)?;
        let (proposal, unreadable) = match Proposal::new(chart.clone(), json.clone(), namespace) {
            Ok(proposal) => (proposal, None),
            Err(error) => {
                let config = CiliumConfig::chart_defaults();
                (Proposal { chart: chart.clone(), values: json, config }, Some(error))
            }
        };
        let selection = match &unreadable {
            Some(_) => without_configuration(selection),
            None => selection.clone(),
        };
        Ok(Self { results: diagnosis::lint(facts, &proposal, &selection), unreadable })
    }

    /// The findings, the worst first, then by code.
    fn findings(&self) -> Vec<&Finding> {
        let results = self.results.iter();
        let mut findings: Vec<_> = results.flat_map(|result| result.judgement.findings()).collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        findings
    }

    /// Findings that were known already, by code.
    pub fn known(&self) -> impl Iterator<Item = &Finding> {
        self.results.iter().flat_map(|result| &result.known)
    }

    /// Whether the rule of a code was asked.
    pub fn asks(&self, code: Code) -> bool {
        self.results.iter().any(|result| result.rule.code == code)
    }

    /// How bad it is.
    pub fn worst(&self) -> Option<Severity> {
        let unreadable = self.unreadable.as_ref().map(|_| Severity::Block);
        self.findings().iter().map(|finding| finding.severity).chain(unreadable).max()
    }

    /// Whether some rule could not judge everything.
    pub fn has_unknowns(&self) -> bool {
        self.results.iter().any(|result| !result.judgement.unknowns().is_empty())
    }

    /// Writes what there is to say; `values` tell where each value stands.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn report(
        &self,
        values: &Map,
        detail: Detail,
        width: usize,
        out: &mut impl Write,
    ) -> io::Result<()> {
        report::write(self, values, detail, width, out)
    }
}

/// Rules that look at the values themselves, of those that were to be asked.
fn without_configuration(selection: &Selection) -> Selection {
    let mut selection = selection.clone();
    let others = registry::RULES.iter().map(|rule| rule.code);
    selection.ignore.extend(others.filter(|code| !code.0.starts_with("VAL-")));
    // What runs would be held against a configuration that there is not.
    selection.ignore.extend(registry::find("VAL-08").map(|rule| rule.code));
    selection
}
