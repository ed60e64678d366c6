//! `kubectl cilium-uninstall`: takes Cilium away, and proves that it is gone.
//!
//! Nodes are read and cleaned in `kcilium-node` and judged in [`kcilium_core::leftovers`]; clusters are
//! read and changed in `kcilium-cluster`, by plans of [`kcilium_core::removal`]. Here is what a person
//! types, agrees to and reads.

mod args;
#[cfg(target_os = "linux")]
mod clean;
mod cluster;
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

use std::process::ExitCode;

use args::{Args, Command};
use kcilium_cli::{
    Exit, Failure, Printer, completion,
    version::{self, NodeAgent},
};

fn main() -> ExitCode {
    kcilium_cli::plugin::run(run)
}

fn run(args: Args, printer: &mut Printer) -> Result<Exit, Failure> {
    let Args { command, wish, kubernetes } = args;
    match command {
        None if wish.local => here::clean(&wish, printer),
        None => cluster::remove(&wish, &kubernetes, printer),
        Some(Command::Verify(wish)) if wish.local => here::verify(&wish, printer),
        Some(Command::Verify(wish)) => cluster::verify(&wish, &kubernetes, printer),
        Some(Command::Restore(wish)) => cluster::restore(&wish, &kubernetes, printer),
        Some(Command::Undo(wish)) => here::undo(&wish, printer),
        Some(Command::Completion(wish)) => completion::print(wish, "cilium-uninstall", printer),
        Some(Command::Version(wish)) => {
            let version = env!("CARGO_PKG_VERSION");
            version::print("cilium-uninstall", version, NodeAgent::Brought, wish, printer)
        }
    }
}

/// This host.
#[cfg(target_os = "linux")]
mod here {
    pub(crate) use crate::{clean::run as clean, undo::run as undo, verify::run as verify};
}

/// Nodes run Linux.
#[cfg(not(target_os = "linux"))]
mod here {
    use kcilium_cli::{Exit, Failure, Printer};

    use crate::args::{Undo, Verify, Wish};

    fn elsewhere() -> Result<Exit, Failure> {
        Err(Failure::usage("--local is for Linux hosts only").hint("run it on the node"))
    }

    pub(crate) fn clean(_: &Wish, _: &mut Printer) -> Result<Exit, Failure> {
        elsewhere()
    }

    pub(crate) fn undo(_: &Undo, _: &mut Printer) -> Result<Exit, Failure> {
        elsewhere()
    }

    pub(crate) fn verify(_: &Verify, _: &mut Printer) -> Result<Exit, Failure> {
        elsewhere()
    }
}
