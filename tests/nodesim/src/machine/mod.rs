//! The node as a machine: a small container with a root, a process table and a network of its own.
//!
//! All mounts are made in mount namespaces of the node's and its containers', and everything they
//! hold lies in memory or in the node's own directory. So nothing is left when the processes are gone,
//! and they all go with the node's first process. That one ends when the pipe on its stdin closes:
//! with this process, however it ends.

mod container;
mod exec;
mod log;
mod process;
mod sandbox;

pub(crate) use container::{Container, Exit, Mount, Propagation, Spec};
pub(crate) use exec::{ExecError, exec};
pub(crate) use log::Log;
pub(crate) use process::PATH;
pub(crate) use sandbox::{Sandbox, SandboxSpec};

use std::{
    fs, io,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal};

/// Where the images lie on the node.
const IMAGES: &str = "/run/containerd/images";

/// A running node.
#[derive(Debug)]
pub(crate) struct Machine {
    init: Pid,
    /// The parent of the node's first process, and that one's stdin.
    parent: Mutex<Option<(Child, ChildStdin)>>,
}

impl Machine {
    /// Boots a node in that network namespace, with that directory's `etc`, `var` and so on.
    ///
    /// Blocks for some tens of milliseconds.
    pub(crate) fn boot(name: &str, netns: &Path, own: &Path) -> Result<Self> {
        let mut net = std::ffi::OsString::from("--net=");
        net.push(netns);
        let mut parent = Command::new("nsenter")
            .arg(net)
            .args(["unshare", "--pid", "--mount", "--uts", "--ipc", "--cgroup", "--fork"])
            .args(["--propagation=private", "sh", "-c", include_str!("node.sh"), "init"])
            .arg(own)
            .arg(name)
            .env_clear()
            .env("PATH", PATH)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("run nsenter (util-linux)")?;
        let stdin = parent.stdin.take().context("a stdin")?;
        let mut line = String::new();
        BufReader::new(parent.stdout.take().context("a stdout")?).read_line(&mut line)?;
        if line != "ok\n" {
            let mut errors = String::new();
            parent.stderr.take().context("a stderr")?.read_to_string(&mut errors)?;
            drop(stdin);
            parent.wait()?;
            anyhow::bail!("node {name} does not boot: {}", errors.trim());
        }
        let pid = i32::try_from(parent.id())?;
        let children = process::children(Pid::from_raw(pid).context("a process")?);
        ensure!(children.len() == 1, "node {name} has {} first processes", children.len());
        Ok(Self { init: children[0], parent: Mutex::new(Some((parent, stdin))) })
    }

    /// The node's first process.
    pub(crate) fn init(&self) -> Pid {
        self.init
    }

    /// Where a file of the node is to be found from outside.
    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.init.as_raw_pid()))
    }

    /// Puts a file on the node, with its directories.
    pub(crate) fn write(&self, path: &str, content: &[u8], mode: u32) -> io::Result<()> {
        let file = self.outside(path);
        if let Some(dir) = file.parent() {
            fs::create_dir_all(dir)?;
        }
        fs::write(&file, content)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(mode))
    }

    /// Makes a directory on the node, with those above.
    pub(crate) fn make_dir(&self, path: &str, mode: u32) -> io::Result<()> {
        let dir = self.outside(path);
        fs::create_dir_all(&dir)?;
        fs::set_permissions(&dir, fs::Permissions::from_mode(mode))
    }

    /// Runs a script inside, as the node itself, and returns what it prints.
    pub(crate) async fn shell(&self, script: &str, arguments: &[&str]) -> Result<String> {
        let mut command = process::inside(self.init, process::Scope::Everything);
        command.args(["sh", "-c", script, "sh"]).args(arguments);
        let output = process::succeed(command).await?;
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Removes a directory of the node with all that is in it.
    pub(crate) fn remove_dir(&self, path: &str) {
        // What is left goes with the node's directory.
        let _ = fs::remove_dir_all(self.outside(path));
    }

    /// Makes an image of these files (path, content, mode); returns where it lies.
    pub(crate) fn image<'a>(
        &self,
        number: usize,
        files: impl Iterator<Item = (&'a str, &'a [u8], u32)>,
    ) -> io::Result<String> {
        let dir = format!("{IMAGES}/{number}");
        self.make_dir(&format!("{dir}/usr"), 0o755)?;
        for (path, content, mode) in files {
            self.write(&format!("{dir}/{}", merged(path)), content, mode)?;
        }
        Ok(dir)
    }

    /// Ends the node with everything that runs on it, and waits until it is gone.
    pub(crate) fn shutdown(&self) {
        let parent = self.parent.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((mut parent, stdin)) = parent {
            process::signal(self.init, Signal::KILL);
            drop(stdin);
            // The kernel lets a first process go only after all others of its namespace.
            let _ = parent.wait();
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// The path of an image's file where `/bin` and its like are links into `/usr`, as on this machine.
fn merged(path: &str) -> String {
    let path = path.trim_start_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    let linked = matches!(first, "bin" | "sbin" | "lib" | "lib32" | "lib64" | "libx32")
        && Path::new("/").join(first).is_symlink();
    if linked { format!("usr/{path}") } else { path.to_owned() }
}
