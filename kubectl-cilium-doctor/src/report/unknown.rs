//! What is not known: each reason once, with the nodes it concerns and the rules it stops.

use std::collections::{BTreeMap, BTreeSet};

use kcilium_core::{diagnosis::Diagnosis, facts::NodeName, rules::Code};

use super::{Detail, nodes::node_list};

/// Whom a reason for not judging concerns.
#[derive(Default)]
pub(super) struct Reason<'a> {
    nodes: BTreeSet<&'a NodeName>,
    codes: BTreeSet<Code>,
}

impl Reason<'_> {
    /// ` on node1`, with a blank before it; nothing where no node is concerned. There are `of` nodes.
    pub(super) fn on(&self, of: usize, detail: Detail) -> String {
        if self.nodes.is_empty() {
            return String::new();
        }
        let nodes: Vec<&NodeName> = self.nodes.iter().copied().collect();
        format!(" {}", node_list(&nodes, of, detail))
    }

    /// Codes of the rules, in their order; one at least.
    pub(super) fn codes(&self) -> Vec<&'static str> {
        self.codes.iter().map(|code| code.0).collect()
    }
}

/// Reasons by what is not known and why.
pub(super) fn reasons(diagnosis: &Diagnosis) -> BTreeMap<(&str, &str), Reason<'_>> {
    let mut reasons: BTreeMap<(&str, &str), Reason<'_>> = BTreeMap::new();
    for result in &diagnosis.results {
        for unknown in result.judgement.unknowns() {
            let reason = reasons.entry((&unknown.subject, &unknown.why)).or_default();
            reason.nodes.extend(&unknown.node);
            reason.codes.insert(result.rule.code);
        }
    }
    reasons
}
