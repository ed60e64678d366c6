//! The subcommands `rules` and `explain CODE` of plugins that judge.

use std::io::Write as _;

use kcilium_core::rules::{Code, Judges, Rule, Severity, registry};
use serde::Serialize;

use crate::{Exit, Failure, OutputFormat, Paragraph, Printer, Style, Table, format, terminal};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    code: Code,
    /// The worst that the rule can find.
    severity: Severity,
    title: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    documentation: Option<&'static str>,
}

impl Entry {
    fn new(rule: &Rule, documentation: Option<&'static str>) -> Self {
        Self { code: rule.code, severity: rule.severity, title: rule.title, documentation }
    }
}

/// Lists the rules that a plugin asks: all, or those that judge something. `plugin` is its name as
/// kubectl takes it.
///
/// # Errors
/// What cannot be written.
pub fn list(
    plugin: &str,
    judges: Option<Judges>,
    output: OutputFormat,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    let rules = registry::RULES.iter();
    let rules = rules.filter(|rule| judges.is_none_or(|judges| rule.judges == judges));
    // Who asks about configurations only has values in hand, and perhaps their chart.
    let rules = rules.chain(judges.map(|_| &registry::SCHEMA));
    let entries: Vec<Entry> = rules.map(|rule| Entry::new(rule, None)).collect();
    match output {
        OutputFormat::Json => format::write_json(printer, &entries)?,
        OutputFormat::Yaml => format::write_yaml(printer, &entries)?,
        OutputFormat::Short => {
            for entry in &entries {
                writeln!(printer, "{}", entry.code)?;
            }
        }
        OutputFormat::Text | OutputFormat::Wide => {
            let mut table = Table::new(["code", "worst", "what is wrong when it fires"]);
            for entry in &entries {
                table.row([
                    entry.code.to_string(),
                    entry.severity.to_string(),
                    entry.title.to_owned(),
                ]);
            }
            write!(printer, "{}", table.render(terminal::width()))?;
            writeln!(
                printer,
                "\n{} rules. `kubectl {plugin} explain CODE` tells more.",
                entries.len()
            )?;
        }
    }
    Ok(Exit::Fine)
}

/// Prints a rule's documentation.
///
/// # Errors
/// What cannot be written, and a code that no rule has.
pub fn explain(code: &Code, output: OutputFormat, printer: &mut Printer) -> Result<Exit, Failure> {
    let Some(rule) = registry::find(code.0) else {
        return Err(Failure::usage(format!("no rule has the code {code}")));
    };
    let documented = || Entry::new(rule, Some(rule.documentation));
    match output {
        OutputFormat::Json => format::write_json(printer, &documented())?,
        OutputFormat::Yaml => format::write_yaml(printer, &documented())?,
        OutputFormat::Short => writeln!(printer, "{}  {}", rule.code, rule.title)?,
        OutputFormat::Text | OutputFormat::Wide => {
            writeln!(
                printer,
                "{}  {}",
                Style::Heading.paint(rule.code),
                Style::Heading.paint(rule.title)
            )?;
            writeln!(printer, "worst severity: {}\n", rule.severity)?;
            print_documentation(rule.documentation, printer)?;
        }
    }
    Ok(Exit::Fine)
}

/// The documentation's Markdown is of the simplest kind: headings, paragraphs, lists.
fn print_documentation(text: &str, printer: &mut Printer) -> std::io::Result<()> {
    let width = terminal::width();
    let mut paragraph = String::new();
    for line in text.lines().map(str::trim).chain([""]) {
        let begins_item = line.starts_with("- ");
        if (line.is_empty() || begins_item || line.starts_with('#')) && !paragraph.is_empty() {
            let prose = Paragraph::new(width);
            let prose = if paragraph.starts_with("- ") {
                prose.hanging("  ", "    ")
            } else {
                prose.indent("  ")
            };
            writeln!(printer, "{}", prose.fill(&paragraph))?;
            paragraph.clear();
        }
        if let Some(heading) = line.strip_prefix("## ") {
            writeln!(printer, "{}", Style::Heading.paint(heading))?;
        } else if line.is_empty() {
            writeln!(printer)?;
        } else {
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(line);
        }
    }
    Ok(())
}
