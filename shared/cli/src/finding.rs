//! How findings are laid out for people.

use std::{
    collections::BTreeMap,
    fmt::Display,
    io::{self, Write},
};

use kcilium_core::{
    problems::Alike,
    rules::{Code, Finding, Remedy, Severity},
    view::listing,
};

use crate::{Paragraph, Style, control};

/// The style of a severity.
pub fn style(severity: Severity) -> Style {
    match severity {
        Severity::Block => Style::Block,
        Severity::Error => Style::Error,
        Severity::Warn => Style::Warn,
        Severity::Info => Style::Info,
    }
}

/// Writes prose, wrapped. What stands in `first` is part of the first line.
///
/// # Errors
/// What cannot be written.
pub fn prose(
    out: &mut impl Write,
    width: usize,
    first: &str,
    rest: &str,
    text: &str,
) -> io::Result<()> {
    let text = control::escape_line(text);
    writeln!(out, "{}", Paragraph::new(width).hanging(first, rest).fill(&text))
}

/// Writes text to copy: never wrapped.
///
/// # Errors
/// What cannot be written.
pub fn verbatim(out: &mut impl Write, indent: &str, text: &str) -> io::Result<()> {
    for line in text.lines() {
        let line = control::escape(line);
        let style = if line.starts_with('#') { Style::Dim } else { Style::Code };
        writeln!(out, "{indent}{}", style.paint(line))?;
    }
    Ok(())
}

/// Writes severity, code and summary of findings that are alike, and what belongs to the summary.
///
/// # Errors
/// What cannot be written.
pub fn headline(
    out: &mut impl Write,
    width: usize,
    alike: &Alike<'_>,
    suffix: &str,
) -> io::Result<()> {
    let severity = alike.severity();
    let label = style(severity).paint(format!("{severity:<5}"));
    line(out, width, label, alike, suffix)
}

/// Writes what another rule says about the problem whose headline stands above.
///
/// # Errors
/// What cannot be written.
pub fn also(out: &mut impl Write, width: usize, alike: &Alike<'_>) -> io::Result<()> {
    line(out, width, Style::Dim.paint("also ".to_owned()), alike, "")
}

fn line(
    out: &mut impl Write,
    width: usize,
    label: impl Display,
    alike: &Alike<'_>,
    suffix: &str,
) -> io::Result<()> {
    let text = format!("{:<9} {}{suffix}", alike.code(), summary(alike));
    let line = Paragraph::new(width)
        .hanging("        ", "                  ")
        .fill(&control::escape_line(&text));
    writeln!(out, "  {label} {}", line.trim_start())
}

/// The worst in words, and how many more there are.
pub fn summary(alike: &Alike<'_>) -> String {
    let worst = alike.worst();
    let more = match alike.summaries().len() - 1 {
        0 => return worst.summary.clone(),
        more => more,
    };
    let mut subjects = alike.subjects();
    subjects.retain(|subject| *subject != worst.subject);
    if subjects.is_empty() {
        return format!("{}, and {more} more like it", worst.summary);
    }
    let subjects: Vec<String> = subjects.into_iter().map(str::to_owned).collect();
    format!("{}, and {more} more like it: {}", worst.summary, listing(&subjects))
}

/// Counts findings that are not told, because they are known; nothing where there are none.
pub fn known<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Option<String> {
    let mut counts: BTreeMap<Code, usize> = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.code).or_default() += 1;
    }
    let count: usize = counts.values().sum();
    let codes = counts.into_iter().map(|(code, count)| match count {
        1 => code.to_string(),
        count => format!("{code} ({count}×)"),
    });
    let codes = codes.collect::<Vec<_>>().join(", ");
    let findings = if count == 1 { "finding" } else { "findings" };
    (count > 0).then(|| format!("{count} {findings} left out by the ignore file: {codes}"))
}

/// Writes what to do: in words, then values and commands to paste.
///
/// # Errors
/// What cannot be written.
pub fn remedy(
    out: &mut impl Write,
    width: usize,
    first: &str,
    rest: &str,
    remedy: &Remedy,
) -> io::Result<()> {
    prose(out, width, first, rest, &remedy.text)?;
    let indent = format!("{rest}    ");
    verbatim(out, &indent, &remedy.values)?;
    for command in &remedy.commands {
        verbatim(out, &indent, &control::escape_line(command))?;
    }
    Ok(())
}
