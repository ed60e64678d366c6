//! Whether a Cilium agent runs on the host.

use std::io::{self, ErrorKind};
use std::path::Path;

use kcilium_core::facts::{AgentProcess, Unavailable};

use super::read::{list, read_regular};
use crate::host::HostRoot;
use crate::unavailable::unavailable;

const PROC: &str = "/proc";
/// `comm`: the first 15 bytes of the program's name.
const AGENT: &str = "cilium-agent";
/// The kernel's own second process, there on every host and in no container.
const KTHREADD: (u32, &str) = (2, "kthreadd");
/// What runs on every node, and in no pod. A node of kind or minikube is a container itself, and its
/// process table has no kthreadd.
const OF_NODES: [&str; 8] =
    ["kubelet", "k3s-server", "k3s-agent", "rke2", "k0s", "containerd", "crio", "dockerd"];

/// Looks through the host's processes.
///
/// That none is an agent is said only where all were seen: in a container without the host's PID
/// namespace, or where others' processes are hidden, it stays unknown.
pub(crate) fn agent_process(root: &HostRoot) -> Result<AgentProcess, Unavailable> {
    let names = list(root, PROC).map_err(|error| unavailable(PROC, &error))?;
    let place = root.locate(PROC).map_err(|error| unavailable(PROC, &error))?;
    let mut pids: Vec<u32> = names.iter().filter_map(|name| name.parse().ok()).collect();
    pids.sort_unstable();
    let mut on_host = false;
    let mut hidden = None;
    for pid in pids {
        match comm(&place, pid) {
            Ok(comm) if comm == AGENT => match is_of_this_host(&place, pid) {
                Ok(true) => return Ok(AgentProcess::Running { pid: Some(pid) }),
                Ok(false) => {}
                Err(error) if has_gone(&error) => {}
                Err(error) => {
                    hidden = Some(unavailable(format!("{PROC}/{pid}/ns/net"), &error));
                }
            },
            Ok(comm) => {
                on_host |= (pid, &*comm) == KTHREADD || OF_NODES.contains(&&*comm);
            }
            Err(error) if has_gone(&error) => {}
            Err(error) => hidden = Some(unavailable(format!("{PROC}/{pid}/comm"), &error)),
        }
    }
    match hidden {
        Some(hidden) => Err(hidden),
        None if on_host => Ok(AgentProcess::NotRunning),
        None => Err(Unavailable::failed(
            "processes",
            "this is not the host's PID namespace: neither kthreadd nor a kubelet is in it",
        )),
    }
}

fn comm(proc: &Path, pid: u32) -> io::Result<String> {
    // 16 bytes and a newline.
    let text = read_regular(&proc.join(pid.to_string()).join("comm"), 64)?;
    Ok(text.trim_end_matches('\n').to_owned())
}

/// Whether a process has the network that is being looked at. A node of kind or minikube in a
/// container on this host has an agent too, and processes of all containers are listed.
fn is_of_this_host(proc: &Path, pid: u32) -> io::Result<bool> {
    let other = match std::fs::read_link(proc.join(pid.to_string()).join("ns/net")) {
        Ok(other) => other,
        // A copy of `/proc` keeps names, not namespaces.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    Ok(other == std::fs::read_link("/proc/thread-self/ns/net")?)
}

/// Processes end while they are looked through.
fn has_gone(error: &io::Error) -> bool {
    const ESRCH: i32 = rustix::io::Errno::SRCH.raw_os_error();
    error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(ESRCH)
}
