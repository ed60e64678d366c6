//! `--watch`: look again and again, until all is well or the time is over.
//!
//! An API server that is gone in between is survived: it comes back while a cluster is mended. What is
//! not known is never taken for well.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use kcilium_cli::{
    Exit, Failure, KubernetesFlags, Printer, Style,
    ignore_file::IgnoreFile,
    interrupt,
    probe::Probe,
    progress::{Spinner, Visibility},
    remark::remark,
};
use kcilium_core::rules::Code;

use crate::{
    args::Examine,
    examine::{self, Examined},
    probe::Look,
    report::ReportFormat,
};

/// Longest time for one look: a server that hangs must not take all of it.
const LONGEST_LOOK: Duration = Duration::from_mins(1);

/// A look that was begun may take this long (or all of --timeout, if that is shorter) even if the time
/// is over in it: cut short it would see less than the one before, and its report would be worth
/// nothing.
const SHORTEST_LOOK: Duration = Duration::from_secs(10);

/// Shortest pause, whatever was asked for: others use the API server, too.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// Looks until all is well.
pub(crate) fn run(
    args: &Examine,
    kubernetes: &KubernetesFlags,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    if args.output == ReportFormat::Html {
        return Err(Failure::usage("--watch has no use for -o html")
            .hint("leave --watch out, and make the page when all is well"));
    }
    let mut remarks = anstream::stderr();
    let known = args.judging.ignore_file(&mut remarks)?;
    if !args.source.local {
        // What is wrong with a kubeconfig does not pass.
        kubernetes.connection()?;
    }
    let timeout = args.source.live.timeout;
    let end = Instant::now() + timeout;
    let mut source = args.source.clone();
    // Who watches is not there to answer: only what was said on the command line is a consent, and it is
    // one for all looks.
    if source.probing.flags.probe == Probe::Ask {
        source.probing.flags.probe = Probe::Never;
    }
    let mut told = String::new();
    loop {
        let start = Instant::now();
        let left = end.saturating_duration_since(start);
        source.live.timeout = left.max(SHORTEST_LOOK.min(timeout)).min(LONGEST_LOOK);
        let look = examine::look(args, &source, kubernetes, &known, Visibility::Never);
        let look = match look {
            Err(failure) if failure.exit() != Exit::CouldNotRun => return Err(failure),
            look => look,
        };
        if look.is_ok() {
            source.probing.look = Look::Another;
        }
        let state = state(args, look.as_ref());
        if state != told && !is_redrawn(args) {
            remark(&mut remarks, style(args, look.as_ref().ok()), "watch:", &state)?;
        }
        told = state;
        let is_well = look.as_ref().is_ok_and(|it| it.exit(args) == Exit::Fine);
        // Another look needs time.
        let left = end.saturating_duration_since(Instant::now());
        let left = left.saturating_sub(2 * start.elapsed());
        if is_well || left.is_zero() {
            return finish(args, &known, look, printer);
        }
        pause(args, &told, left)?;
    }
}

/// Whether the state is drawn over and over in one place.
fn is_redrawn(args: &Examine) -> bool {
    examine::visibility(args.output) == Visibility::OnTerminal && Spinner::is_possible()
}

fn pause(args: &Examine, state: &str, left: Duration) -> Result<(), Failure> {
    let pause = args.interval.max(SHORTEST_PAUSE).min(left);
    let message = format!("{state}; looking again in {} s", pause.as_secs());
    let visibility = if is_redrawn(args) { Visibility::OnTerminal } else { Visibility::Never };
    let _spinner = Spinner::start(message, visibility);
    // A timer is made where it runs.
    interrupt::block_on(async { tokio::time::sleep(pause).await })
}

/// The report on the last look.
fn finish(
    args: &Examine,
    known: &IgnoreFile,
    look: Result<Examined, Failure>,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    let look = look.map_err(|failure| failure.hint("the time of --timeout is over"))?;
    examine::tell(args, known, &look, printer)?;
    Ok(look.exit(args))
}

/// What one look came to, in a line.
fn state(args: &Examine, look: Result<&Examined, &Failure>) -> String {
    let examined = match look {
        Ok(examined) => examined,
        Err(failure) => return format!("not known: {}", failure.error()),
    };
    match examined.exit(args) {
        Exit::Fine => "all is well".to_owned(),
        Exit::CouldNotRun => "not known: nothing could be judged".to_owned(),
        _ => {
            let causes = examined.diagnosis.verdicts.iter().map(|verdict| verdict.cause);
            let causes: Vec<&str> = causes.collect();
            let codes: BTreeSet<Code> =
                examined.failing(args).map(|finding| finding.code).collect();
            let codes = codes.iter().map(|code| code.0);
            let all: Vec<&str> = causes.into_iter().chain(codes).collect();
            match &all[..] {
                [] => "something could not be judged".to_owned(),
                all => format!("something is wrong: {}", all.join(", ")),
            }
        }
    }
}

fn style(args: &Examine, examined: Option<&Examined>) -> Style {
    match examined.map(|examined| examined.exit(args)) {
        Some(Exit::Fine) => Style::Ok,
        Some(Exit::Findings) => Style::Error,
        _ => Style::Unknown,
    }
}
