//! Running the doctor.

use std::fs;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use netlab::{Namespace, Node};

use crate::program;
use crate::report::Report;

/// What a run of the doctor came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Runs a command that is the doctor, or that starts it.
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::ended(for_a_pipe(command).output().unwrap())
    }

    /// Runs a command; with the most memory it had, in bytes.
    pub(crate) fn measured(command: &mut Command) -> (Self, u64) {
        let child = for_a_pipe(command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.unwrap();
        let pid = child.id();
        let peak = thread::spawn(move || peak_memory(pid));
        let run = Self::ended(child.wait_with_output().unwrap());
        (run, peak.join().unwrap())
    }

    fn ended(Output { status, stdout, stderr }: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let run = Self { code: status.code(), stdout: text(stdout), stderr: text(stderr) };
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        run
    }

    /// The report in JSON.
    pub(crate) fn report(&self) -> Report {
        Report::parse(&self.stdout, self.code)
    }
}

/// The peak only grows, so what was last read before the end is all but the last milliseconds.
fn peak_memory(pid: u32) -> u64 {
    let mut peak = 0;
    // A process that has ended has no memory to speak of.
    while let Some(kibibytes) = high_water_mark(pid) {
        peak = kibibytes * 1024;
        thread::sleep(Duration::from_millis(5));
    }
    peak
}

fn high_water_mark(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// As a program that reads the output would run it, whoever runs these tests.
fn for_a_pipe(command: &mut Command) -> &mut Command {
    for variable in ["CLICOLOR_FORCE", "FORCE_COLOR"] {
        command.env_remove(variable);
    }
    command.env("NO_COLOR", "1").env("COLUMNS", "80")
}

/// The doctor in a namespace, without arguments.
pub(crate) fn inside(namespace: &Namespace) -> Command {
    namespace.command(program::doctor().to_str().unwrap())
}

/// The doctor anywhere: reads no network.
pub(crate) fn from_snapshot(file: &str) -> Run {
    Run::of(Command::new(program::doctor()).args(["--from", file, "-o", "json"]))
}

/// `--local` on a node.
pub(crate) fn local(node: &Node, arguments: &[&str]) -> Run {
    let mut command = inside(node.namespace());
    command.arg("--local").arg("--root").arg(node.root()).args(arguments);
    Run::of(&mut command)
}

/// The report about a node.
pub(crate) fn examine(node: &Node, arguments: &[&str]) -> Report {
    local(node, &[&["-o", "json"], arguments].concat()).report()
}

/// Runs a command line that the report suggests for a node on that node.
pub(crate) fn obey(node: &Node, line: &str) {
    let output = node.namespace().command("sh").args(["-c", line]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}
