//! Running the doctor.

use std::process::{Command, Output};

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
        let Output { status, stdout, stderr } = for_a_pipe(command).output().unwrap();
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
