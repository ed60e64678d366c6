//! Programs that run in the background, and end when their time has come.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::guardian::Guardian;

/// How much of a log is shown with an error, in lines.
const TAIL: usize = 20;

/// A program in the background. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Daemon {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts the program; its log lies in the guardian's directory.
    pub(super) fn start(
        name: &'static str,
        program: &Path,
        arguments: &[String],
        guardian: &mut Guardian,
    ) -> Result<Self> {
        let log = guardian.directory().join(format!("{name}.log"));
        let output = File::create(&log)?;
        let child = Command::new(program)
            .args(arguments)
            .current_dir(guardian.directory())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        let daemon = Self { name, child, log };
        guardian.watch(daemon.child.id())?;
        Ok(daemon)
    }

    /// What it is.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Fails if it has ended.
    pub(super) fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("{} ended with {status}{}", self.name, self.log());
        }
        Ok(())
    }

    /// The end of its log, to be put after a message.
    pub(super) fn log(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(TAIL)..];
        format!("; the last lines of its log:\n{}", tail.join("\n"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Its data goes with it, so there is nothing to finish.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, guardian: &mut Guardian) -> Daemon {
        let arguments = ["-c", script].map(str::to_owned);
        Daemon::start("sh", Path::new("/bin/sh"), &arguments, guardian).unwrap()
    }

    #[test]
    fn what_ends_early_shows_its_log() {
        let directory = tempfile::tempdir().unwrap();
        let mut guardian = Guardian::start(directory.path()).unwrap();
        let mut daemon = shell("echo it is broken; exit 3", &mut guardian);
        daemon.child.wait().unwrap();
        assert_eq!(
            daemon.check().unwrap_err().to_string(),
            "sh ended with exit status: 3; the last lines of its log:\nit is broken"
        );
    }
}
