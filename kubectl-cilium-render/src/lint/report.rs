//! The findings, for people.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use kcilium_cli::{Style, control, finding};
use kcilium_core::rules::{Finding, Severity};

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
    for found in lint.findings().into_iter().filter(|found| found.severity >= least) {
        write_finding(found, values, width, out)?;
    }
    write_unknown(lint, width, out)
}

fn write_finding(
    found: &Finding,
    values: &Map,
    width: usize,
    out: &mut impl Write,
) -> io::Result<()> {
    let place = place::suffix(place::of(values, &found.subject));
    finding::headline(out, width, found, &place)?;
    // Good to know is known with the line.
    if found.severity == Severity::Info {
        return Ok(());
    }
    let impact = format!("impact: {}", found.impact);
    finding::prose(out, width, "          ", "            ", &impact)?;
    finding::remedy(out, width, "          fix: ", "            ", &found.remedy)
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
