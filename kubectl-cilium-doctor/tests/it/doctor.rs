//! Running the doctor.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin_cmd;

/// Snapshots that come with the project.
pub(crate) const CLASH: &str = "examples/homelab-clash.json";
pub(crate) const HEALTHY: &str = "examples/homelab-healthy.json";
pub(crate) const NO_MASQUERADE: &str = "examples/homelab-no-masquerade.json";
pub(crate) const EXAMPLES: [&str; 3] = [CLASH, HEALTHY, NO_MASQUERADE];

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The doctor with these arguments, in the root of the workspace and on no terminal, 80 columns
/// wide. It is killed when it takes too long.
pub(crate) fn doctor(arguments: &[&str]) -> Command {
    let mut command = cargo_bin_cmd!("kubectl-cilium_doctor");
    command
        .args(arguments)
        .current_dir(workspace())
        .env_remove("CLICOLOR_FORCE")
        // Never the cluster of whoever runs the tests.
        .env("KUBECONFIG", "no-kubeconfig")
        .env_remove("KUBERNETES_SERVICE_HOST")
        .env("NO_COLOR", "1")
        .env("COLUMNS", "80")
        .timeout(Duration::from_mins(1));
    command
}

/// Runs the doctor to its end.
pub(crate) fn run(arguments: &[&str]) -> Run {
    finish(&mut doctor(arguments))
}

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> Run {
    Run::of(command.output().unwrap())
}

impl Run {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let run = Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        run
    }

    /// What was printed, of a run that ended so and had no complaint.
    pub(crate) fn printed(self, code: i32) -> String {
        assert_eq!((self.code, &*self.stderr), (Some(code), ""));
        self.stdout
    }

    /// What the run complained of, having printed nothing else.
    pub(crate) fn complaint(self, code: i32) -> String {
        assert_eq!((self.code, &*self.stdout), (Some(code), ""), "{}", self.stderr);
        self.stderr
    }
}

/// The root of the workspace, where README's commands work.
pub(crate) fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
