//! The ways on that a route offers.

use std::net::IpAddr;

use kcilium_core::facts::{NextHop, NextHopFlag};
use netlink_packet_core::DecodeError;

use super::attributes::{address, attributes, split_header, via};
use super::link_names::LinkNames;

pub(super) const RTA_GATEWAY: u16 = 5;
pub(super) const RTA_VIA: u16 = 18;

/// `RTNH_F_*`, in the order in which they are listed.
const FLAGS: [(u32, NextHopFlag); 3] =
    [(1 << 0, NextHopFlag::Dead), (1 << 4, NextHopFlag::Linkdown), (1 << 2, NextHopFlag::Onlink)];

/// The flags of a hop that decide about a lookup. For a route with a single hop they are among the
/// route's own.
pub(super) fn flags(bits: u32) -> Vec<NextHopFlag> {
    FLAGS.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, flag)| *flag).collect()
}

/// The hops in an `RTA_MULTIPATH`: one `struct rtnexthop` after the other (length, flags, weight
/// less one, interface), each with attributes of its own.
pub(super) fn multipath(value: &[u8], names: &mut LinkNames) -> Result<Vec<NextHop>, DecodeError> {
    let mut hops = Vec::new();
    let mut rest = value;
    while !rest.is_empty() {
        let (header, _) = split_header::<8>(rest)?;
        let [length_low, length_high, bits, weight, index @ ..] = *header;
        let length = usize::from(u16::from_ne_bytes([length_low, length_high]));
        let own = rest
            .get(header.len()..length)
            .ok_or_else(|| format!("a next hop of {length} bytes among {}", rest.len()))?;
        hops.push(NextHop {
            link: link(u32::from_ne_bytes(index), names),
            gateway: gateway(own)?,
            weight: u16::from(weight) + 1,
            flags: flags(bits.into()),
        });
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(hops)
}

/// The interface by its index; 0 stands for none.
pub(super) fn link(index: u32, names: &mut LinkNames) -> Option<kcilium_core::facts::LinkName> {
    (index != 0).then(|| names.name(index))
}

fn gateway(own: &[u8]) -> Result<Option<IpAddr>, DecodeError> {
    for attribute in attributes(own) {
        let attribute = attribute?;
        match attribute.kind() {
            RTA_GATEWAY => return address(attribute.value()).map(Some),
            RTA_VIA => return via(attribute.value()).map(Some),
            _ => {}
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_come_in_one_order_without_those_of_no_weight() {
        assert_eq!(flags(0), []);
        assert_eq!(
            flags(u32::MAX),
            [NextHopFlag::Dead, NextHopFlag::Linkdown, NextHopFlag::Onlink]
        );
    }

    #[test]
    fn a_hop_that_is_longer_than_its_list_fails() {
        let mut names = LinkNames::default();
        assert!(multipath(&[9, 0, 0, 0, 1, 0, 0, 0], &mut names).is_err());
        assert!(multipath(&[0; 8], &mut names).is_err());
        assert!(multipath(&[8, 0, 0], &mut names).is_err());
    }
}
