//! This host, over netlink and from its files.

use ipnet::IpNet;
use kcilium_cli::{Exit, Failure, interrupt};
use kcilium_core::leftovers::{HostState, Remembered};
use kcilium_node::{Host, HostRoot, Refusal, is_root, no_agent, read_leftovers};

use crate::args::{Root, Scope};

/// The host whose files are in a folder.
pub(crate) fn host(wish: &Root) -> Result<Host, Failure> {
    if !wish.root.is_dir() {
        return Err(Failure::usage(format!("--root {}: not a folder", wish.root.display())));
    }
    Ok(Host::new(HostRoot::new(&wish.root)))
}

/// What was said of the cluster.
pub(crate) fn remembered(wish: &Scope) -> Remembered {
    Remembered {
        pod_cidrs: wish.pod_cidr.iter().map(IpNet::trunc).collect(),
        node_addresses: wish.node_address.clone(),
        pod_links: Vec::new(),
    }
}

/// Reads everything that may be a leftover.
pub(crate) fn state(host: &Host, remembered: Remembered) -> Result<HostState, Failure> {
    interrupt::block_on(read_leftovers(host.root(), remembered))
}

/// Fails for users who could see and change only a part.
pub(crate) fn as_root() -> Result<(), Failure> {
    if is_root() {
        return Ok(());
    }
    let error = anyhow::anyhow!("only root can clean a host: nothing was read or changed");
    Err(Failure::could_not_run(error).hint("run it with sudo"))
}

/// Fails while an agent lives, or may.
pub(crate) fn without_agent(host: &Host) -> Result<(), Failure> {
    no_agent(host.root()).map_err(refused)
}

/// Why nothing, or nothing more, is done.
pub(crate) fn refused(refusal: Refusal) -> Failure {
    match &refusal {
        Refusal::AgentLives { .. } => Failure::new(Exit::Findings, refusal)
            .hint("it would put everything back within seconds: uninstall Cilium first, such as with `helm uninstall cilium -n kube-system`")
            .hint("wait until its pods are gone from this node; a process that outlives them has to be ended"),
        Refusal::AgentUnknown(_) => Failure::could_not_run(refusal)
            .hint("run it where the processes of the host are seen, in a pod with `hostPID: true`"),
    }
}
