//! Reports: one file for each format.

mod document;
mod short;
mod text;

use std::io;

use kcilium_cli::{OutputFormat, Printer, format, terminal};
use kcilium_core::{diagnosis::Diagnosis, facts::Facts};

/// How much a report for people tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// Verdicts in full, findings in a line each.
    Normal,
    /// Everything.
    Full,
}

/// Writes the report.
pub(crate) fn write(
    format: OutputFormat,
    facts: &Facts,
    diagnosis: &Diagnosis,
    printer: &mut Printer,
) -> io::Result<()> {
    match format {
        OutputFormat::Text => {
            text::write(facts, diagnosis, Detail::Normal, terminal::width(), printer)
        }
        OutputFormat::Wide => {
            text::write(facts, diagnosis, Detail::Full, terminal::width(), printer)
        }
        OutputFormat::Short => short::write(diagnosis, printer),
        OutputFormat::Json => format::write_json(printer, &document::Report::new(facts, diagnosis)),
        OutputFormat::Yaml => format::write_yaml(printer, &document::Report::new(facts, diagnosis)),
    }
}

/// What a report must say that it does not answer: routes are read, no packet is sent.
const NOT_TESTED: &str = "pod egress";
