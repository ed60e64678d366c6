//! IPsec: `XFRM_MSG_DELSA`, `XFRM_MSG_DELPOLICY`.

use std::io;
use std::net::IpAddr;

use kcilium_core::facts::{Family, FwMark};
use kcilium_core::leftovers::{Transform, TransformDirection, TransformPolicy, TransformState};
use rustix::net::netlink;

use super::change;
use crate::netlink::attributes::push;
use crate::netlink::family_number;
use crate::netlink::xfrm::{XFRMA_IF_ID, XFRMA_MARK};

const XFRM_MSG_DELSA: u16 = 0x11;
const XFRM_MSG_DELPOLICY: u16 = 0x14;
const XFRMA_SRCADDR: u16 = 13;

/// Deletes one state or policy.
pub(crate) fn delete_transform(transform: &Transform) -> io::Result<()> {
    let (kind, payload) = match transform {
        Transform::State(state) => (XFRM_MSG_DELSA, state_id(state)),
        Transform::Policy(policy) => (XFRM_MSG_DELPOLICY, policy_id(policy)),
    };
    change(Some(netlink::XFRM), kind, 0, &payload)
}

/// `struct xfrm_usersa_id`: destination, SPI, family, protocol.
fn state_id(state: &TransformState) -> Vec<u8> {
    let mut payload = vec![0; 24];
    payload[..16].copy_from_slice(&octets(state.destination));
    payload[16..20].copy_from_slice(&state.spi.to_be_bytes());
    let family = u16::from(family_number(Family::of(state.destination)));
    payload[20..22].copy_from_slice(&family.to_ne_bytes());
    payload[22] = state.protocol;
    push_mark(&mut payload, state.mark);
    push(&mut payload, XFRMA_SRCADDR, &octets(state.source));
    payload
}

/// `struct xfrm_userpolicy_id`: selector, index, direction. The index alone says which.
fn policy_id(policy: &TransformPolicy) -> Vec<u8> {
    let mut payload = vec![0; 64];
    payload[56..60].copy_from_slice(&policy.index.to_ne_bytes());
    payload[60] = match policy.direction {
        TransformDirection::In => 0,
        TransformDirection::Out => 1,
        TransformDirection::Forward => 2,
    };
    push_mark(&mut payload, policy.mark);
    if let Some(id) = policy.interface_id {
        push(&mut payload, XFRMA_IF_ID, &id.to_ne_bytes());
    }
    payload
}

fn push_mark(payload: &mut Vec<u8>, mark: Option<FwMark>) {
    if let Some(mark) = mark {
        let value = [mark.value.to_ne_bytes(), mark.mask.to_ne_bytes()].concat();
        push(payload, XFRMA_MARK, &value);
    }
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => {
            let mut octets = [0; 16];
            octets[..4].copy_from_slice(&address.octets());
            octets
        }
        IpAddr::V6(address) => address.octets(),
    }
}
