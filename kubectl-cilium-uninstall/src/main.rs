//! `kubectl cilium-uninstall`: takes away what Cilium left on a node, and proves that it is gone.
//!
//! Reading and acting are in `kcilium-node`, judging in [`kcilium_core::leftovers`]; here is what a
//! person types, agrees to and reads.

mod args;
#[cfg(target_os = "linux")]
mod clean;
#[cfg(target_os = "linux")]
mod confirm;
#[cfg(target_os = "linux")]
mod consequence;
#[cfg(target_os = "linux")]
mod local;
#[cfg(target_os = "linux")]
mod plan;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod undo;
#[cfg(target_os = "linux")]
mod verdict;
#[cfg(target_os = "linux")]
mod verify;

use std::{io::Write as _, process::ExitCode};

use args::{Args, Clean, Command};
use kcilium_cli::{Exit, Failure, Printer};

fn main() -> ExitCode {
    kcilium_cli::plugin::run(run)
}

fn run(args: Args, printer: &mut Printer) -> Result<Exit, Failure> {
    let Args { command, clean } = args;
    if let Some(Command::Version) = command {
        writeln!(printer, "kubectl cilium-uninstall {}", env!("CARGO_PKG_VERSION"))?;
        return Ok(Exit::Fine);
    }
    on_this_host(command.as_ref(), &clean, printer)
}

#[cfg(target_os = "linux")]
fn on_this_host(
    command: Option<&Command>,
    clean: &Clean,
    printer: &mut Printer,
) -> Result<Exit, Failure> {
    match command {
        None => clean::run(clean, printer),
        Some(Command::Verify(wish)) => verify::run(wish, printer),
        Some(Command::Undo(wish)) => undo::run(wish, printer),
        Some(Command::Version) => Ok(Exit::Fine),
    }
}

#[cfg(not(target_os = "linux"))]
fn on_this_host(_: Option<&Command>, _: &Clean, _: &mut Printer) -> Result<Exit, Failure> {
    Err(Failure::usage("--local is for Linux hosts only").hint("run it on the node"))
}
