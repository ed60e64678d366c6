//! The parts that all messages of `NETLINK_ROUTE` are made of.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use kcilium_core::facts::Family;
use netlink_packet_core::{DecodeError, NlasIterator};

/// The attributes of a message, or those nested in an attribute.
pub(super) fn attributes(bytes: &[u8]) -> NlasIterator<&[u8]> {
    NlasIterator::new(bytes)
}

/// Cuts a message's fixed header off its attributes.
pub(super) fn split_header<const LENGTH: usize>(
    message: &[u8],
) -> Result<(&[u8; LENGTH], &[u8]), DecodeError> {
    message
        .split_first_chunk()
        .ok_or_else(|| format!("{} bytes where {LENGTH} belong", message.len()).into())
}

/// A name: up to the first NUL. The kernel does not promise UTF-8.
pub(super) fn text(value: &[u8]) -> String {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    String::from_utf8_lossy(&value[..end]).into_owned()
}

/// An address of either family, told by its length.
pub(super) fn address(value: &[u8]) -> Result<IpAddr, DecodeError> {
    netlink_packet_core::parse_ip(value)
}

/// `struct rtvia`: an address behind its family.
pub(super) fn via(value: &[u8]) -> Result<IpAddr, DecodeError> {
    let (_family, rest) = split_header::<2>(value)?;
    address(rest)
}

/// A prefix; the kernel leaves the address out where the length is 0.
pub(super) fn prefix(
    family: Family,
    address: Option<IpAddr>,
    length: u8,
) -> Result<IpNet, DecodeError> {
    let address = address.unwrap_or(match family {
        Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
        Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
    });
    IpNet::new(address, length).map_err(|_| format!("a prefix of {length} bits").into())
}

/// Appends an attribute to a request.
pub(super) fn push(request: &mut Vec<u8>, kind: u16, value: &[u8]) {
    const HEADER: usize = 4;
    let length = u16::try_from(HEADER + value.len()).unwrap_or(u16::MAX);
    request.extend_from_slice(&length.to_ne_bytes());
    request.extend_from_slice(&kind.to_ne_bytes());
    request.extend_from_slice(value);
    request.resize(request.len().next_multiple_of(HEADER), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pushed_attribute_reads_back() {
        let mut bytes = Vec::new();
        push(&mut bytes, 1, &[10, 0, 0, 1]);
        push(&mut bytes, 3, b"eth0\0");
        assert_eq!(bytes.len() % 4, 0);
        let read: Vec<_> = attributes(&bytes)
            .map(|attribute| attribute.map(|found| (found.kind(), found.value().to_vec())).unwrap())
            .collect();
        assert_eq!(read, [(1, vec![10, 0, 0, 1]), (3, b"eth0\0".to_vec())]);
    }

    #[test]
    fn names_end_at_the_first_nul() {
        assert_eq!(text(b"eth0\0\0\0"), "eth0");
        assert_eq!(text(b"eth0"), "eth0");
        assert_eq!(text(b""), "");
        assert_eq!(text(b"\xff0"), "\u{fffd}0");
    }

    #[test]
    fn short_messages_are_errors() {
        assert!(split_header::<12>(&[0; 11]).is_err());
        assert!(address(&[1, 2, 3]).is_err());
        assert!(via(&[2]).is_err());
        assert!(prefix(Family::V4, None, 33).is_err());
    }
}
