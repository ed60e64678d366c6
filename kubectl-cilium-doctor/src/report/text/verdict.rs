//! A cause: what it is, why, and how to mend it.

use kcilium_cli::{Style, control, finding};
use kcilium_core::{
    causes::{ChainKind, ChainLink, Confidence, Verdict},
    problems::{Alike, Problem, problems},
    rules::{Finding, Remedy},
};

use super::{
    Detail, Text,
    screen::{Noun, Rank},
};
use crate::report::nodes::node_list;

/// Commands of a step that it shows.
const SHOWN_COMMANDS: usize = 3;

/// Which of the causes one is, for the room that it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The surest; of those that are equally sure, the one to be mended first.
    First,
    /// Another one.
    Other,
}

impl Text {
    /// Writes one cause, and what it explains.
    pub(super) fn verdict(&mut self, place: Place, verdict: &Verdict, explained: &[&Finding]) {
        let ranked = |rank| if place == Place::First { rank } else { Rank::OtherCause };
        self.head(verdict);
        self.chain(ranked(Rank::Why), &verdict.chain);
        for (heading, items) in [
            ("What does not work", &verdict.broken),
            ("What still works, and misleads", &verdict.still_works),
        ] {
            self.piece(Rank::Background, ("consequence", "consequences"));
            self.list(heading, items);
        }
        // Whoever acts on what is not certain has to know what else may be so.
        let is_sure = verdict.confidence == Confidence::Confirmed;
        let rank = if is_sure { Rank::Background } else { ranked(Rank::Always) };
        self.piece(rank, ("caution", "cautions"));
        self.list("Beware", &verdict.cautions);
        self.undecided(ranked(Rank::Why), verdict);
        self.piece(ranked(Rank::Mend), ("way to mend it", "ways to mend it"));
        self.heading("How to mend it");
        for (index, step) in verdict.fix.iter().enumerate() {
            self.step(index + 1, step);
        }
        self.piece(Rank::Background, ("check", "checks"));
        self.heading("How to see that it is mended");
        for check in &verdict.verify {
            self.write(|out, _| finding::verbatim(out, "  ", &check.command));
            self.prose("    must say: ", "      ", &check.expect);
        }
        self.explained(ranked(Rank::Why), explained);
    }

    /// What fits as well, and what would decide.
    fn undecided(&mut self, rank: Rank, verdict: &Verdict) {
        let others = verdict.alternatives.iter().map(|it| format!("{}: {}", it.cause, it.title));
        self.piece(rank, ("alternative", "alternatives"));
        self.list("What fits as well", &others.collect::<Vec<_>>());
        if verdict.decides.is_empty() {
            return;
        }
        self.piece(rank, ("check that decides", "checks that decide"));
        self.heading("What would decide");
        for check in &verdict.decides {
            self.write(|out, _| {
                finding::verbatim(out, "  ", &control::escape_line(&check.command))
            });
            self.prose("    ", "      ", &check.expect);
        }
    }

    fn head(&mut self, verdict: &Verdict) {
        let style = match verdict.confidence {
            Confidence::Confirmed => Style::Block,
            Confidence::Likely => Style::Warn,
            Confidence::Undetermined => Style::Unknown,
        };
        let label = verdict.confidence.to_string().to_uppercase();
        self.piece(Rank::Always, ("cause", "causes"));
        self.line(format_args!("\n{} {}", style.paint(label), Style::Heading.paint(verdict.cause)));
        self.prose("", "", &verdict.title);
        if !verdict.nodes.is_empty() && self.nodes != 1 {
            let nodes: Vec<_> = verdict.nodes.iter().collect();
            let nodes = node_list(&nodes, self.nodes, self.detail);
            self.prose("", "  ", &format!("Found {nodes}"));
        }
    }

    /// The decisive fact comes first among the facts; the rest supports it.
    fn chain(&mut self, rank: Rank, chain: &[ChainLink]) {
        const LINK: Noun = ("fact", "facts");
        self.title(rank, LINK);
        self.heading("Why");
        let decisive = chain.iter().position(|link| link.kind == ChainKind::Fact);
        for (place, link) in chain.iter().enumerate() {
            let is_decisive = Some(place) == decisive || link.kind == ChainKind::Cause;
            self.piece(if is_decisive { rank } else { Rank::Evidence }, LINK);
            let label = match link.kind {
                ChainKind::Symptom => "  symptom  ",
                ChainKind::Probe => "  probe    ",
                ChainKind::Fact => "  fact     ",
                ChainKind::Cause => "  because  ",
            };
            let text = if link.source.is_empty() {
                link.text.clone()
            } else {
                format!("{} ({})", link.text, link.source)
            };
            self.prose(label, "           ", &text);
        }
    }

    fn list(&mut self, heading: &str, items: &[String]) {
        if items.is_empty() {
            return;
        }
        self.heading(heading);
        for item in items {
            self.prose("  - ", "    ", item);
        }
    }

    fn step(&mut self, number: usize, step: &Remedy) {
        let first = format!("  {number}. ");
        let rest = "     ";
        let step = match self.detail {
            Detail::Full | Detail::Normal => step.clone(),
            Detail::Brief => brief(step, SHOWN_COMMANDS),
        };
        self.write(|out, width| finding::remedy(out, width, &first, rest, &step));
    }

    /// What the cause is behind: each rule, or each finding.
    fn explained(&mut self, rank: Rank, explained: &[&Finding]) {
        let problems = problems(explained.iter().copied());
        if problems.is_empty() {
            return;
        }
        if self.detail != Detail::Full {
            self.piece(rank, ("list of what it explains", "lists of what they explain"));
            let counted = |alike: &Alike<'_>| match alike.findings().len() {
                1 => alike.code().to_string(),
                count => format!("{} ({count}×)", alike.code()),
            };
            let parts = problems.iter().flat_map(Problem::parts);
            let codes: Vec<String> = parts.map(counted).collect();
            let text = format!("It explains {}.", codes.join(", "));
            self.prose("", "  ", &text);
            return;
        }
        self.heading("What it explains");
        for problem in &problems {
            self.problem(problem);
            self.mend(problem);
        }
    }
}

/// A remedy whose text is cut after its first sentence, and that has no more than so many commands: of
/// more it has none, because half of them do harm.
pub(super) fn brief(remedy: &Remedy, most: usize) -> Remedy {
    let mut brief = remedy.clone();
    if let Some((first, _)) = brief.text.split_once(". ") {
        brief.text = format!("{first} […]");
    }
    let commands = brief.commands.len();
    if commands > most {
        brief.commands.clear();
        brief.text = format!("{} ({commands} lines of commands: `-o wide`)", brief.text);
    }
    brief
}
