//! What runs on the host: a Cilium agent, and services with a part in its network.

use std::io::{self, ErrorKind};
use std::path::Path;

use kcilium_core::decode::host::ProcessTable;
use kcilium_core::facts::{AgentProcess, HostService, Unavailable};

use super::read::{list, read_regular};
use crate::host::HostRoot;
use crate::unavailable::unavailable;

const PROC: &str = "/proc";
/// `comm`: the first 15 bytes of the program's name.
const AGENT: &str = "cilium-agent";

/// What was seen of the host's processes.
struct Seen {
    agent: Option<u32>,
    table: ProcessTable,
    /// Why some process could not be looked at.
    hidden: Option<Unavailable>,
}

/// Looks for an agent among the host's processes.
///
/// That none is an agent is said only where all were seen: in a container without the host's PID
/// namespace, or where others' processes are hidden, it stays unknown.
pub(crate) fn agent_process(root: &HostRoot) -> Result<AgentProcess, Unavailable> {
    let Seen { agent, table, hidden } = look_through(root)?;
    match (agent, hidden) {
        (Some(pid), _) => Ok(AgentProcess::Running { pid: Some(pid) }),
        (None, Some(hidden)) => Err(hidden),
        (None, None) => table.is_of_host().map(|()| AgentProcess::NotRunning),
    }
}

/// The services that run on the host, where all of its processes were seen.
pub(crate) fn services(root: &HostRoot) -> Result<Vec<HostService>, Unavailable> {
    let Seen { table, hidden, .. } = look_through(root)?;
    match hidden {
        Some(hidden) => Err(hidden),
        None => table.services(),
    }
}

fn look_through(root: &HostRoot) -> Result<Seen, Unavailable> {
    let names = list(root, PROC).map_err(|error| unavailable(PROC, &error))?;
    let place = root.locate(PROC).map_err(|error| unavailable(PROC, &error))?;
    let mut pids: Vec<u32> = names.iter().filter_map(|name| name.parse().ok()).collect();
    pids.sort_unstable();
    let mut seen = Seen { agent: None, table: ProcessTable::default(), hidden: None };
    for pid in pids {
        let comm = match comm(&place, pid) {
            Ok(comm) => comm,
            Err(error) if has_gone(&error) => continue,
            Err(error) => {
                seen.hidden = Some(unavailable(format!("{PROC}/{pid}/comm"), &error));
                continue;
            }
        };
        let is_agent = comm == AGENT && seen.agent.is_none();
        if !(seen.table.see(pid, &comm) || is_agent) {
            continue;
        }
        match is_of_this_host(&place, pid) {
            Ok(true) if is_agent => seen.agent = Some(pid),
            Ok(true) => seen.table.count(&comm),
            Ok(false) => {}
            Err(error) if has_gone(&error) => {}
            Err(error) => {
                seen.hidden = Some(unavailable(format!("{PROC}/{pid}/ns/net"), &error));
            }
        }
    }
    Ok(seen)
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
