//! `kubectl cilium-uninstall`: takes Cilium away, and says whether it is really gone.
//!
//! Nodes are read in `kcilium-node` and judged in [`kcilium_core::leftovers`]; clusters are read and
//! changed in `kcilium-cluster`, by plans of [`kcilium_core::removal`]. Here is what a person types and
//! reads.

mod args;
mod cluster;
mod local;
mod report;
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
    match args.command {
        None => cluster::remove(&args.removal, &args.kubernetes, printer),
        Some(Command::Verify(wish)) if wish.local => verify::run(&wish, printer),
        Some(Command::Verify(wish)) => {
            cluster::verify(&wish.target, wish.output, &args.kubernetes, printer)
        }
        Some(Command::Restore(wish)) => cluster::restore(&wish, &args.kubernetes, printer),
        Some(Command::Completion(wish)) => completion::print(wish, "cilium-uninstall", printer),
        Some(Command::Version(wish)) => {
            let version = env!("CARGO_PKG_VERSION");
            version::print("cilium-uninstall", version, NodeAgent::Brought, wish, printer)
        }
    }
}
