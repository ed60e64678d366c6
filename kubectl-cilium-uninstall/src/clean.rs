//! `--local`: show, ask, save, take away, prove.

use std::{
    io::{self, Write as _},
    ops::ControlFlow,
    path::Path,
    pin::pin,
    task::{Context, Waker},
};

use kcilium_cli::{
    Exit, Failure, Printer, interrupt,
    progress::{Spinner, Visibility},
};
use kcilium_core::leftovers::{Comparison, Inventory, Leftover, Plan, PodsInUse, Step};
use kcilium_node::{
    Host, Refusal, clean,
    keepsake::{Keep, Keepsake, KeepsakeError},
};

use crate::{
    args::Wish,
    confirm::{self, Confirmed},
    consequence, local, plan, report,
    verdict::{Document, Proof},
    verify,
};

/// Cleans this host, as far as somebody agrees to it.
pub(crate) fn run(wish: &Wish, printer: &mut Printer) -> Result<Exit, Failure> {
    let host = local::host(&wish.clean.scope.root)?;
    local::as_root()?;
    if !wish.consent.dry_run {
        local::without_agent(&host)?;
    }
    let before = local::state(&host, local::remembered(&wish.clean.scope))?;
    let inventory = Inventory::of(&before);
    let pods = if wish.clean.force_pods { PodsInUse::Take } else { PodsInUse::Leave };
    let plan = Plan::of(&inventory, pods);
    if plan.items.is_empty() {
        report::print(&inventory, wish.output, printer)?;
        return Ok(verify::exit(&inventory));
    }
    outlasting(&wish.clean.backup_dir, &plan)?;
    let name = host.node_name().to_string();
    let planned = Document::planned(&name, &plan, consequence::of(&plan, &before));
    show(&planned, wish, printer)?;
    let Some(confirmed) = confirm::ask(&plan, &name, &wish.consent)? else {
        // A plan may be read while the agent lives, and not be carried out.
        local::without_agent(&host)?;
        return Ok(Exit::Fine);
    };
    let executed = execute(&confirmed, &host, wish, printer)?;
    conclude(&planned.executed(executed), wish, printer)
}

/// Fails for a directory of backups that goes with the plan, or that is another one for whoever
/// reads its name.
fn outlasting(directory: &str, plan: &Plan) -> Result<(), Failure> {
    if !directory.starts_with('/') {
        let why = format!("--backup-dir {directory}: not a path that begins with `/`");
        return Err(Failure::usage(why));
    }
    let place = Path::new(directory);
    let inside = plan.items.iter().find(|item| match &item.what {
        Leftover::Directory { path } | Leftover::PinDirectory { path } => place.starts_with(path),
        _ => false,
    });
    match inside {
        Some(item) => {
            let why = format!("--backup-dir {directory}: it goes itself: {}", item.what);
            Err(Failure::usage(why))
        }
        None => Ok(()),
    }
}

/// Shows a plan: on standard error where the result is for programs, and somebody is asked.
fn show(document: &Document<'_>, wish: &Wish, printer: &mut Printer) -> Result<(), Failure> {
    let asks = confirm::will_ask(&wish.consent);
    let Document { host, plan, consequences, .. } = document;
    let shown = if !wish.output.is_for_machines() {
        plan::print(plan, consequences, host, wish.output, printer).and_then(|()| printer.flush())
    } else if asks {
        plan::print(plan, consequences, host, wish.output, &mut anstream::stderr())
    } else if wish.consent.yes {
        Ok(())
    } else {
        document.print(wish.output, printer).and_then(|()| printer.flush())
    };
    match shown {
        // It was agreed to without being read.
        Err(_) if wish.consent.yes => Ok(()),
        shown => Ok(shown?),
    }
}

/// Saves, takes away, and looks again.
fn execute(
    confirmed: &Confirmed<&Plan>,
    host: &Host,
    wish: &Wish,
    printer: &mut Printer,
) -> Result<Proof, Failure> {
    let plan = *confirmed.get();
    // What others did while somebody read the plan is neither ours nor to be undone.
    let before = local::state(host, local::remembered(&wish.clean.scope))?;
    let keep = Keep::open(host, &wish.clean.backup_dir).map_err(not_saved)?;
    let keepsake = keep.begin(&time(), &before, plan).map_err(not_saved)?;
    if !wish.output.is_for_machines() {
        // Whoever does not read this reads nothing.
        let _ = tell_backup(&keepsake, printer);
    }
    let (steps, interrupted) = act(plan, host, wish, &keepsake)?;
    let mut proof = Proof {
        backup: keepsake.path().to_owned(),
        undo: undo(&keepsake, host),
        not_saved: keepsake.missing().to_vec(),
        steps,
        interrupted,
        left: None,
        foreign: None,
    };
    if interrupted {
        return Ok(proof);
    }
    let after = local::state(host, local::remembered(&wish.clean.scope))?;
    proof.left = Some(Inventory::of(&after));
    proof.foreign = Some(Comparison::of(&before, plan, &after));
    // Without the note the next run would take this backup for its own, which does no harm.
    let _ = keepsake.finish();
    Ok(proof)
}

fn tell_backup(keepsake: &Keepsake, printer: &mut Printer) -> io::Result<()> {
    writeln!(printer, "Backup: {}", keepsake.path())?;
    for why in keepsake.missing() {
        writeln!(printer, "  without {}", kcilium_cli::control::escape(&why.to_string()))?;
    }
    writeln!(printer)?;
    printer.flush()
}

/// Takes away step by step. A signal is obeyed between steps.
fn act(
    plan: &Plan,
    host: &Host,
    wish: &Wish,
    keepsake: &Keepsake,
) -> Result<(Vec<Step>, bool), Failure> {
    let visibility =
        if wish.output.is_for_machines() { Visibility::Never } else { Visibility::OnTerminal };
    let spinner = Spinner::start("taking away what Cilium left", visibility);
    let total = plan.items.len();
    let (mut done, mut interrupted) = (0, false);
    let outcome: Result<Vec<Step>, Refusal> = interrupt::block_on_steps(async {
        let mut signal = pin!(interrupt::signalled()?);
        // Steps do not wait for anything that would let the signal be noticed, so it is asked for.
        let mut told = |step: &Step| {
            done += 1;
            spinner.set_message(format!("{done} of {total}: {}", step.item.what));
            let mut context = Context::from_waker(Waker::noop());
            interrupted = interrupted || signal.as_mut().poll(&mut context).is_ready();
            if interrupted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        io::Result::Ok(
            clean(host.root(), plan, local::remembered(&wish.clean.scope), &mut told).await,
        )
    })??;
    spinner.finish();
    let steps = outcome.map_err(|refusal| {
        local::refused(refusal).hint(format!(
            "{done} of {total} steps were done by then; the backup is in {}",
            keepsake.path()
        ))
    })?;
    Ok((steps, interrupted))
}

/// Prints how it went, and says how the run ends.
fn conclude(document: &Document<'_>, wish: &Wish, printer: &mut Printer) -> Result<Exit, Failure> {
    let written = document.print(wish.output, printer).and_then(|()| printer.flush());
    let exit = document.exit();
    if exit == Exit::Interrupted {
        let error =
            anyhow::anyhow!("interrupted: the step in hand was finished, and no other begun");
        return Err(Failure::new(exit, error)
            .hint("run the same command again: it goes on from here, and keeps the same backup"));
    }
    match written {
        // A reader that left is no failure; that something is left is one.
        Err(error) if exit != Exit::Fine => {
            let error = anyhow::anyhow!("{error}; look again with `verify --local`");
            Err(Failure::new(exit, error))
        }
        written => {
            written?;
            Ok(exit)
        }
    }
}

/// The command that puts back what was taken away.
fn undo(keepsake: &Keepsake, host: &Host) -> String {
    let root = host.root().path();
    let root = match root.to_str() {
        Some("/") => String::new(),
        _ => format!(" --root {}", root.display()),
    };
    format!("kubectl cilium-uninstall undo {} --local{root}", keepsake.path())
}

fn not_saved(error: KeepsakeError) -> Failure {
    let failure =
        Failure::could_not_run(anyhow::Error::from(error).context("nothing was taken away"));
    failure.hint("a backup comes first; another directory for it can be named with --backup-dir")
}

/// What a backup is called: no character that a shell or `scp` would take for something else.
fn time() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H-%M-%SZ").to_string()
}
