//! Names that must not be mixed up.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<T: Into<String>> From<T> for $name {
            fn from(text: T) -> Self {
                Self(text.into().into())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name! {
    /// Name of a Kubernetes node.
    NodeName
}

impl NodeName {
    /// The name, in memory that other names share.
    pub(super) fn shared(text: Arc<str>) -> Self {
        Self(text)
    }
}

name! {
    /// Name of a network interface. At most 15 bytes on Linux; unique within a network namespace.
    LinkName
}

/// Devices of other CNI plugins, by the names they are known for.
const OTHER_CNI: [&str; 9] = [
    "flannel.1",
    "flannel-v6.1",
    "cni0",
    "tunl0",
    "vxlan.calico",
    "vxlan-v6.calico",
    "kube-ipvs0",
    "kube-bridge",
    "weave",
];

impl LinkName {
    /// Whether the name is one that Cilium gives to the devices that carry node-wide traffic.
    pub fn is_cilium_device(&self) -> bool {
        self.0.starts_with("cilium_")
    }

    /// Whether the name has the form of a pod's host-side device: `lxc` and 12 hex digits of the
    /// container's hash, or `lxc_health`. `lxcbr0` and `lxdbr0` are LXC's bridges, not Cilium's.
    pub fn is_endpoint_device(&self) -> bool {
        self.0.strip_prefix("lxc").is_some_and(|rest| {
            rest == "_health" || (rest.len() == 12 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
        })
    }

    /// Whether traffic that leaves by this device is handed to Cilium: its own devices, or a pod's.
    pub fn leads_into_cilium(&self) -> bool {
        self.is_cilium_device() || self.is_endpoint_device()
    }

    /// Whether the device belongs to another CNI plugin or to kube-proxy's IPVS mode.
    pub fn is_other_cni(&self) -> bool {
        OTHER_CNI.contains(&self.as_str()) || self.0.starts_with("cali")
    }
}
