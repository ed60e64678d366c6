//! Reports: one file for each format.

mod document;
mod html;
mod junit;
mod nodes;
mod short;
mod text;
mod unknown;

use std::io;

use clap::ValueEnum;
use kcilium_cli::{Printer, format, terminal};
use kcilium_core::{
    diagnosis::Diagnosis,
    facts::Facts,
    probe::{
        ProbeResult,
        matrix::{Cell, Vantage},
    },
    rules::Severity,
};

/// A format of the report, for `-o`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// To be read, the default.
    #[default]
    Text,
    /// The same, with every detail.
    Wide,
    /// A line for each verdict and finding.
    Short,
    /// One JSON document.
    Json,
    /// The same document as YAML.
    Yaml,
    /// One HTML page.
    Html,
    /// JUnit's XML.
    Junit,
}

impl ReportFormat {
    /// Whether programs read it.
    pub(crate) fn is_for_machines(self) -> bool {
        matches!(self, Self::Json | Self::Yaml | Self::Html | Self::Junit)
    }
}

/// How much a report for people tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// What matters most, cut short, so that it fits on a screen.
    Brief,
    /// What fits on a screen.
    Normal,
    /// Everything.
    Full,
}

/// Writes the report. Findings from `fail_from` on are failures in JUnit's sense.
pub(crate) fn write(
    format: ReportFormat,
    facts: &Facts,
    diagnosis: &Diagnosis,
    fail_from: Severity,
    printer: &mut Printer,
) -> io::Result<()> {
    let width = terminal::width();
    match format {
        ReportFormat::Text => text::write(facts, diagnosis, Detail::Normal, width, printer),
        ReportFormat::Wide => text::write(facts, diagnosis, Detail::Full, width, printer),
        ReportFormat::Short => short::write(facts, diagnosis, printer),
        ReportFormat::Json => format::write_json(printer, &document::Report::new(facts, diagnosis)),
        ReportFormat::Yaml => format::write_yaml(printer, &document::Report::new(facts, diagnosis)),
        ReportFormat::Html => html::write(facts, diagnosis, &text::examined(facts), printer),
        ReportFormat::Junit => junit::write(diagnosis, fail_from, printer),
    }
}

/// How many nodes there are; 0 if that is not known.
fn nodes_of(facts: &Facts) -> usize {
    facts.origin.cluster.as_ref().map_or(facts.nodes.len(), |origin| origin.nodes)
}

/// What a report must say that it does not answer: where no packet was sent, routes are all it knows;
/// where pods lent their networks, a shell asked.
fn not_tested(facts: &Facts) -> Option<&'static str> {
    let is_of_pod = |result: &ProbeResult| {
        Cell::of(&result.id).is_some_and(|cell| cell.vantage == Vantage::Pod)
    };
    let probed = facts.nodes.iter().filter(|node| node.probes.items().iter().any(is_of_pod));
    let lent = probed.map(|node| !node.lent_networks.is_empty()).reduce(|all, lent| all && lent);
    match lent {
        None => Some("pod egress"),
        Some(true) => Some("sizes of pods' packets, and pods' own DNS settings"),
        Some(false) => None,
    }
}
