//! BPF programs and what they are attached to.

use serde::{Deserialize, Serialize};

use crate::facts::LinkName;

/// A loaded program, as far as it tells whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Program {
    /// The kernel's number of it.
    pub id: u32,
    /// Its name: at most 15 bytes of it.
    pub name: String,
    /// Names of the maps that it uses, 15 bytes each at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub maps: Vec<String>,
}

/// Which packets of an interface a program sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Those that come in.
    Ingress,
    /// Those that go out.
    Egress,
}

impl std::fmt::Display for Direction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        })
    }
}

/// A BPF filter of tc.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    /// The interface.
    pub link: LinkName,
    /// The hook of clsact.
    pub direction: Direction,
    /// `pref`.
    pub priority: u16,
    /// `ETH_P_*`, 3 for all.
    pub protocol: u16,
    /// Number of the filter below its priority.
    pub handle: u32,
    /// `TCA_BPF_NAME`: what the loader called it.
    pub name: String,
    /// The program, unless it could not be asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<Program>,
}

impl std::fmt::Display for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "tc filter {} on {} {}", self.name, self.link, self.direction)
    }
}

/// A program that is attached otherwise than by tc.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// What it is attached to.
    pub point: AttachmentPoint,
    /// The program.
    pub program: Program,
    /// The kernel's number of the link that holds it there; none for the older way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_id: Option<u32>,
}

impl std::fmt::Display for Attachment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BPF program {} on {}", self.program.name, self.point)
    }
}

/// Where a program hangs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum AttachmentPoint {
    /// A cgroup.
    Cgroup {
        /// Its directory.
        path: String,
        /// What the program is asked about.
        hook: CgroupHook,
    },
    /// An interface, by tcx.
    Tcx {
        /// The interface.
        link: LinkName,
        /// Which packets.
        direction: Direction,
    },
    /// A netkit device.
    Netkit {
        /// The interface.
        link: LinkName,
        /// Which of its ends.
        end: NetkitEnd,
    },
    /// An interface's driver.
    Xdp {
        /// The interface.
        link: LinkName,
    },
}

impl std::fmt::Display for AttachmentPoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cgroup { path, hook } => write!(f, "cgroup {path} ({hook})"),
            Self::Tcx { link, direction } => write!(f, "{link} (tcx {direction})"),
            Self::Netkit { link, end } => write!(f, "{link} (netkit {end})"),
            Self::Xdp { link } => write!(f, "{link} (XDP)"),
        }
    }
}

/// Ends of a netkit device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetkitEnd {
    /// In the host.
    Primary,
    /// In the pod.
    Peer,
}

impl std::fmt::Display for NetkitEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Primary => "primary",
            Self::Peer => "peer",
        })
    }
}

macro_rules! cgroup_hooks {
    ($($hook:ident $name:literal,)*) => {
        /// What a program on a cgroup is asked about (`BPF_CGROUP_*`): the hooks of Cilium's
        /// socket load balancer.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "kebab-case")]
        pub enum CgroupHook {
            $(#[doc = concat!("`BPF_CGROUP_", $name, "`.")] $hook,)*
        }

        impl CgroupHook {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$hook,)*];

            /// The kernel's name without `BPF_CGROUP_`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$hook => $name,)*
                }
            }
        }
    };
}

cgroup_hooks! {
    Inet4Bind "INET4_BIND",
    Inet6Bind "INET6_BIND",
    Inet4Connect "INET4_CONNECT",
    Inet6Connect "INET6_CONNECT",
    Inet4PostBind "INET4_POST_BIND",
    Inet6PostBind "INET6_POST_BIND",
    Udp4Sendmsg "UDP4_SENDMSG",
    Udp6Sendmsg "UDP6_SENDMSG",
    Udp4Recvmsg "UDP4_RECVMSG",
    Udp6Recvmsg "UDP6_RECVMSG",
    Inet4Getpeername "INET4_GETPEERNAME",
    Inet6Getpeername "INET6_GETPEERNAME",
    InetSockRelease "INET_SOCK_RELEASE",
}

impl std::fmt::Display for CgroupHook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name().to_lowercase())
    }
}
