//! `-o short`: a line for each verdict and each finding, for eyes in a hurry and for `grep`.

use std::io::{self, Write};

use kcilium_cli::{Printer, control};
use kcilium_core::{diagnosis::Diagnosis, rules::Basis};

/// Writes the report.
pub(super) fn write(diagnosis: &Diagnosis, printer: &mut Printer) -> io::Result<()> {
    for verdict in &diagnosis.verdicts {
        let line = format!("{:<10} {:<9} {}", verdict.confidence, verdict.cause, verdict.title);
        writeln!(printer, "{}", control::escape_line(&line))?;
    }
    for finding in diagnosis.findings() {
        let severity = match finding.basis {
            Basis::Observed | Basis::Proposed => finding.severity.to_string(),
            Basis::Predicted => format!("({})", finding.severity),
        };
        let line = format!("{severity:<10} {:<9} {}", finding.code, finding.summary);
        writeln!(printer, "{}", control::escape_line(&line))?;
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
    Ok(())
}
