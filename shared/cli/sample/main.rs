//! The smallest plugin: what the tests run as a process of its own.

mod stage;

use std::{
    future, io,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use kcilium_cli::{
    Exit, Failure, Printer, Style, interrupt, plugin,
    snapshot_file::{self, Overwrite},
};
use kcilium_core::facts::{Facts, NodeFacts};

/// Does what the tests ask for
#[derive(clap::Parser)]
#[command(version)]
struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Prints lines
    Print { lines: usize },
    /// Finds something
    Find,
    /// Prints a line and fails
    Fail,
    /// Reads a snapshot; prints the peak of memory, then the number of nodes
    Read { path: PathBuf },
    /// Writes a snapshot
    Write {
        path: PathBuf,
        #[arg(long)]
        replace: bool,
        #[arg(long, default_value_t = 1)]
        nodes: usize,
    },
    /// Waits to be interrupted
    Wait {
        /// Then cleans up for ever
        #[arg(long)]
        stubborn: bool,
    },
    /// Puts a program on nodes
    Stage(Box<stage::Stage>),
}

fn main() -> ExitCode {
    plugin::run(run)
}

fn run(args: Args, printer: &mut Printer) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Print { lines } => {
            for line in 0..lines {
                writeln!(printer, "line {}", Style::Code.paint(line))?;
            }
        }
        Verb::Find => return Ok(Exit::Findings),
        Verb::Fail => {
            writeln!(printer, "so far, so good")?;
            return Err(Failure::usage("nothing was given").hint("give something"));
        }
        Verb::Read { path } => {
            let facts = snapshot_file::read(&path);
            writeln!(printer, "peak {} KiB", peak_of_memory()?)?;
            writeln!(printer, "{} nodes", facts?.nodes.len())?;
        }
        Verb::Write { path, replace, nodes } => write(&path, replace, nodes)?,
        Verb::Wait { stubborn } => wait(stubborn, printer)?,
        Verb::Stage(wanted) => return stage::run(&wanted, printer),
    }
    Ok(Exit::Fine)
}

fn write(path: &Path, replace: bool, nodes: usize) -> Result<(), Failure> {
    let nodes = (0..nodes).map(|number| NodeFacts::named(format!("worker-{number}"))).collect();
    let overwrite = if replace { Overwrite::Replace } else { Overwrite::Refuse };
    Ok(snapshot_file::write(path, &Facts { nodes, ..Facts::default() }, overwrite)?)
}

fn wait(stubborn: bool, printer: &mut Printer) -> Result<(), Failure> {
    let outcome = interrupt::block_on(async {
        say(printer, "waiting")?;
        future::pending::<()>().await;
        Ok::<_, io::Error>(())
    });
    if stubborn {
        say(printer, "cleaning up")?;
        loop {
            std::thread::park();
        }
    }
    Ok(outcome??)
}

fn say(printer: &mut Printer, text: &str) -> io::Result<()> {
    writeln!(printer, "{text}")?;
    printer.flush()
}

/// Peak of resident memory, in KiB.
fn peak_of_memory() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| io::Error::other("no VmHWM"))
}
