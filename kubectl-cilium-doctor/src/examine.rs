//! Facts → diagnosis → report → exit code.

use kcilium_cli::{Exit, Failure, KubernetesFlags, Printer, progress::Visibility};
use kcilium_core::diagnosis::{self, Diagnosis, Selection};

use crate::{
    args::{Examine, FailOn},
    report::{self, ReportFormat},
    source,
};

/// Examines what the command line asks for.
pub(crate) fn run(
    args: &Examine,
    kubernetes: &KubernetesFlags,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    let selection = Selection {
        only: args.only.iter().copied().collect(),
        ignore: args.ignore.iter().copied().collect(),
    };
    let facts = source::read(&args.source, kubernetes, visibility(args.output))?;
    let diagnosis = diagnosis::diagnose(&facts, &selection);
    report::write(args.output, &facts, &diagnosis, args.fail_on.severity(), printer)?;
    Ok(exit(&diagnosis, args.fail_on))
}

fn visibility(format: ReportFormat) -> Visibility {
    if format.is_for_machines() { Visibility::Never } else { Visibility::OnTerminal }
}

fn exit(diagnosis: &Diagnosis, fail_on: FailOn) -> Exit {
    let has_failed = diagnosis.worst().is_some_and(|worst| worst >= fail_on.severity());
    let is_too_little = fail_on == FailOn::Unknown && diagnosis.has_unknowns();
    if has_failed || is_too_little {
        Exit::Findings
    } else if diagnosis.judged_nothing() {
        Exit::CouldNotRun
    } else {
        Exit::Fine
    }
}
