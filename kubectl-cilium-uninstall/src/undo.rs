//! `undo`: what was saved comes back where it is lacking.

use std::{
    io::{self, Write},
    ops::ControlFlow,
    pin::pin,
    task::{Context, Waker},
};

use kcilium_cli::{Exit, Failure, Printer, control, format, interrupt};
use kcilium_core::leftovers::Leftover;
use kcilium_node::{
    Host,
    keepsake::{Keepsake, KeepsakeError, Return, Returning, Undoing, undo},
};
use serde::Serialize;

use crate::{
    args::{Format, Undo},
    confirm::{self, Confirmed},
    consequence::counted,
    local,
};

/// The document for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    backup: &'a str,
    things: &'a [Returning],
}

/// Puts back what a backup has, as far as somebody agrees to it.
pub(crate) fn run(wish: &Undo, printer: &mut Printer) -> Result<Exit, Failure> {
    let host = local::host(&wish.root)?;
    local::as_root()?;
    local::without_agent(&host)?;
    let keepsake = Keepsake::open(&host, &wish.backup).map_err(no_backup)?;
    let mut on = |_: &Leftover| ControlFlow::Continue(());
    let planned = interrupt::block_on(undo(host.root(), &keepsake, Undoing::Look, &mut on))?
        .map_err(local::refused)?;
    let lacking = count(&planned, |outcome| matches!(outcome, Return::Lacking));
    if lacking == 0 {
        show(&keepsake, &planned, wish.output, printer)?;
        return Ok(exit(&planned));
    }
    let asks = confirm::will_ask(&wish.consent);
    if asks && wish.output.is_for_machines() {
        text(&planned, wish.output, &mut anstream::stderr())?;
    } else if !wish.consent.yes {
        show(&keepsake, &planned, wish.output, printer)?;
        printer.flush()?;
    }
    let name = host.node_name().to_string();
    let Some(confirmed) = confirm::ask(&keepsake, &name, &wish.consent)? else {
        return Ok(Exit::Fine);
    };
    let (things, interrupted) = act(&confirmed, &host)?;
    show(&keepsake, &things, wish.output, printer)?;
    if interrupted {
        let error =
            anyhow::anyhow!("interrupted: the step in hand was finished, and no other begun");
        return Err(Failure::new(Exit::Interrupted, error)
            .hint("run the same command again: it goes on from here"));
    }
    Ok(exit(&things))
}

fn act(confirmed: &Confirmed<&Keepsake>, host: &Host) -> Result<(Vec<Returning>, bool), Failure> {
    let mut interrupted = false;
    let outcome = interrupt::block_on_steps(async {
        let mut signal = pin!(interrupt::signalled()?);
        let mut on = |_: &Leftover| {
            let mut context = Context::from_waker(Waker::noop());
            interrupted = interrupted || signal.as_mut().poll(&mut context).is_ready();
            if interrupted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        io::Result::Ok(undo(host.root(), confirmed.get(), Undoing::Act, &mut on).await)
    })??;
    Ok((outcome.map_err(local::refused)?, interrupted))
}

fn no_backup(error: KeepsakeError) -> Failure {
    Failure::could_not_run(error).hint("give the directory that the clean named after `Backup:`")
}

/// What could not be put back and should have been is left over.
fn exit(things: &[Returning]) -> Exit {
    let failed = |outcome: &Return| matches!(outcome, Return::Failed { .. } | Return::Lacking);
    if count(things, failed) > 0 { Exit::Findings } else { Exit::Fine }
}

fn count(things: &[Returning], is_it: impl Fn(&Return) -> bool) -> usize {
    things.iter().filter(|thing| is_it(&thing.outcome)).count()
}

fn show(
    keepsake: &Keepsake,
    things: &[Returning],
    output: Format,
    out: &mut impl Write,
) -> io::Result<()> {
    let document = Document { backup: keepsake.path(), things };
    match output {
        Format::Json => format::write_json(out, &document),
        Format::Yaml => format::write_yaml(out, &document),
        Format::Text | Format::Wide => text(things, output, out),
    }
}

/// Things with the same outcome stand together, in the order in which they are acted on.
fn text(things: &[Returning], output: Format, out: &mut impl Write) -> io::Result<()> {
    let mut rest: Vec<&Returning> = things.iter().collect();
    while let Some(first) = rest.first() {
        let outcome = first.outcome.to_string();
        let (same, others): (Vec<&Returning>, Vec<&Returning>) =
            rest.iter().copied().partition(|thing| thing.outcome.to_string() == outcome);
        writeln!(out, "{} {}:", counted(same.len(), "thing"), control::escape(&outcome))?;
        for thing in same.iter().take(output.named()) {
            writeln!(out, "  {}", control::escape(&thing.what.to_string()))?;
        }
        if let more @ 1.. = same.len().saturating_sub(output.named()) {
            writeln!(out, "  … and {more} more (-o wide names them)")?;
        }
        writeln!(out)?;
        rest = others;
    }
    let lacking = count(things, |outcome| matches!(outcome, Return::Lacking));
    match (lacking, exit(things)) {
        (0, Exit::Fine) => writeln!(out, "Everything that can be put back is there."),
        (0, _) => writeln!(out, "Not everything could be put back."),
        (1, _) => writeln!(out, "1 thing is lacking."),
        (lacking, _) => writeln!(out, "{lacking} things are lacking."),
    }
}
