//! IPsec: `XFRM_MSG_GETSA`, `XFRM_MSG_GETPOLICY`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use kcilium_core::facts::{FwMark, Unavailable};
use kcilium_core::leftovers::{
    Transform, TransformDirection, TransformPolicy, TransformState, TransformTemplate,
};
use netlink_packet_core::{DecodeError, parse_u32};
use rustix::net::netlink;

use super::attributes::{attributes, split_header};
use super::dump::{Reader, Request, dump_of};

const XFRM_MSG_NEWSA: u16 = 0x10;
const XFRM_MSG_GETSA: u16 = 0x12;
const XFRM_MSG_NEWPOLICY: u16 = 0x13;
const XFRM_MSG_GETPOLICY: u16 = 0x15;

const XFRMA_TMPL: u16 = 5;
pub(super) const XFRMA_MARK: u16 = 21;
pub(super) const XFRMA_IF_ID: u16 = 31;

const XFRM_POLICY_BLOCK: u8 = 1;

/// States and policies of this network namespace, without keys; none where the kernel has no IPsec.
pub(crate) async fn transforms() -> Result<Vec<Transform>, Unavailable> {
    let mut found = Vec::new();
    for (kind, item, decode) in [
        (XFRM_MSG_GETSA, XFRM_MSG_NEWSA, state as fn(&[u8]) -> _),
        (XFRM_MSG_GETPOLICY, XFRM_MSG_NEWPOLICY, policy),
    ] {
        let request = Request { kind, item, payload: Vec::new(), watch: 0 };
        let mut reader = TransformReader { decode, found: Vec::new() };
        match dump_of(Some(netlink::XFRM), &request, &mut reader).await {
            Ok(()) => found.append(&mut reader.found),
            Err(error) if error.is_unsupported() => {}
            Err(error) => return Err(error.explain("IPsec (NETLINK_XFRM)")),
        }
    }
    Ok(found)
}

struct TransformReader {
    decode: fn(&[u8]) -> Result<Option<Transform>, DecodeError>,
    found: Vec<Transform>,
}

impl Reader for TransformReader {
    fn restart(&mut self) {
        self.found.clear();
    }

    fn read(&mut self, message: &[u8]) -> Result<(), DecodeError> {
        self.found.extend((self.decode)(message)?);
        Ok(())
    }
}

/// `struct xfrm_usersa_info`: selector, id (destination, SPI, protocol), source, lifetimes,
/// statistics, sequence, request id, family, mode, and flags.
fn state(message: &[u8]) -> Result<Option<Transform>, DecodeError> {
    const DESTINATION: usize = 56;
    const SPI: usize = 72;
    const PROTOCOL: usize = 76;
    const SOURCE: usize = 80;
    const REQUEST_ID: usize = 208;
    const FAMILY: usize = 212;
    const MODE: usize = 214;

    let (header, rest) = split_header::<224>(message)?;
    let Some(family) = Family::of(u16::from_ne_bytes([header[FAMILY], header[FAMILY + 1]])) else {
        return Ok(None);
    };
    Ok(Some(Transform::State(TransformState {
        source: family.address(header, SOURCE),
        destination: family.address(header, DESTINATION),
        protocol: header[PROTOCOL],
        spi: u32::from_be(number(header, SPI)),
        mode: header[MODE],
        request_id: number(header, REQUEST_ID),
        mark: Attributes::of(rest)?.mark,
    })))
}

/// `struct xfrm_userpolicy_info`: selector, lifetimes, priority, index, direction, action, flags.
fn policy(message: &[u8]) -> Result<Option<Transform>, DecodeError> {
    const SOURCE: usize = 16;
    const FAMILY: usize = 40;
    const DESTINATION_LENGTH: usize = 42;
    const SOURCE_LENGTH: usize = 43;
    const PRIORITY: usize = 152;
    const INDEX: usize = 156;
    const DIRECTION: usize = 160;
    const ACTION: usize = 161;

    let (header, rest) = split_header::<168>(message)?;
    let family = Family::of(u16::from_ne_bytes([header[FAMILY], header[FAMILY + 1]]));
    let direction = match header[DIRECTION] {
        0 => TransformDirection::In,
        1 => TransformDirection::Out,
        2 => TransformDirection::Forward,
        // Policies of single sockets.
        _ => return Ok(None),
    };
    let Some(family) = family else {
        return Ok(None);
    };
    let attributes = Attributes::of(rest)?;
    Ok(Some(Transform::Policy(TransformPolicy {
        index: number(header, INDEX),
        direction,
        source: family.prefix(header, SOURCE, header[SOURCE_LENGTH])?,
        destination: family.prefix(header, 0, header[DESTINATION_LENGTH])?,
        priority: number(header, PRIORITY),
        blocks: header[ACTION] == XFRM_POLICY_BLOCK,
        mark: attributes.mark,
        interface_id: attributes.interface_id,
        templates: attributes.templates,
    })))
}

#[derive(Default)]
struct Attributes {
    mark: Option<FwMark>,
    interface_id: Option<u32>,
    templates: Vec<TransformTemplate>,
}

impl Attributes {
    fn of(rest: &[u8]) -> Result<Self, DecodeError> {
        let mut found = Self::default();
        for attribute in attributes(rest) {
            let attribute = attribute?;
            let value = attribute.value();
            match attribute.kind() {
                XFRMA_MARK => {
                    let (bits, mask) = split_header::<4>(value)?;
                    let value = u32::from_ne_bytes(*bits);
                    found.mark = Some(FwMark { value, mask: parse_u32(mask)? });
                }
                XFRMA_IF_ID => found.interface_id = Some(parse_u32(value)?),
                XFRMA_TMPL => found.templates = templates(value),
                _ => {}
            }
        }
        Ok(found)
    }
}

/// `struct xfrm_user_tmpl`, one after the other: id (destination, SPI, protocol), family, source,
/// request id, mode, and what algorithms are allowed.
fn templates(value: &[u8]) -> Vec<TransformTemplate> {
    const FAMILY: usize = 24;
    const REQUEST_ID: usize = 44;

    let (all, _) = value.as_chunks::<64>();
    let template = |one: &[u8; 64]| {
        let family = Family::of(u16::from_ne_bytes([one[FAMILY], one[FAMILY + 1]]))?;
        let request_id = number(one, REQUEST_ID);
        Some(TransformTemplate { destination: family.address(one, 0), request_id })
    };
    all.iter().filter_map(template).collect()
}

/// `AF_INET` or `AF_INET6`; the fields for addresses have room for either.
#[derive(Clone, Copy)]
enum Family {
    V4,
    V6,
}

impl Family {
    fn of(number: u16) -> Option<Self> {
        match number {
            2 => Some(Self::V4),
            10 => Some(Self::V6),
            _ => None,
        }
    }

    fn address(self, bytes: &[u8], at: usize) -> IpAddr {
        let part = bytes.get(at..at + 16).and_then(|part| <[u8; 16]>::try_from(part).ok());
        let octets = part.unwrap_or_default();
        match self {
            Self::V4 => Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]).into(),
            Self::V6 => Ipv6Addr::from(octets).into(),
        }
    }

    fn prefix(self, bytes: &[u8], at: usize, length: u8) -> Result<IpNet, DecodeError> {
        IpNet::new(self.address(bytes, at), length)
            .map_err(|_| format!("a prefix of {length} bits").into())
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    let part = bytes.get(at..at + 4).and_then(|part| <[u8; 4]>::try_from(part).ok());
    part.map_or(0, u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::attributes::push;

    /// As the kernel lays it out; the machines that test have no ESP to make one with.
    #[test]
    fn a_state_is_read_without_its_keys() {
        let mut message = vec![0; 224];
        message[56..60].copy_from_slice(&[10, 24, 0, 4]);
        message[72..76].copy_from_slice(&3_u32.to_be_bytes());
        message[76] = 50;
        message[80..84].copy_from_slice(&[10, 24, 0, 2]);
        message[208..212].copy_from_slice(&1_u32.to_ne_bytes());
        message[212..214].copy_from_slice(&2_u16.to_ne_bytes());
        message[214] = 1;
        let mark = [0x1234_0e00_u32.to_ne_bytes(), 0xffff_ff00_u32.to_ne_bytes()].concat();
        push(&mut message, XFRMA_MARK, &mark);
        let expected = Transform::State(TransformState {
            source: IpAddr::from([10, 24, 0, 2]),
            destination: IpAddr::from([10, 24, 0, 4]),
            protocol: 50,
            spi: 3,
            mode: 1,
            request_id: 1,
            mark: Some(FwMark { value: 0x1234_0e00, mask: 0xffff_ff00 }),
        });
        assert_eq!(state(&message).unwrap(), Some(expected));
        assert!(state(&message[..200]).is_err());
    }
}
