//! Next hops that are objects of their own (`ip nexthop`): `RTM_GETNEXTHOP`.
//!
//! The kernel writes their contents into each route that uses them, unless
//! `net.ipv4.nexthop_compat_mode` is off, as routing daemons recommend for large tables.

use std::collections::HashMap;

use kcilium_core::facts::NextHop;
use netlink_packet_core::{DecodeError, parse_u32};

use super::attributes::{address, attributes, split_header};
use super::dump::{DumpError, Reader, Request, dump};
use super::link_names::LinkNames;
use super::next_hops::{flags, link};

const RTM_NEWNEXTHOP: u16 = 104;
const RTM_GETNEXTHOP: u16 = 106;

const NHA_ID: u16 = 1;
const NHA_GROUP: u16 = 2;
const NHA_BLACKHOLE: u16 = 4;
const NHA_OIF: u16 = 5;
const NHA_GATEWAY: u16 = 6;

/// All objects, by id.
#[derive(Default)]
pub(super) struct NexthopObjects(HashMap<u32, Object>);

enum Object {
    Blackhole,
    Single(NextHop),
    /// Ids and weights of the members.
    Group(Vec<(u32, u16)>),
}

/// What a route does with packets by way of its object.
#[derive(Debug, PartialEq)]
pub(super) enum Resolved {
    Blackhole,
    Hops(Vec<NextHop>),
}

impl NexthopObjects {
    /// What the object stands for; nothing if there is no such object.
    pub(super) fn resolve(&self, id: u32) -> Option<Resolved> {
        match self.0.get(&id)? {
            Object::Blackhole => Some(Resolved::Blackhole),
            Object::Single(hop) => Some(Resolved::Hops(vec![hop.clone()])),
            Object::Group(members) => Some(self.resolve_group(members)),
        }
    }

    /// Groups are not nested, and one with a blackhole has no other member.
    fn resolve_group(&self, members: &[(u32, u16)]) -> Resolved {
        let mut hops = Vec::with_capacity(members.len());
        for (id, weight) in members {
            match self.0.get(id) {
                Some(Object::Single(hop)) => {
                    hops.push(NextHop { weight: *weight, ..hop.clone() });
                }
                Some(Object::Blackhole) => return Resolved::Blackhole,
                Some(Object::Group(_)) | None => {}
            }
        }
        // As the kernel writes it: a group of one is no multipath.
        if let [hop] = hops.as_mut_slice() {
            hop.weight = 0;
        }
        Resolved::Hops(hops)
    }
}

/// Reads all objects.
pub(super) async fn nexthop_objects(names: &mut LinkNames) -> Result<NexthopObjects, DumpError> {
    let payload = vec![0; 8];
    let request = Request { kind: RTM_GETNEXTHOP, item: RTM_NEWNEXTHOP, payload, watch: 0 };
    let mut reader = ObjectReader { names, objects: NexthopObjects::default() };
    dump(&request, &mut reader).await?;
    Ok(reader.objects)
}

struct ObjectReader<'a> {
    names: &'a mut LinkNames,
    objects: NexthopObjects,
}

impl Reader for ObjectReader<'_> {
    fn restart(&mut self) {
        self.objects.0.clear();
    }

    fn read(&mut self, message: &[u8]) -> Result<(), DecodeError> {
        let (id, object) = decode(message, self.names)?;
        self.objects.0.insert(id, object);
        Ok(())
    }
}

/// `struct nhmsg`: family, scope, protocol, reserved, flags.
fn decode(message: &[u8], names: &mut LinkNames) -> Result<(u32, Object), DecodeError> {
    let (header, rest) = split_header::<8>(message)?;
    let [_family, _scope, _protocol, _reserved, bits @ ..] = *header;
    let mut id = 0;
    let mut special = None;
    let mut hop = NextHop { flags: flags(u32::from_ne_bytes(bits)), ..NextHop::default() };
    for attribute in attributes(rest) {
        let attribute = attribute?;
        let value = attribute.value();
        match attribute.kind() {
            NHA_ID => id = parse_u32(value)?,
            NHA_GROUP => special = Some(Object::Group(members(value)?)),
            NHA_BLACKHOLE => special = Some(Object::Blackhole),
            NHA_OIF => hop.link = link(parse_u32(value)?, names),
            NHA_GATEWAY => hop.gateway = Some(address(value)?),
            _ => {}
        }
    }
    Ok((id, special.unwrap_or(Object::Single(hop))))
}

/// An array of `struct nexthop_grp`: id, weight less one in its low and high byte, reserved.
fn members(value: &[u8]) -> Result<Vec<(u32, u16)>, DecodeError> {
    let mut members = Vec::with_capacity(value.len() / 8);
    for member in value.chunks(8) {
        let (id, rest) = split_header::<4>(member)?;
        let (weight, _) = split_header::<2>(rest)?;
        let weight = u16::from_le_bytes(*weight).saturating_add(1);
        members.push((u32::from_ne_bytes(*id), weight));
    }
    Ok(members)
}
