//! Running the program.

use std::{path::Path, time::Duration};

use assert_cmd::{Command, cargo::cargo_bin_cmd};
use tempfile::TempDir;

/// A folder with files, in which the program runs on no terminal, 80 columns wide.
pub(crate) struct Folder {
    directory: TempDir,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    /// What was said before the next command.
    pub(crate) stderr: String,
    /// The next command, and how Helm finds the chart.
    pub(crate) next: Option<String>,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// One with these files.
    pub(crate) fn with(files: &[(&str, &[u8])]) -> Self {
        let folder = Self::new();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The program with these arguments; it is killed when it takes too long.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = cargo_bin_cmd!("kubectl-cilium_render");
        command
            .args(arguments)
            .current_dir(self.path())
            .env_remove("CLICOLOR_FORCE")
            .env_remove("KUBECONFIG")
            .env_remove("KUBERNETES_SERVICE_HOST")
            .env("HOME", self.path())
            .env("NO_COLOR", "1")
            .env("COLUMNS", "80")
            .timeout(Duration::from_mins(1));
        command
    }

    /// Runs it without a look at a cluster, and without a judgement.
    pub(crate) fn render(&self, arguments: &[&str]) -> Run {
        finish(&mut self.command(&[&["--no-detect"], &UNJUDGED[..], arguments].concat()))
    }

    /// Runs it without a look at a cluster.
    pub(crate) fn judge(&self, arguments: &[&str]) -> Run {
        finish(&mut self.command(&[&["--no-detect"], arguments].concat()))
    }
}

/// The one rule that never has more to say than what is good to know, which is not said unless
/// asked for. What is tested with it is not about the judgement.
pub(crate) const UNJUDGED: [&str; 2] = ["--only", "VAL-06,SCHEMA"];

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let mut stderr = text(output.stderr);
    let next = stderr.find("note: `helm repo add").or_else(|| stderr.find("next: "));
    let next = next.map(|at| stderr.split_off(at));
    let run = Run { code: output.status.code(), stdout: text(output.stdout), stderr, next };
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    run
}

impl Run {
    /// What was printed, of a run without complaint.
    pub(crate) fn printed(self) -> String {
        assert_eq!((self.code, &*self.stderr), (Some(0), ""));
        // Nothing comes after it.
        let last = self.next.as_deref().and_then(|next| next.lines().last());
        assert!(last.is_none_or(|line| line.starts_with("next: ")), "{last:?}");
        self.stdout
    }

    /// What the run complained of, having printed nothing else.
    pub(crate) fn complaint(self, code: i32) -> String {
        assert_eq!((self.code, &*self.stdout), (Some(code), ""), "{}", self.stderr);
        self.stderr
    }
}
