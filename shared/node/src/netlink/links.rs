//! Interfaces: `RTM_GETLINK`.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use kcilium_core::facts::{Link, LinkFlag, LinkName, Peer, Unavailable};
use netlink_packet_core::{DecodeError, parse_i32, parse_u32};

use super::attributes::{attributes, push, split_header, text};
use super::dump::{Reader, Request, dump};
use super::link_names::nameless;

pub(super) const RTM_NEWLINK: u16 = 16;
pub(super) const RTM_GETLINK: u16 = 18;

const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINK: u16 = 5;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
pub(super) const IFLA_EXT_MASK: u16 = 29;
const IFLA_LINK_NETNSID: u16 = 37;
const IFLA_PROP_LIST: u16 = 52;
const IFLA_ALT_IFNAME: u16 = 53;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
/// Within the data of a VXLAN device.
const IFLA_VXLAN_PORT: u16 = 15;

/// Counters are half of each message, and nobody reads them here.
pub(super) const RTEXT_FILTER_SKIP_STATS: u32 = 1 << 3;

/// `IFF_*` and what they are called here, in the order in which they are listed.
const FLAGS: [(u32, LinkFlag); 5] = [
    (1 << 0, LinkFlag::Up),
    (1 << 16, LinkFlag::LowerUp),
    (1 << 3, LinkFlag::Loopback),
    (1 << 4, LinkFlag::PointToPoint),
    (1 << 7, LinkFlag::NoArp),
];

/// Hardware types whose address is that of the tunnel's local end: `ARPHRD_TUNNEL`, `_SIT`,
/// `_IPGRE`.
const TUNNELS_V4: [u16; 3] = [768, 776, 778];
/// The same for IPv6: `ARPHRD_TUNNEL6`, `_IP6GRE`.
const TUNNELS_V6: [u16; 2] = [769, 823];

/// All interfaces, in the kernel's order.
pub(crate) async fn links() -> Result<Vec<Link>, Unavailable> {
    let mut payload = vec![0; 16];
    push(&mut payload, IFLA_EXT_MASK, &RTEXT_FILTER_SKIP_STATS.to_ne_bytes());
    let request = Request { kind: RTM_GETLINK, item: RTM_NEWLINK, payload, watch: 0 };
    let mut reader = LinkReader(Vec::new());
    dump(&request, &mut reader)
        .await
        .map_err(|error| error.explain("network interfaces (RTM_GETLINK)"))?;
    Ok(named(reader.0))
}

struct LinkReader(Vec<Indexed>);

/// A link whose references to others are still indexes.
struct Indexed {
    link: Link,
    master: Option<u32>,
    /// `IFLA_LINK`.
    lower: Option<u32>,
    /// `IFLA_LINK_NETNSID`.
    namespace: Option<i32>,
}

impl Reader for LinkReader {
    fn restart(&mut self) {
        self.0.clear();
    }

    fn read(&mut self, message: &[u8]) -> Result<(), DecodeError> {
        self.0.push(decode(message)?);
        Ok(())
    }
}

/// `struct ifinfomsg`: family, padding, hardware type, index, flags, change mask.
fn decode(message: &[u8]) -> Result<Indexed, DecodeError> {
    let (header, rest) = split_header::<16>(message)?;
    let hardware = u16::from_ne_bytes([header[2], header[3]]);
    let index = u32::from_ne_bytes([header[4], header[5], header[6], header[7]]);
    let flags = u32::from_ne_bytes([header[8], header[9], header[10], header[11]]);
    let mut found = Indexed {
        link: Link {
            index,
            name: LinkName::from(nameless(index)),
            kind: None,
            master: None,
            peer: None,
            altnames: Vec::new(),
            flags: FLAGS
                .iter()
                .filter(|(bit, _)| flags & bit != 0)
                .map(|(_, flag)| *flag)
                .collect(),
            mtu: 0,
            hardware_address: None,
            vxlan_port: None,
        },
        master: None,
        lower: None,
        namespace: None,
    };
    for attribute in attributes(rest) {
        let attribute = attribute?;
        let value = attribute.value();
        match attribute.kind() {
            IFLA_IFNAME => found.link.name = text(value).into(),
            IFLA_MTU => found.link.mtu = parse_u32(value)?,
            IFLA_ADDRESS => found.link.hardware_address = hardware_address(hardware, value),
            IFLA_MASTER => found.master = Some(parse_u32(value)?),
            IFLA_LINK => found.lower = Some(parse_u32(value)?),
            IFLA_LINK_NETNSID => found.namespace = Some(parse_i32(value)?),
            IFLA_LINKINFO => {
                found.link.kind = nested_texts(value, IFLA_INFO_KIND)?.pop();
                if found.link.kind.as_deref() == Some("vxlan") {
                    found.link.vxlan_port = vxlan_port(value)?;
                }
            }
            IFLA_PROP_LIST => found.link.altnames = nested_texts(value, IFLA_ALT_IFNAME)?,
            _ => {}
        }
    }
    Ok(found)
}

/// The port in a VXLAN device's `IFLA_LINKINFO`, in network order.
fn vxlan_port(link_info: &[u8]) -> Result<Option<u16>, DecodeError> {
    for attribute in attributes(link_info) {
        let attribute = attribute?;
        if attribute.kind() != IFLA_INFO_DATA {
            continue;
        }
        for attribute in attributes(attribute.value()) {
            let attribute = attribute?;
            if let (IFLA_VXLAN_PORT, Ok(port)) = (attribute.kind(), attribute.value().try_into()) {
                return Ok(Some(u16::from_be_bytes(port)));
            }
        }
    }
    Ok(None)
}

fn nested_texts(value: &[u8], kind: u16) -> Result<Vec<String>, DecodeError> {
    let mut found = Vec::new();
    for attribute in attributes(value) {
        let attribute = attribute?;
        if attribute.kind() == kind {
            found.push(text(attribute.value()));
        }
    }
    Ok(found)
}

/// The address as iproute2 writes it.
fn hardware_address(hardware: u16, value: &[u8]) -> Option<String> {
    if value.is_empty() {
        return None;
    }
    if let (true, Ok(octets)) = (TUNNELS_V4.contains(&hardware), <[u8; 4]>::try_from(value)) {
        return Some(Ipv4Addr::from(octets).to_string());
    }
    if let (true, Ok(octets)) = (TUNNELS_V6.contains(&hardware), <[u8; 16]>::try_from(value)) {
        return Some(Ipv6Addr::from(octets).to_string());
    }
    Some(value.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"))
}

/// Puts names where indexes were.
fn named(links: Vec<Indexed>) -> Vec<Link> {
    let names: HashMap<u32, LinkName> =
        links.iter().map(|found| (found.link.index, found.link.name.clone())).collect();
    let name =
        |index: u32| names.get(&index).cloned().unwrap_or_else(|| LinkName::from(nameless(index)));
    let complete = |found: Indexed| Link {
        master: found.master.map(name),
        peer: peer(&found, name),
        ..found.link
    };
    links.into_iter().map(complete).collect()
}

fn peer(found: &Indexed, name: impl Fn(u32) -> LinkName) -> Option<Peer> {
    match (found.lower?, found.namespace) {
        // 0: stacked on nothing.
        (0, _) => None,
        (index, Some(id)) => {
            // -1: the other namespace has no id in this one.
            Some(Peer::Elsewhere { index, namespace_id: (id >= 0).then_some(id) })
        }
        (index, None) if index == found.link.index => None,
        (index, None) => Some(Peer::Here(name(index))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_addresses_are_written_as_iproute2_does() {
        const ETHER: u16 = 1;
        let written = |hardware, value: &[u8]| hardware_address(hardware, value);
        assert_eq!(written(ETHER, &[0x3a, 0, 1, 2, 3, 0xff]).unwrap(), "3a:00:01:02:03:ff");
        assert_eq!(written(768, &[0, 0, 0, 0]).unwrap(), "0.0.0.0");
        assert_eq!(written(769, &[0; 16]).unwrap(), "::");
        assert_eq!(written(ETHER, &[]), None);
    }

    fn message(index: u32, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0; 16];
        bytes[4..8].copy_from_slice(&index.to_ne_bytes());
        for (kind, value) in attributes {
            push(&mut bytes, *kind, value);
        }
        bytes
    }

    fn peer_of(attributes: &[(u16, &[u8])]) -> Option<Peer> {
        named(vec![decode(&message(7, attributes)).unwrap()]).remove(0).peer
    }

    #[test]
    fn the_index_of_a_peer_counts_in_the_peers_namespace() {
        let link = |index: u32| index.to_ne_bytes();
        let namespace = |id: i32| id.to_ne_bytes();
        assert_eq!(peer_of(&[(IFLA_LINK, &link(7))]), None);
        assert_eq!(peer_of(&[(IFLA_LINK, &link(0))]), None);
        assert_eq!(peer_of(&[(IFLA_LINK, &link(9))]), Some(Peer::Here("if9".into())));
        assert_eq!(
            peer_of(&[(IFLA_LINK, &link(7)), (IFLA_LINK_NETNSID, &namespace(3))]),
            Some(Peer::Elsewhere { index: 7, namespace_id: Some(3) })
        );
        assert_eq!(
            peer_of(&[(IFLA_LINK, &link(9)), (IFLA_LINK_NETNSID, &namespace(-1))]),
            Some(Peer::Elsewhere { index: 9, namespace_id: None })
        );
    }

    #[test]
    fn an_attribute_that_nobody_reads_may_have_any_length() {
        const IFLA_STATS64: u16 = 23;
        let bytes = message(1, &[(IFLA_STATS64, &[0; 9]), (IFLA_IFNAME, b"lo\0")]);
        assert_eq!(decode(&bytes).unwrap().link.name.as_str(), "lo");
    }

    #[test]
    fn a_broken_attribute_that_is_read_fails() {
        assert!(decode(&message(1, &[(IFLA_MTU, &[1])])).is_err());
    }
}
