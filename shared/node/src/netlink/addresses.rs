//! Addresses on interfaces: `RTM_GETADDR`.

use std::net::IpAddr;

use kcilium_core::facts::{Address, Family, RouteScope, Unavailable};
use netlink_packet_core::DecodeError;

use super::attributes::{address, attributes, split_header};
use super::dump::{Reader, Request, dump};
use super::family_number;
use super::link_names::LinkNames;

const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;

const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;

/// Addresses of both families, by interface; IPv4 before IPv6 on each.
pub(crate) async fn addresses() -> Result<Vec<Address>, Unavailable> {
    let mut found = Vec::new();
    let mut names = LinkNames::default();
    for family in [Family::V4, Family::V6] {
        let mut payload = vec![0; 8];
        payload[0] = family_number(family);
        let request = Request { kind: RTM_GETADDR, item: RTM_NEWADDR, payload, watch: 0 };
        let mut reader = AddressReader { family, names: &mut names, addresses: Vec::new() };
        match dump(&request, &mut reader).await {
            Ok(()) => found.append(&mut reader.addresses),
            Err(error) if family == Family::V6 && error.is_unsupported() => {}
            Err(error) => return Err(error.explain("addresses (RTM_GETADDR)")),
        }
    }
    found.sort_by_key(|(index, _)| *index);
    Ok(found.into_iter().map(|(_, address)| address).collect())
}

struct AddressReader<'a> {
    family: Family,
    names: &'a mut LinkNames,
    /// With the interface's index.
    addresses: Vec<(u32, Address)>,
}

impl Reader for AddressReader<'_> {
    fn restart(&mut self) {
        self.addresses.clear();
    }

    /// `struct ifaddrmsg`: family, prefix length, flags, scope, index.
    fn read(&mut self, message: &[u8]) -> Result<(), DecodeError> {
        let (header, rest) = split_header::<8>(message)?;
        let [family, prefix_len, _flags, scope, index @ ..] = *header;
        // A kernel without the family answers with the addresses of all the others.
        if family != family_number(self.family) {
            return Ok(());
        }
        let Some(address) = local_address(rest)? else {
            return Ok(());
        };
        let index = u32::from_ne_bytes(index);
        let link = self.names.name(index);
        let scope = RouteScope(scope).to_string();
        self.addresses.push((index, Address { link, address, prefix_len, scope }));
        Ok(())
    }
}

/// The interface's own address: `IFA_ADDRESS` is the other end's where there is an `IFA_LOCAL`.
fn local_address(rest: &[u8]) -> Result<Option<IpAddr>, DecodeError> {
    let mut local = None;
    let mut other = None;
    for attribute in attributes(rest) {
        let attribute = attribute?;
        match attribute.kind() {
            IFA_LOCAL => local = Some(address(attribute.value())?),
            IFA_ADDRESS => other = Some(address(attribute.value())?),
            _ => {}
        }
    }
    Ok(local.or(other))
}
