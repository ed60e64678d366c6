//! `-o text` and `-o wide`: the report for people. The verdict comes first.
//!
//! By default it is a screen: it is made of pieces that matter more or less, and those that do not fit
//! are counted. `-o wide` has all of them, in full.

mod examined;
mod problem;
mod screen;
mod unknown;
mod verdict;

use std::{
    fmt,
    io::{self, Write},
};

use kcilium_cli::{Style, control, finding};
use kcilium_core::{
    diagnosis::Diagnosis,
    facts::{Facts, Source},
    problems::problems,
    rules::{Basis, Finding, Outcome, Severity},
};

pub(super) use examined::examined;
use problem::ranks;
use screen::{Noun, Piece, Rank, Stands};
use verdict::Place;

use super::{Detail, nodes_of};

/// Writes the report.
pub(super) fn write(
    facts: &Facts,
    diagnosis: &Diagnosis,
    detail: Detail,
    width: usize,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut report = Report::new(facts, diagnosis, detail, width);
    if !report.left_out.is_empty() {
        report = Report::new(facts, diagnosis, Detail::Brief, width);
    }
    report.pieces.iter().try_for_each(|piece| out.write_all(&piece.text))
}

/// A report that is laid out.
struct Report {
    pieces: Vec<Piece>,
    /// What did not fit.
    left_out: String,
}

impl Report {
    fn new(facts: &Facts, diagnosis: &Diagnosis, detail: Detail, width: usize) -> Self {
        let mut text = Text { width, detail, nodes: nodes_of(facts), pieces: Vec::new() };
        text.header(facts, diagnosis);
        let findings = diagnosis.findings();
        let by = |cause: Option<&str>| -> Vec<&Finding> {
            let explained =
                |it: &&Finding| diagnosis.explanation_of(it).map(|verdict| verdict.cause) == cause;
            findings.iter().copied().filter(explained).collect()
        };
        let surest = diagnosis.verdicts.iter().map(|verdict| verdict.confidence).max();
        let first = diagnosis.verdicts.iter().position(|it| Some(it.confidence) == surest);
        for (number, verdict) in diagnosis.verdicts.iter().enumerate() {
            let place = if Some(number) == first { Place::First } else { Place::Other };
            text.verdict(place, verdict, &by(Some(verdict.cause)));
        }
        let rest = by(None);
        let heading = if diagnosis.verdicts.is_empty() { "Findings" } else { "Besides" };
        text.findings(heading, &rest, |finding| finding.basis != Basis::Predicted);
        let heading = "If you installed Cilium with its defaults now (no effect on the exit code)";
        text.findings(heading, &rest, |finding| finding.basis == Basis::Predicted);
        text.unknown(diagnosis);
        text.finish(facts, diagnosis)
    }
}

/// A report that grows.
struct Text {
    width: usize,
    detail: Detail,
    /// How many nodes there are; 0 if that is not known.
    nodes: usize,
    pieces: Vec<Piece>,
}

impl Text {
    /// Begins a piece, into which everything goes from now on.
    fn piece(&mut self, rank: Rank, noun: Noun) {
        self.pieces.push(Piece { rank, noun, stands: Stands::Alone, text: Vec::new() });
    }

    /// Begins a heading over pieces of that kind.
    fn title(&mut self, rank: Rank, noun: Noun) {
        self.pieces.push(Piece { rank, noun, stands: Stands::OverNext, text: Vec::new() });
    }

    /// Begins a piece that makes no sense without the one before.
    fn appendix(&mut self, rank: Rank, noun: Noun) {
        self.pieces.push(Piece { rank, noun, stands: Stands::WithPrevious, text: Vec::new() });
    }

    fn heading(&mut self, out: &str) {
        self.line(format_args!("\n{}", Style::Heading.paint(control::escape_line(out))));
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        self.write(|out, _| writeln!(out, "{line}"));
    }

    fn prose(&mut self, first: &str, rest: &str, text: &str) {
        self.write(|out, width| finding::prose(out, width, first, rest, text));
    }

    /// Writes into the last piece.
    fn write(&mut self, write: impl FnOnce(&mut Vec<u8>, usize) -> io::Result<()>) {
        if let Some(piece) = self.pieces.last_mut()
            && let Err(error) = write(&mut piece.text, self.width)
        {
            unreachable!("memory takes everything: {error}");
        }
    }

    fn header(&mut self, facts: &Facts, diagnosis: &Diagnosis) {
        self.piece(Rank::Always, ("head", "heads"));
        self.prose("", "  ", &format!("Examined: {}", examined(facts)));
        self.prose("", "  ", &examined::cilium(facts, diagnosis));
        if let Some(note) = &facts.origin.note {
            self.piece(Rank::Background, ("note", "notes"));
            self.prose("", "  ", &format!("Note of the snapshot's author: {note}"));
        }
    }

    fn findings(
        &mut self,
        heading: &str,
        findings: &[&Finding],
        is_here: impl Fn(&Finding) -> bool,
    ) {
        let found = findings.iter().copied().filter(|finding| is_here(finding));
        for (number, problem) in problems(found).iter().enumerate() {
            let ranks = ranks(problem);
            self.piece(ranks[0], problem::FINDING);
            if number == 0 {
                self.heading(heading);
            }
            self.problem(problem);
            self.appendix(ranks[1], problem::REMEDY);
            self.mend(problem);
        }
    }

    /// Ends the report, and takes away what does not fit on a screen.
    fn finish(mut self, facts: &Facts, diagnosis: &Diagnosis) -> Report {
        let mut pieces = std::mem::take(&mut self.pieces);
        self.summary(facts, diagnosis);
        let left_out = match self.detail {
            Detail::Full => String::new(),
            Detail::Normal | Detail::Brief => {
                // So many lines tell of what is left out.
                let more = if self.detail == Detail::Brief { 3 } else { 2 };
                let foot: usize = self.pieces.iter().map(Piece::lines).sum();
                screen::fit(&mut pieces, screen::LINES.saturating_sub(foot + more))
            }
        };
        let explain = "`kubectl cilium-doctor explain CODE` tells more about a code";
        let more = match self.detail {
            _ if diagnosis.findings().is_empty() => String::new(),
            Detail::Full => format!("{explain}."),
            _ if left_out.is_empty() => format!("`-o wide` tells all; {explain}."),
            _ => format!("`-o wide` tells all (left out: {left_out}); {explain}."),
        };
        if !more.is_empty() {
            self.prose("", "  ", &more);
        }
        pieces.append(&mut self.pieces);
        Report { pieces, left_out }
    }

    fn summary(&mut self, facts: &Facts, diagnosis: &Diagnosis) {
        let count = |is: fn(Outcome) -> bool| {
            diagnosis.results.iter().filter(|result| is(result.judgement.outcome())).count()
        };
        let fired = count(|outcome| matches!(outcome, Outcome::Found(_)));
        let fine = count(|outcome| outcome == Outcome::Ok);
        let unknown = count(|outcome| outcome == Outcome::Unknown);
        let other = count(|outcome| outcome == Outcome::NotApplicable);
        self.piece(Rank::Always, ("foot", "feet"));
        self.line(format_args!(""));
        if diagnosis.judged_nothing() {
            self.prose("", "", "Nothing could be judged: too little could be read.");
            if facts.origin.source == Source::Cluster {
                self.prose("", "", "`kubectl cilium-doctor auth` lists what you may read.");
            }
        } else if diagnosis.worst().is_none_or(|worst| worst <= Severity::Info) {
            let rest = if unknown > 0 { ", as far as they could be judged" } else { "" };
            let text = format!("No trouble found with CIDRs, routes, agents and pods{rest}.");
            self.prose("", "", &text);
        }
        let rules = diagnosis.results.len();
        let mut text = format!(
            "{rules} rules: {fired} fired, {fine} fine, {unknown} unknown, {other} do not apply."
        );
        if let Some(not_tested) = super::not_tested(facts) {
            text = format!("{text} Not tested: {not_tested}.");
        }
        self.prose("", "  ", &text);
        if let Some(text) = finding::known(diagnosis.known()) {
            self.prose("", "  ", &format!("{text}."));
        }
    }
}
