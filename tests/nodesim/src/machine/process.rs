//! Processes, as the machine's own PID namespace knows them.

use std::{
    fs::{self, File},
    io,
    os::fd::AsRawFd as _,
    path::PathBuf,
    process::{Output, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::Command,
};

/// Where programs are looked for where nobody says otherwise, as container runtimes have it.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A namespace that can be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Only the network.
    Network,
    /// All that make the inside of a container, or of a node.
    Everything,
}

/// A program to be run in the namespaces of that process: its arguments are still to be added.
pub(crate) fn inside(target: Pid, scope: Scope) -> Command {
    let mut command = Command::new("nsenter");
    command
        .arg(format!("--target={}", target.as_raw_pid()))
        .args(match scope {
            Scope::Network => &["--net"][..],
            Scope::Everything => &["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"],
        })
        .env_clear()
        .env("PATH", PATH)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a command to its end, and makes an error of its failure.
pub(crate) async fn succeed(mut command: Command) -> Result<Output> {
    let output = command.output().await.context("nsenter (util-linux)")?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let program = command.as_std();
    ensure!(output.status.success(), "{program:?}: {}: {}", output.status, stderr.trim());
    Ok(output)
}

/// The children of a process that has one thread.
pub(crate) fn children(parent: Pid) -> Vec<Pid> {
    let parent = parent.as_raw_pid();
    let list = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
    let list = list.unwrap_or_default();
    list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}

/// The processes below that one, each after its parent.
pub(crate) fn descendants(ancestor: Pid) -> Vec<Pid> {
    let mut found = children(ancestor);
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        found.extend(children(*pid));
        next += 1;
    }
    found
}

/// A mount namespace that is held open: otherwise the next one may get its name when its processes
/// are gone.
#[derive(Debug)]
pub(crate) struct Mounts {
    name: PathBuf,
    _held: File,
}

impl Mounts {
    /// That of a process.
    pub(crate) fn of(pid: Pid) -> Option<Self> {
        let held = File::open(format!("/proc/{}/ns/mnt", pid.as_raw_pid())).ok()?;
        let name = fs::read_link(format!("/proc/self/fd/{}", held.as_raw_fd())).ok()?;
        Some(Self { name, _held: held })
    }
}

/// The processes with that root: those of one container.
pub(crate) fn with_mounts(namespace: &Mounts) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
        .filter(|pid| mounts(*pid).as_ref() == Some(&namespace.name))
        .collect()
}

/// The name of a process's mount namespace.
fn mounts(pid: Pid) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{}/ns/mnt", pid.as_raw_pid())).ok()
}

/// Sends a signal; a process that is gone already does not mind.
pub(crate) fn signal(pid: Pid, signal: Signal) {
    let _ = kill_process(pid, signal);
}

/// Reads up to the first line's end and not a byte more: what follows is for somebody else.
pub(crate) async fn first_line(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte).await? == 1 && byte != *b"\n" {
        line.extend(byte);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}
