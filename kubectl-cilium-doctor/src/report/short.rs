//! `-o short`: a line for each verdict and for what each rule found, for eyes in a hurry and for `grep`.

use std::io::{self, Write};

use kcilium_cli::{Printer, control, finding};
use kcilium_core::{diagnosis::Diagnosis, problems::problems, rules::Basis};

/// Writes the report.
pub(super) fn write(diagnosis: &Diagnosis, printer: &mut Printer) -> io::Result<()> {
    for verdict in &diagnosis.verdicts {
        let line = format!("{:<10} {:<9} {}", verdict.confidence, verdict.cause, verdict.title);
        writeln!(printer, "{}", control::escape_line(&line))?;
    }
    for problem in problems(diagnosis.findings()) {
        for alike in problem.parts() {
            let severity = match alike.worst().basis {
                Basis::Observed | Basis::Proposed => alike.severity().to_string(),
                Basis::Predicted => format!("({})", alike.severity()),
            };
            let line = format!("{severity:<10} {:<9} {}", alike.code(), finding::summary(alike));
            writeln!(printer, "{}", control::escape_line(&line))?;
        }
    }
    for result in &diagnosis.results {
        for unknown in result.judgement.unknowns() {
            let on = unknown.node.as_ref().map_or_else(String::new, |node| format!(" on {node}"));
            let code = result.rule.code;
            let line =
                format!("{:<10} {code:<9} {}{on}: {}", "unknown", unknown.subject, unknown.why);
            writeln!(printer, "{}", control::escape_line(&line))?;
        }
    }
    if let Some(text) = finding::known(diagnosis.known()) {
        writeln!(printer, "{:<10} {text}", "ignored")?;
    }
    Ok(())
}
