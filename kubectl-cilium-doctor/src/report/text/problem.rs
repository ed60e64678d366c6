//! A problem: what is wrong, where it was seen, and how to mend it.

use kcilium_cli::{control, finding};
use kcilium_core::{
    problems::{Alike, Problem},
    rules::{Basis, Severity},
};

use super::{
    Detail, Text,
    screen::{Noun, Rank},
    verdict::brief,
};
use crate::report::nodes::node_list;

/// Commands that the normal report shows.
const SHOWN_COMMANDS: usize = 4;

pub(super) const FINDING: Noun = ("finding", "findings");
pub(super) const REMEDY: Noun = ("remedy", "remedies");

/// How much a problem, and how to mend it, matter.
pub(super) fn ranks(problem: &Problem<'_>) -> [Rank; 2] {
    match (problem.lead().worst().basis, problem.severity()) {
        (Basis::Predicted, _) => [Rank::Prediction; 2],
        (_, Severity::Block | Severity::Error) => [Rank::Trouble, Rank::MendTrouble],
        (_, Severity::Warn) => [Rank::Warning, Rank::MendWarning],
        (_, Severity::Info) => [Rank::Remark; 2],
    }
}

impl Text {
    /// Writes what is wrong.
    pub(super) fn problem(&mut self, problem: &Problem<'_>) {
        let suffix = self.where_found(problem.lead());
        self.write(|out, width| finding::headline(out, width, problem.lead(), &suffix));
        for part in problem.rest() {
            self.write(|out, width| finding::also(out, width, part));
        }
        if self.detail == Detail::Full {
            for part in problem.parts() {
                self.details(part);
            }
        }
    }

    /// Where it was found, if the words do not say it.
    fn where_found(&self, alike: &Alike<'_>) -> String {
        let nodes = alike.nodes();
        match &nodes[..] {
            [] => String::new(),
            [node] if finding::summary(alike).contains(node.as_str()) || self.nodes == 1 => {
                String::new()
            }
            nodes => format!(" ({})", node_list(nodes, self.nodes, self.detail)),
        }
    }

    fn details(&mut self, alike: &Alike<'_>) {
        let (first, rest) = ("          ", "            ");
        for summary in alike.summaries().into_iter().skip(1) {
            self.prose(first, rest, &format!("likewise: {summary}"));
        }
        for evidence in alike.evidence() {
            self.prose(first, rest, &format!("{} ({})", evidence.fact, evidence.source));
        }
        self.prose(first, rest, &format!("impact: {}", alike.worst().impact));
    }

    /// Writes what to do.
    pub(super) fn mend(&mut self, problem: &Problem<'_>) {
        let indent = "            ";
        for remedy in problem.remedies() {
            let remedy = match self.detail {
                Detail::Full | Detail::Normal => remedy.clone(),
                Detail::Brief => brief(remedy, SHOWN_COMMANDS),
            };
            self.write(|out, width| {
                finding::remedy(out, width, "          fix: ", indent, &remedy)
            });
        }
        let others = problem.lead().commands();
        let others = others.get(1..).unwrap_or_default();
        match (self.detail, others.len()) {
            (_, 0) => {}
            (Detail::Normal | Detail::Brief, more) => {
                self.prose(indent, indent, &format!("({more} more such commands: `-o wide`)"));
            }
            (Detail::Full, _) => {
                let indent = format!("{indent}    ");
                for command in others.iter().copied().flatten() {
                    let command = control::escape_line(command);
                    self.write(|out, _| finding::verbatim(out, &indent, &command));
                }
            }
        }
    }
}
