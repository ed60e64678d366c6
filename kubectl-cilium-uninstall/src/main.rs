//! `kubectl cilium-uninstall`: is Cilium really gone from here?
//!
//! Reading is in `kcilium-node`, judging in [`kcilium_core::leftovers`]; here is what a person types
//! and reads.

mod args;
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
        Command::Verify(wish) => verify::run(&wish, printer),
        Command::Completion(wish) => completion::print(wish, "cilium-uninstall", printer),
        Command::Version(wish) => {
            let version = env!("CARGO_PKG_VERSION");
            version::print("cilium-uninstall", version, NodeAgent::Brought, wish, printer)
        }
    }
}
