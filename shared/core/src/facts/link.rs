//! Network interfaces and their addresses.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::LinkName;

/// A network interface, as RTM_GETLINK or `ip -d -j link` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// Interface index, unique in its namespace.
    pub index: u32,
    /// Interface name.
    pub name: LinkName,
    /// `IFLA_INFO_KIND`: `veth`, `vxlan`, `bridge` …; none for physical devices and loopback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Bridge, bond or VRF that the interface is enslaved to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master: Option<LinkName>,
    /// The other end of a veth pair, or the device a VLAN or tunnel is stacked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<Peer>,
    /// Alternative names (`ip link property`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub altnames: Vec<String>,
    /// The flags that matter for routing.
    #[serde(default)]
    pub flags: Vec<LinkFlag>,
    /// Maximum transmission unit, bytes.
    #[serde(default)]
    pub mtu: u32,
    /// Hardware address, colon-separated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hardware_address: Option<String>,
    /// UDP port that a VXLAN device listens on (`IFLA_VXLAN_PORT`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vxlan_port: Option<u16>,
}

/// What `IFLA_LINK` points at. The index alone says nothing: with `IFLA_LINK_NETNSID` it counts in
/// another namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Peer {
    /// A device of the same namespace.
    Here(LinkName),
    /// A device of another namespace.
    Elsewhere {
        /// Index of the device in that namespace.
        index: u32,
        /// Id by which this namespace knows the other one; none if it knows none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        namespace_id: Option<i32>,
    },
}

/// Interface flags that decide about routing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkFlag {
    /// Administratively up.
    Up,
    /// The carrier is there (`LOWER_UP`).
    LowerUp,
    /// A loopback device.
    Loopback,
    /// Point to point.
    PointToPoint,
    /// No ARP.
    NoArp,
    /// A flag of a newer tool.
    #[serde(other)]
    Other,
}

impl Link {
    /// Whether the interface carries the flag.
    pub fn has(&self, flag: LinkFlag) -> bool {
        self.flags.contains(&flag)
    }
}

/// An address on an interface.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// The interface.
    pub link: LinkName,
    /// The address itself (`IFA_LOCAL`).
    pub address: IpAddr,
    /// Prefix length, bits.
    pub prefix_len: u8,
    /// `global`, `link`, `host` or a number.
    #[serde(default)]
    pub scope: String,
}

impl Address {
    /// The connected network, host bits cleared.
    pub fn network(&self) -> IpNet {
        let bits = super::Family::of(self.address).bits();
        IpNet::new(self.address, self.prefix_len.min(bits))
            .unwrap_or_else(|_| IpNet::from(self.address))
            .trunc()
    }
}
