//! Facts → diagnosis → report → exit code.

use kcilium_cli::{
    Exit, Failure, KubernetesFlags, Printer, Style, ignore_file::IgnoreFile, progress::Visibility,
    remark::remark,
};
use kcilium_core::{
    diagnosis::{self, Diagnosis},
    facts::Facts,
    rules::{Basis, Finding},
};

use crate::{
    args::{Examine, Source},
    report::{self, ReportFormat},
    source, watch,
};

/// What was read, and what is thought of it.
pub(crate) struct Examined {
    pub(crate) facts: Facts,
    pub(crate) diagnosis: Diagnosis,
}

/// Examines what the command line asks for.
pub(crate) fn run(
    args: &Examine,
    kubernetes: &KubernetesFlags,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    if args.watch {
        return watch::run(args, kubernetes, printer);
    }
    let known = args.judging.ignore_file(&mut anstream::stderr())?;
    let examined = look(args, &args.source, kubernetes, &known, visibility(args.output))?;
    tell(args, &known, &examined, printer)?;
    Ok(examined.exit(args))
}

/// Reads and judges.
pub(crate) fn look(
    args: &Examine,
    source: &Source,
    kubernetes: &KubernetesFlags,
    known: &IgnoreFile,
    visibility: Visibility,
) -> Result<Examined, Failure> {
    let facts = source::read(source, kubernetes, visibility)?;
    let diagnosis = diagnosis::diagnose(&facts, &args.judging.selection(known));
    Ok(Examined { facts, diagnosis })
}

/// Writes the report.
pub(crate) fn tell(
    args: &Examine,
    known: &IgnoreFile,
    examined: &Examined,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let Examined { facts, diagnosis } = examined;
    report::write(args.output, facts, diagnosis, args.judging.fail_on.severity(), printer)?;
    let found: Vec<&Finding> = diagnosis.known().collect();
    for text in known.unmatched(&found, |code| diagnosis.asked(code)) {
        remark(&mut anstream::stderr(), Style::Info, "note:", &text)?;
    }
    Ok(())
}

/// Whether a spinner may be shown beside a report.
pub(crate) fn visibility(format: ReportFormat) -> Visibility {
    if format.is_for_machines() { Visibility::Never } else { Visibility::OnTerminal }
}

impl Examined {
    /// How the run ends.
    pub(crate) fn exit(&self, args: &Examine) -> Exit {
        let Self { diagnosis, .. } = self;
        if args.judging.fail_on.is_reached(diagnosis.worst(), diagnosis.has_unknowns()) {
            Exit::Findings
        } else if diagnosis.judged_nothing() {
            Exit::CouldNotRun
        } else {
            Exit::Fine
        }
    }

    /// The findings that make the run fail.
    pub(crate) fn failing(&self, args: &Examine) -> impl Iterator<Item = &Finding> {
        let least = args.judging.fail_on.severity();
        let findings = self.diagnosis.findings().into_iter();
        findings.filter(move |it| it.basis == Basis::Observed && it.severity >= least)
    }
}
