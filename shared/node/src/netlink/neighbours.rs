//! Neighbours that somebody entered: `RTM_GETNEIGH`.

use kcilium_core::facts::{Family, Unavailable};
use kcilium_core::leftovers::Neighbour;
use netlink_packet_core::DecodeError;

use super::attributes::{address, attributes, split_header};
use super::dump::{Reader, Request, dump};
use super::family_number;
use super::link_names::LinkNames;

const RTM_NEWNEIGH: u16 = 28;
const RTM_GETNEIGH: u16 = 30;

pub(super) const NDA_DST: u16 = 1;
const NUD_PERMANENT: u16 = 0x80;
const NTF_EXT_LEARNED: u8 = 0x10;

/// Entries that the kernel did not find by itself, of both families.
pub(crate) async fn neighbours() -> Result<Vec<Neighbour>, Unavailable> {
    let mut found = Vec::new();
    let mut names = LinkNames::default();
    for family in [Family::V4, Family::V6] {
        let mut payload = vec![0; 12];
        payload[0] = family_number(family);
        let request = Request { kind: RTM_GETNEIGH, item: RTM_NEWNEIGH, payload, watch: 0 };
        let mut reader = NeighbourReader { family, names: &mut names, neighbours: Vec::new() };
        match dump(&request, &mut reader).await {
            Ok(()) => found.append(&mut reader.neighbours),
            Err(error) if family == Family::V6 && error.is_unsupported() => {}
            Err(error) => return Err(error.explain("neighbours (RTM_GETNEIGH)")),
        }
    }
    Ok(found)
}

struct NeighbourReader<'a> {
    family: Family,
    names: &'a mut LinkNames,
    neighbours: Vec<Neighbour>,
}

impl Reader for NeighbourReader<'_> {
    fn restart(&mut self) {
        self.neighbours.clear();
    }

    /// `struct ndmsg`: family, padding, index, state, flags, type.
    fn read(&mut self, message: &[u8]) -> Result<(), DecodeError> {
        let (header, rest) = split_header::<12>(message)?;
        let state = u16::from_ne_bytes([header[8], header[9]]);
        let learned_externally = header[10] & NTF_EXT_LEARNED != 0;
        let entered = learned_externally || state & NUD_PERMANENT != 0;
        if header[0] != family_number(self.family) || !entered {
            return Ok(());
        }
        let index = u32::from_ne_bytes([header[4], header[5], header[6], header[7]]);
        for attribute in attributes(rest) {
            let attribute = attribute?;
            if attribute.kind() == NDA_DST {
                let address = address(attribute.value())?;
                let link = self.names.name(index);
                self.neighbours.push(Neighbour { link, address, learned_externally });
            }
        }
        Ok(())
    }
}
