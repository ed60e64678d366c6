//! What a pod needs before its containers: volumes, a sandbox, and files about its network.

use std::{net::Ipv4Addr, sync::PoisonError};

use tokio::time::sleep;

use super::{
    Worker,
    backoff::Backoff,
    environment::Place,
    network_files,
    volumes::{self, Volumes},
};
use crate::{
    api::Kind,
    config::PodNetwork,
    machine::{Mount, Sandbox, SandboxSpec},
};

impl Worker {
    /// Tries until every volume is there.
    pub(super) async fn set_up_volumes(&self) -> Volumes {
        let mut volumes = Volumes::new();
        // A real kubelet tries again after 500 ms, when a container would wait for 10 s.
        let mut backoff = Backoff::new(self.kubelet.config.backoff / 20);
        loop {
            let mut complete = true;
            for volume in self.spec.volumes.iter().flatten() {
                if volumes.contains_key(&volume.name) {
                    continue;
                }
                match volumes::set_up(&self.kubelet, &self.pod, volume).await {
                    Ok(path) => {
                        volumes.insert(volume.name.clone(), path);
                    }
                    Err(error) => {
                        complete = false;
                        let name = &volume.name;
                        let text =
                            format!("MountVolume.SetUp failed for volume {name:?} : {error}");
                        self.tell(None, Kind::Warning, "FailedMount", &text);
                    }
                }
            }
            if complete {
                return volumes;
            }
            sleep(backoff.next()).await;
        }
    }

    /// Tries until there is a sandbox with its network.
    pub(super) async fn set_up_sandbox(&self, host_ip: &str) -> Place {
        let mut backoff = Backoff::new(self.kubelet.config.backoff / 10);
        loop {
            match self.make_sandbox(host_ip).await {
                Ok(place) => {
                    self.change(|state| state.outline.pod_ip.clone_from(&place.pod_ip));
                    return place;
                }
                Err(error) => {
                    let text = format!("Failed to create pod sandbox: {error:#}");
                    self.tell(None, Kind::Warning, "FailedCreatePodSandBox", &text);
                }
            }
            sleep(backoff.next()).await;
        }
    }

    async fn make_sandbox(&self, host_ip: &str) -> anyhow::Result<Place> {
        let host_network = self.spec.host_network == Some(true);
        let hostname = if host_network {
            self.kubelet.config.name.clone()
        } else {
            let own = self.spec.hostname.as_ref().filter(|name| !name.is_empty());
            // As long as a host name may be.
            own.unwrap_or(&self.name).chars().take(63).collect()
        };
        let host_ipc = self.spec.host_ipc == Some(true);
        let netns = format!("/run/netns/cni-{}", self.uid);
        let spec = SandboxSpec { hostname: hostname.clone(), host_network, host_ipc, netns };
        let machine = &self.kubelet.machine;
        let mut held = self.sandbox.lock().await;
        let sandbox = held.insert(Sandbox::start(machine, &spec).await?);
        let host_ip = host_ip.to_owned();
        if host_network {
            return Ok(Place { pod_ip: host_ip.clone(), host_ip, hostname });
        }
        let address = self.address()?;
        match self.kubelet.config.pod_network {
            PodNetwork::Isolated => sandbox.isolate(address).await?,
            PodNetwork::Veth { gateway, mtu } => {
                // Cilium names them after the endpoint; a UID serves as well.
                let digits = self.uid.chars().filter(char::is_ascii_hexdigit).take(12);
                let link = format!("lxc{}", digits.collect::<String>());
                sandbox.plug(machine, &link, address, (gateway, mtu)).await?;
            }
        }
        Ok(Place { pod_ip: address.to_string(), host_ip, hostname })
    }

    /// The pod's address, the same at every try.
    fn address(&self) -> anyhow::Result<Ipv4Addr> {
        let mut address = self.address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(address) = *address {
            return Ok(address);
        }
        let status = self.pod.status.as_ref();
        let before = status.and_then(|status| status.pod_ip.as_deref()?.parse().ok());
        Ok(*address.insert(self.kubelet.take_address(before)?))
    }

    pub(super) async fn write_network_files(&self, place: &Place) -> Vec<Mount> {
        let mut backoff = Backoff::new(self.kubelet.config.backoff);
        loop {
            match network_files::write(&self.kubelet, &self.pod, place) {
                Ok(files) => return files,
                Err(error) => {
                    let text = format!("error determining status: {error}");
                    self.tell(None, Kind::Warning, "FailedSync", &text);
                }
            }
            sleep(backoff.next()).await;
        }
    }
}
