//! What only a host's own files tell. `--local` reads it; agents' containers do not see it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Fact;

/// What a host's files and processes say about the programs that share its network with Cilium.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HostFacts {
    /// Programs with a part in the node's network that run, of those in [`HostService`].
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub services: Fact<Vec<HostService>>,
    /// What systemd-networkd is told about routes of others.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub networkd: Fact<Networkd>,
    /// What NetworkManager is told, and which devices it manages.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub network_manager: Fact<NetworkManager>,
    /// Addresses that the host has from DHCP.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub leases: Fact<Vec<DhcpLease>>,
    /// Parts of the kernel that Cilium may need.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub kernel_parts: Fact<Vec<KernelPart>>,
    /// Mounts of BPF's file system and of cgroup2, and what they stand on.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub mounts: Fact<Vec<Mount>>,
    /// Folders in which container runtimes look for CNI configuration.
    #[serde(skip_serializing_if = "Fact::is_not_collected")]
    pub runtimes: Fact<Vec<RuntimeConfig>>,
}

/// A program that has a part in a node's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostService {
    /// systemd-networkd.
    Networkd,
    /// NetworkManager.
    NetworkManager,
    /// kube-proxy as a process of its own, in a pod or not.
    KubeProxy,
    /// A distribution that runs kube-proxy within its own process (k3s, MicroK8s).
    EmbeddedProxy,
    /// containerd, that of k3s and RKE2 among them.
    Containerd,
    /// CRI-O.
    Crio,
    /// Another, of a newer version of this tool.
    #[serde(other)]
    Other,
}

/// What systemd-networkd is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Networkd {
    /// `ManageForeignRoutes`.
    pub routes: ForeignSetting,
    /// `ManageForeignRoutingPolicyRules`.
    pub rules: ForeignSetting,
}

/// Whether networkd takes away what others put there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ForeignSetting {
    /// What is said; none where nothing is, which means yes.
    pub manages: Option<bool>,
    /// File that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

impl ForeignSetting {
    /// Whether routes or rules of others are taken away.
    pub fn takes_away(&self) -> bool {
        self.manages != Some(false)
    }
}

/// NetworkManager.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkManager {
    /// Entries of `unmanaged-devices`, as written.
    pub unmanaged: Vec<String>,
    /// Index of each device that has a file of its state, and whether it is managed.
    pub devices: Vec<DeviceState>,
}

/// What NetworkManager wrote down about a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceState {
    /// Interface index.
    pub index: u32,
    /// Whether it manages it.
    pub managed: bool,
}

/// An address that a DHCP server lent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DhcpLease {
    /// The address.
    pub address: IpAddr,
    /// The server, which is asked for it again after half of its time.
    pub server: IpAddr,
    /// File that says so.
    pub file: String,
}

/// An option of the kernel's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KernelPart {
    /// Such as `CONFIG_VXLAN`.
    pub option: String,
    /// What there is of it.
    pub state: PartState,
    /// File of the kernel's configuration.
    pub file: String,
}

/// What there is of a part of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartState {
    /// In the kernel itself, or a module whose file was found or that is loaded.
    Present,
    /// A module, and whether its file is there is not known.
    Module,
    /// A module whose file is not on the host.
    ModuleMissing,
    /// Left out when the kernel was built.
    #[serde(other)]
    LeftOut,
}

/// A mount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mount {
    /// Where it is mounted.
    pub point: String,
    /// Type of the file system: `bpf`, `cgroup2`, `sysfs` …
    pub kind: String,
    /// Whether mounts below it reach other mount namespaces (`shared`).
    pub shared: bool,
}

impl Mount {
    /// Whether a path is its point, or lies below it.
    pub(crate) fn holds(&self, path: &str) -> bool {
        let rest = path.strip_prefix(self.point.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Where a container runtime looks for CNI configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeConfig {
    /// File that says so.
    pub file: String,
    /// Folder of configuration files.
    pub folder: String,
    /// Names of the files in it for CNI.
    #[serde(default)]
    pub files: Vec<String>,
}
