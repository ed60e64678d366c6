//! Facts → diagnosis → report → exit code.

use kcilium_cli::{Exit, Failure, KubernetesFlags, Printer, judging::FailOn, progress::Visibility};
use kcilium_core::diagnosis::{self, Diagnosis};

use crate::{args::Examine, report, source};

/// Examines what the command line asks for.
pub(crate) fn run(
    args: &Examine,
    kubernetes: &KubernetesFlags,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    let selection = args.judging.selection();
    let facts = source::read(&args.source, kubernetes, Visibility::from(args.output))?;
    let diagnosis = diagnosis::diagnose(&facts, &selection);
    report::write(args.output, &facts, &diagnosis, printer)?;
    Ok(exit(&diagnosis, args.judging.fail_on))
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
