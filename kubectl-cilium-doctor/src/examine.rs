//! Facts → diagnosis → report → exit code.

use kcilium_cli::{Exit, Failure, KubernetesFlags, Printer, judging::FailOn, progress::Visibility};
use kcilium_core::diagnosis::{self, Diagnosis};

use crate::{
    args::Examine,
    report::{self, ReportFormat},
    source,
};

/// Examines what the command line asks for.
pub(crate) fn run(
    args: &Examine,
    kubernetes: &KubernetesFlags,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    let fail_on = args.judging.fail_on;
    let facts = source::read(&args.source, kubernetes, visibility(args.output))?;
    let diagnosis = diagnosis::diagnose(&facts, &args.judging.selection());
    report::write(args.output, &facts, &diagnosis, fail_on.severity(), printer)?;
    Ok(exit(&diagnosis, fail_on))
}

fn visibility(format: ReportFormat) -> Visibility {
    if format.is_for_machines() { Visibility::Never } else { Visibility::OnTerminal }
}

fn exit(diagnosis: &Diagnosis, fail_on: FailOn) -> Exit {
    if fail_on.is_reached(diagnosis.worst(), diagnosis.has_unknowns()) {
        Exit::Findings
    } else if diagnosis.judged_nothing() {
        Exit::CouldNotRun
    } else {
        Exit::Fine
    }
}
