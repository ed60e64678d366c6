//! `kubectl cilium-render`: Helm values for Cilium, and where each comes from.

use std::process::ExitCode;

use kcilium_cli::{
    Exit, Failure, Printer, catalogue, completion,
    version::{self, NodeAgent},
};
use kcilium_core::rules::Judges;
use kubectl_cilium_render::{
    args::{Args, Command},
    render,
};

fn main() -> ExitCode {
    kcilium_cli::plugin::run(run)
}

fn run(args: Args, printer: &mut Printer) -> Result<Exit, Failure> {
    let Args { command, render, kubernetes, .. } = args;
    match command {
        None => render::run(&render, &kubernetes, printer),
        Some(Command::Rules { output }) => {
            catalogue::list("cilium-render", Some(Judges::Configuration), output, printer)
        }
        Some(Command::Explain { code, output }) => catalogue::explain(&code, output, printer),
        Some(Command::Completion(wish)) => completion::print(wish, "cilium-render", printer),
        Some(Command::Version(wish)) => {
            let version = env!("CARGO_PKG_VERSION");
            version::print("cilium-render", version, NodeAgent::Without, wish, printer)
        }
    }
}
