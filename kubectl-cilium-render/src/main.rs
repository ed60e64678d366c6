//! `kubectl cilium-render`: Helm values for Cilium, and where each comes from.

use std::{io::Write as _, process::ExitCode};

use kcilium_cli::{Exit, Failure, Printer, catalogue};
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
        Some(Command::Version) => {
            writeln!(printer, "kubectl cilium-render {}", env!("CARGO_PKG_VERSION"))?;
            Ok(Exit::Fine)
        }
    }
}
