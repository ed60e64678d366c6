//! `-o short`: a line for each verdict, for what each rule found and for what is not known, for eyes in a hurry and for `grep`.

use std::io::{self, Write};

use kcilium_cli::{Printer, control, finding};
use kcilium_core::{diagnosis::Diagnosis, facts::Facts, problems::problems, rules::Basis};

use super::{Detail, nodes_of, unknown::reasons};

/// Writes the report.
pub(super) fn write(facts: &Facts, diagnosis: &Diagnosis, printer: &mut Printer) -> io::Result<()> {
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
    for ((subject, why), reason) in reasons(diagnosis) {
        let on = reason.on(nodes_of(facts), Detail::Normal);
        let codes = reason.codes();
        let (first, others) = codes.split_first().unwrap_or((&"", &[]));
        let mut line = format!("{:<10} {first:<9} {subject}{on}: {why}", "unknown");
        if !others.is_empty() {
            line = format!("{line} (so too {})", others.join(", "));
        }
        writeln!(printer, "{}", control::escape_line(&line))?;
    }
    if let Some(text) = finding::known(diagnosis.known()) {
        writeln!(printer, "{:<10} {text}", "ignored")?;
    }
    Ok(())
}
