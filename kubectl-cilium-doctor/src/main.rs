//! `kubectl cilium-doctor`: finds out why the network of a cluster with Cilium is broken.
//!
//! Source → [facts](kcilium_core::facts) → [diagnosis](kcilium_core::diagnosis) → report. The
//! judging is all in `kcilium-core`; here is what a person types and reads.

mod args;
mod auth;
mod examine;
mod explain_log;
mod live;
mod local;
mod probe;
mod report;
mod snapshot;
mod source;
mod watch;

use std::process::ExitCode;

use args::{Args, Command};
use kcilium_cli::{
    Exit, Failure, Printer, catalogue, completion,
    version::{self, NodeAgent},
};

fn main() -> ExitCode {
    kcilium_cli::plugin::run(run)
}

fn run(args: Args, printer: &mut Printer) -> Result<Exit, Failure> {
    match args.command {
        None => examine::run(&args.examine, &args.kubernetes, printer),
        Some(Command::Snapshot(wish)) => snapshot::run(&wish, &args.kubernetes),
        Some(Command::Auth { live, output }) => auth::run(&live, &args.kubernetes, output, printer),
        Some(Command::Rules { output }) => catalogue::list("cilium-doctor", None, output, printer),
        Some(Command::Explain { code, output }) => catalogue::explain(&code, output, printer),
        Some(Command::ExplainLog { file, output }) => explain_log::run(&file, output, printer),
        Some(Command::Completion(wish)) => completion::print(wish, "cilium-doctor", printer),
        Some(Command::Version(wish)) => {
            let version = env!("CARGO_PKG_VERSION");
            version::print("cilium-doctor", version, NodeAgent::Brought, wish, printer)
        }
    }
}
