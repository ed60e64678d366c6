//! The answer for people.

use std::io::{self, Write};

use kcilium_cli::{Printer, Style, Table, control, finding};
use kcilium_core::{
    causes::Confidence,
    connectivity_log::{LegCounts, LogVerdict, Tally},
};

/// Writes the answer.
pub(super) fn write(
    tally: &Tally,
    verdicts: &[LogVerdict],
    width: usize,
    out: &mut Printer,
) -> io::Result<()> {
    finding::prose(out, width, "", "  ", &read(tally))?;
    legs(tally, width, out)?;
    not_counted(tally, width, out)?;
    for verdict in verdicts {
        write_verdict(verdict, width, out)?;
    }
    if verdicts.is_empty() {
        let end = if tally.report.is_some() {
            "All that was expected to pass did."
        } else {
            "The log ends before its report: nothing failed so far, and what came after is not known."
        };
        writeln!(out)?;
        finding::prose(out, width, "", "", end)?;
    }
    Ok(())
}

/// What was read, in a line.
fn read(tally: &Tally) -> String {
    let cilium =
        tally.cilium.as_ref().map_or_else(String::new, |version| format!(" of Cilium {version}"));
    let tests = &tally.tests;
    let (passed, failed) = match &tally.report {
        Some(report) => (report.tests.saturating_sub(report.tests_failed), report.tests_failed),
        None => (tests.passed, tests.failed),
    };
    let mut parts = vec![format!("{failed} tests failed, {passed} passed")];
    if tests.skipped > 0 {
        parts.push(format!("{} skipped", tests.skipped));
    }
    if tests.unfinished > 0 {
        parts.push(format!("{} unfinished", tests.unfinished));
    }
    if tally.report.is_none() {
        parts.push("the log has no report at its end: it was cut off, or is an excerpt".into());
    }
    if tally.runs > 1 {
        parts.push(format!("{} runs", tally.runs));
    }
    format!("Read: a connectivity test{cilium}: {}", parts.join(", "))
}

fn legs(tally: &Tally, width: usize, out: &mut Printer) -> io::Result<()> {
    if tally.legs.is_empty() {
        return Ok(());
    }
    heading(
        out,
        &format!(
            "Expected to pass: {} actions that the log shows, {} failed",
            tally.failed() + tally.passed(),
            tally.failed()
        ),
    )?;
    let mut table = Table::new(["to", "by", "passed", "failed", "how"]);
    for (leg, counts) in &tally.legs {
        let protocol = [leg.protocol.in_words(), leg.family.in_words()].join(" ");
        table.row([
            leg.destination.in_words().to_owned(),
            protocol.trim_start().to_owned(),
            counts.passed.to_string(),
            counts.failed().to_string(),
            how(counts),
        ]);
    }
    write!(out, "{}", table.render(width))
}

/// How actions ended that failed.
fn how(counts: &LegCounts) -> String {
    let codes = counts.failed.iter().map(|(code, count)| {
        let times = if counts.failed.len() > 1 { format!("{count}× ") } else { String::new() };
        format!("{times}code {}: {}", code.0, code.meaning())
    });
    codes.collect::<Vec<_>>().join("; ")
}

fn not_counted(tally: &Tally, width: usize, out: &mut Printer) -> io::Result<()> {
    let failures = &tally.failures;
    let lines = [
        (tally.refused, "had to be refused by a policy, and were: a dead network refuses them too"),
        (tally.unclear, "without failure, of which it is not known what they had to do"),
        (failures.not_refused, "succeeded that a policy had to refuse"),
        (failures.refused_otherwise, "were refused in another way than they had to be"),
        (failures.not_run, "could not be run in the pod"),
        (failures.flows, "failures of flow validation"),
        (failures.other, "other failures"),
    ];
    let lines: Vec<_> = lines.into_iter().filter(|(count, _)| *count > 0).collect();
    if lines.is_empty() {
        return Ok(());
    }
    heading(out, "Not counted")?;
    for (count, what) in lines {
        finding::prose(out, width, "  - ", "    ", &format!("{count} {what}"))?;
    }
    Ok(())
}

fn write_verdict(verdict: &LogVerdict, width: usize, out: &mut Printer) -> io::Result<()> {
    let style = match verdict.confidence {
        Confidence::Confirmed => Style::Block,
        Confidence::Likely => Style::Warn,
        Confidence::Undetermined => Style::Unknown,
    };
    let label = verdict.confidence.to_string().to_uppercase();
    writeln!(out, "\n{} {}", style.paint(label), Style::Heading.paint(verdict.cause))?;
    finding::prose(out, width, "", "", &verdict.title)?;
    list(out, width, "Why", &verdict.because)?;
    list(out, width, "What else looks like it", &verdict.or)?;
    heading(out, "What to run next")?;
    for check in &verdict.next {
        finding::verbatim(out, "  ", &control::escape_line(&check.command))?;
        finding::prose(out, width, "    says, if so: ", "      ", &check.expect)?;
    }
    Ok(())
}

fn list(out: &mut Printer, width: usize, title: &str, items: &[String]) -> io::Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    heading(out, title)?;
    for item in items {
        finding::prose(out, width, "  - ", "    ", item)?;
    }
    Ok(())
}

fn heading(out: &mut Printer, text: &str) -> io::Result<()> {
    writeln!(out, "\n{}", Style::Heading.paint(control::escape_line(text)))
}
