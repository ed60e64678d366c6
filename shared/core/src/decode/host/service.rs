//! Processes of a host, by their names.

use std::collections::BTreeSet;

use crate::facts::{HostService, Unavailable};

/// What runs on every node, and in no pod. A node of kind or minikube is a container itself, and its
/// process table has no kthreadd.
const OF_NODES: [&str; 8] =
    ["kubelet", "k3s-server", "k3s-agent", "rke2", "k0s", "containerd", "crio", "dockerd"];

/// What was seen of a host's process table.
#[derive(Debug, Default)]
pub struct Table {
    services: BTreeSet<HostService>,
    shows_host: bool,
}

impl Table {
    /// Takes a process; gives whether it matters whose network it has.
    pub fn see(&mut self, pid: u32, comm: &str) -> bool {
        // The kernel's own second process, there on every host and in no container.
        self.shows_host |= (pid, comm) == (2, "kthreadd") || OF_NODES.contains(&comm);
        service(comm).is_some()
    }

    /// Counts a process that has the host's network.
    pub fn count(&mut self, comm: &str) {
        self.services.extend(service(comm));
    }

    /// Whether it is the host's own table.
    ///
    /// # Errors
    /// Where it is that of a container.
    pub fn is_of_host(&self) -> Result<(), Unavailable> {
        if self.shows_host {
            return Ok(());
        }
        Err(Unavailable::failed(
            "processes",
            "this is not the host's PID namespace: neither kthreadd nor a kubelet is in it",
        ))
    }

    /// The services that run.
    ///
    /// # Errors
    /// Where it is not the host's table: others may run.
    pub fn services(self) -> Result<Vec<HostService>, Unavailable> {
        self.is_of_host()?;
        Ok(self.services.into_iter().collect())
    }
}

fn service(comm: &str) -> Option<HostService> {
    Some(match comm {
        // `systemd-networkd`, as far as the kernel keeps it.
        "systemd-network" => HostService::Networkd,
        "NetworkManager" => HostService::NetworkManager,
        "kube-proxy" => HostService::KubeProxy,
        "k3s-server" | "k3s-agent" | "k3s" | "kubelite" => HostService::EmbeddedProxy,
        "containerd" => HostService::Containerd,
        "crio" => HostService::Crio,
        _ => return None,
    })
}
