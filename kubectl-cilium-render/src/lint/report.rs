//! The findings, for people.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use kcilium_cli::{Style, control, finding};
use kcilium_core::{
    problems::{Problem, problems},
    rules::Severity,
};

use super::{Detail, Lint, place};
use crate::layers::Map;

pub(super) fn write(
    lint: &Lint,
    values: &Map,
    detail: Detail,
    width: usize,
    out: &mut impl Write,
) -> io::Result<()> {
    if let Some(error) = &lint.unreadable {
        let text = control::escape_line(&error.to_string()).into_owned();
        writeln!(out, "  {} {text}", Style::Block.paint("block"))?;
    }
    let least = match detail {
        Detail::Troubles => Severity::Warn,
        Detail::All => Severity::Info,
    };
    let found = lint.findings().into_iter().filter(|found| found.severity >= least);
    for problem in problems(found) {
        write_problem(&problem, values, width, out)?;
    }
    write_unknown(lint, width, out)
}

fn write_problem(
    problem: &Problem<'_>,
    values: &Map,
    width: usize,
    out: &mut impl Write,
) -> io::Result<()> {
    let lead = problem.lead();
    let place = place::suffix(place::of(values, &lead.worst().subject));
    finding::headline(out, width, lead, &place)?;
    for part in problem.rest() {
        finding::also(out, width, part)?;
    }
    // Good to know is known with the line.
    if problem.severity() == Severity::Info {
        return Ok(());
    }
    let impact = format!("impact: {}", lead.worst().impact);
    finding::prose(out, width, "          ", "            ", &impact)?;
    for remedy in problem.remedies() {
        finding::remedy(out, width, "          fix: ", "            ", remedy)?;
    }
    Ok(())
}

/// One line: who wants to know more has the doctor.
fn write_unknown(lint: &Lint, width: usize, out: &mut impl Write) -> io::Result<()> {
    let open = lint.results.iter().filter(|result| !result.judgement.unknowns().is_empty());
    let codes: Vec<&str> = open.clone().map(|result| result.rule.code.0).collect();
    let subjects: BTreeSet<&str> = open
        .flat_map(|result| result.judgement.unknowns())
        .map(|unknown| unknown.subject.as_str())
        .collect();
    if codes.is_empty() {
        return Ok(());
    }
    let subjects: Vec<&str> = subjects.into_iter().collect();
    let text = format!("not judged by {}: not known: {}", codes.join(", "), subjects.join(", "));
    finding::prose(out, width, "  ", "    ", &text)
}
