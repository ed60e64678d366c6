//! How findings are laid out for people.

use std::io::{self, Write};

use kcilium_core::rules::{Finding, Remedy, Severity};

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

/// Writes severity, code and summary of a finding, and what belongs to the summary.
///
/// # Errors
/// What cannot be written.
pub fn headline(
    out: &mut impl Write,
    width: usize,
    finding: &Finding,
    suffix: &str,
) -> io::Result<()> {
    let label = format!("{:<5}", finding.severity);
    let text = format!("{:<9} {}{suffix}", finding.code, finding.summary);
    let line = Paragraph::new(width)
        .hanging("        ", "                  ")
        .fill(&control::escape_line(&text));
    writeln!(out, "  {} {}", style(finding.severity).paint(label), line.trim_start())
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
