//! What is not known, each reason once, with the nodes it concerns and the rules it stops.

use std::collections::{BTreeMap, BTreeSet};

use kcilium_core::{diagnosis::Diagnosis, facts::NodeName, rules::Code};

use super::{Text, nodes::node_list, screen::Rank};

impl Text {
    pub(super) fn unknown(&mut self, diagnosis: &Diagnosis) {
        for (number, ((subject, why), reason)) in reasons(diagnosis).into_iter().enumerate() {
            self.piece(Rank::Unknown, ("unknown", "unknowns"));
            if number == 0 {
                self.heading("Not known, so not judged");
            }
            let Reason { nodes, codes } = reason;
            let nodes: Vec<&NodeName> = nodes.into_iter().collect();
            let on = if nodes.is_empty() {
                String::new()
            } else {
                format!(" {}", node_list(&nodes, self.nodes, self.detail))
            };
            let codes: Vec<&str> = codes.iter().map(|code| code.0).collect();
            self.prose("  - ", "    ", &format!("{subject}{on}: {why} ({})", codes.join(", ")));
        }
    }
}

/// Whom a reason for not judging concerns.
#[derive(Default)]
struct Reason<'a> {
    nodes: BTreeSet<&'a NodeName>,
    codes: BTreeSet<Code>,
}

/// Reasons by what is not known and why.
fn reasons(diagnosis: &Diagnosis) -> BTreeMap<(&str, &str), Reason<'_>> {
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
