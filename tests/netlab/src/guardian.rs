//! The clean-up that outlives the test.
//!
//! `Drop` does not run when a test process is killed. So each lab has a small shell that waits on a
//! pipe held by the test process: when the pipe closes, for whatever reason, it removes the lab.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

use crate::command::run;

const SWEEP: &str = include_str!("sweep.sh");

/// The waiting shell of one lab.
#[derive(Debug)]
pub(crate) struct Guardian {
    child: Child,
}

impl Guardian {
    /// Starts the shell that will remove all namespaces beginning with `prefix`, and `dir`.
    pub(crate) fn start(prefix: &str, dir: &Path) -> Result<Self> {
        // A session of its own, or the runner's kill of the test's process group would take the
        // guardian along. No stdout or stderr: runners wait for those to close.
        let child = Command::new("setsid")
            .args(["sh", "-c", SWEEP, "netlab-guardian", "wait", prefix])
            .arg(dir)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the lab's guardian (setsid sh)")?;
        Ok(Self { child })
    }

    /// Has the shell clean up now, and waits for it; whether it did.
    pub(crate) fn dismiss(&mut self) -> bool {
        if let Some(mut stdin) = self.child.stdin.take() {
            // If the guardian is gone nobody reads this, and the exit status says so.
            let _ = stdin.write_all(b"done\n");
        }
        self.child.wait().is_ok_and(|status| status.success())
    }
}

/// Removes all namespaces whose names begin with `prefix`, and the processes in them.
pub(crate) fn sweep(prefix: &str) -> Result<()> {
    let mut command = Command::new("sh");
    command.args(["-c", SWEEP, "netlab-sweep", "now", prefix]);
    run(command, "").map(drop)
}

/// Removes what was left by test processes that died together with their guardians.
pub(crate) fn sweep_the_dead() -> Result<()> {
    let mut list = Command::new("ip");
    list.args(["netns", "list"]);
    let pids: BTreeSet<u32> = run(list, "")?.lines().filter_map(owner).collect();
    for pid in pids {
        if !PathBuf::from(format!("/proc/{pid}")).exists() {
            sweep(&format!("kcl-{pid}-"))?;
        }
    }
    Ok(())
}

/// The process that made a namespace, out of a line of `ip netns list`.
fn owner(line: &str) -> Option<u32> {
    let (pid, _) = line.strip_prefix("kcl-")?.split_once('-')?;
    pid.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::owner;

    #[test]
    fn the_owner_is_in_the_name() {
        assert_eq!(owner("kcl-4711-1-node1 (id: 0)"), Some(4711));
        assert_eq!(owner("kcl-4711-1-node1"), Some(4711));
        assert_eq!(owner("kcl-mine"), None);
        assert_eq!(owner("kcl-mine-1-x"), None);
        assert_eq!(owner("cni-4711-1-x"), None);
    }
}
