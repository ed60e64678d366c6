//! What a process that was killed has left behind.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result};

/// Cleans up after the process that started it, if that is killed: `Drop` does not run then.
#[derive(Debug)]
pub(crate) struct Guardian {
    child: Child,
    directory: PathBuf,
}

impl Guardian {
    /// Starts the shell that waits, and then removes `directory`.
    pub(crate) fn start(directory: &Path) -> Result<Self> {
        // A session of its own, or the runner's kill of the test's process group would take the
        // guardian along. No stdout or stderr: runners wait for those to close.
        let child = Command::new("setsid")
            .args(["sh", "-c", include_str!("guardian.sh"), "kubesim-guardian"])
            .arg(directory)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start the guardian (setsid sh)")?;
        Ok(Self { child, directory: directory.to_owned() })
    }

    /// The directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Kills that process, too.
    pub(crate) fn watch(&mut self, pid: u32) -> Result<()> {
        let stdin = self.child.stdin.as_mut().context("the guardian listens")?;
        writeln!(stdin, "{pid}").context("tell the guardian")
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        if let Some(mut stdin) = self.child.stdin.take() {
            // If it is gone nobody reads this.
            let _ = stdin.write_all(b"done\n");
        }
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guardian_ends_what_nobody_else_does() {
        let directory = tempfile::tempdir().unwrap().keep();
        let mut guardian = Guardian::start(&directory).unwrap();
        let mut sleeper = Command::new("sleep").arg("1000").spawn().unwrap();
        guardian.watch(sleeper.id()).unwrap();
        // As if this process had been killed.
        drop(guardian.child.stdin.take());
        assert_eq!(sleeper.wait().unwrap().to_string(), "signal: 9 (SIGKILL)");
        guardian.child.wait().unwrap();
        assert!(!directory.exists());
    }
}
