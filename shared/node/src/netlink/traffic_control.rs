//! Qdiscs and BPF filters: `RTM_GETQDISC`, `RTM_GETTFILTER`.

use std::collections::BTreeSet;

use kcilium_core::facts::{Link, Unavailable};
use kcilium_core::leftovers::{Direction, Qdisc};
use netlink_packet_core::{DecodeError, parse_u32};

use super::attributes::{attributes, split_header, text};
use super::dump::{Reader, Request, dump};

const RTM_NEWQDISC: u16 = 36;
const RTM_GETQDISC: u16 = 38;
const RTM_NEWTFILTER: u16 = 44;
const RTM_GETTFILTER: u16 = 46;

pub(super) const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const TCA_BPF_NAME: u16 = 7;
const TCA_BPF_ID: u16 = 11;

/// The two hooks of clsact.
const PARENTS: [(Direction, u32); 2] =
    [(Direction::Ingress, 0xffff_fff2), (Direction::Egress, 0xffff_fff3)];

/// The hook of a direction.
pub(super) fn parent(direction: Direction) -> u32 {
    match direction {
        Direction::Ingress => PARENTS[0].1,
        Direction::Egress => PARENTS[1].1,
    }
}

/// A filter, as the kernel lists it.
#[derive(Debug)]
pub(crate) struct ListedFilter {
    pub(crate) direction: Direction,
    /// `bpf` or another.
    pub(crate) kind: String,
    pub(crate) priority: u16,
    pub(crate) protocol: u16,
    pub(crate) handle: u32,
    pub(crate) name: String,
    pub(crate) program_id: Option<u32>,
}

/// Qdiscs, each kind once for an interface.
pub(crate) async fn qdiscs(links: &[Link]) -> Result<Vec<Qdisc>, Unavailable> {
    let request =
        Request { kind: RTM_GETQDISC, item: RTM_NEWQDISC, payload: vec![0; 20], watch: 0 };
    let mut reader = QdiscReader(BTreeSet::new());
    dump(&request, &mut reader).await.map_err(|error| error.explain("qdiscs (RTM_GETQDISC)"))?;
    let mut found = Vec::new();
    for link in links {
        let from = reader.0.range((link.index, String::new())..);
        let own = from.take_while(|(index, _)| *index == link.index);
        found.extend(own.map(|(_, kind)| Qdisc { link: link.name.clone(), kind: kind.clone() }));
    }
    Ok(found)
}

/// Indexes of interfaces, and kinds.
struct QdiscReader(BTreeSet<(u32, String)>);

impl Reader for QdiscReader {
    fn restart(&mut self) {
        self.0.clear();
    }

    fn read(&mut self, message: &[u8]) -> Result<(), DecodeError> {
        let (header, rest) = split_header::<20>(message)?;
        let index = u32::from_ne_bytes([header[4], header[5], header[6], header[7]]);
        self.0.insert((index, kind(rest)?));
        Ok(())
    }
}

fn kind(rest: &[u8]) -> Result<String, DecodeError> {
    for attribute in attributes(rest) {
        let attribute = attribute?;
        if attribute.kind() == TCA_KIND {
            return Ok(text(attribute.value()));
        }
    }
    Ok(String::new())
}

/// All filters below an interface's clsact.
pub(crate) async fn filters(link: &Link) -> Result<Vec<ListedFilter>, Unavailable> {
    let mut found = Vec::new();
    for (direction, parent) in PARENTS {
        let mut payload = vec![0; 20];
        payload[4..8].copy_from_slice(&link.index.to_ne_bytes());
        payload[12..16].copy_from_slice(&parent.to_ne_bytes());
        let request = Request { kind: RTM_GETTFILTER, item: RTM_NEWTFILTER, payload, watch: 0 };
        let mut reader = FilterReader { direction, filters: Vec::new() };
        dump(&request, &mut reader)
            .await
            .map_err(|error| error.explain(&format!("tc filters of {}", link.name)))?;
        found.append(&mut reader.filters);
    }
    Ok(found)
}

struct FilterReader {
    direction: Direction,
    filters: Vec<ListedFilter>,
}

impl Reader for FilterReader {
    fn restart(&mut self) {
        self.filters.clear();
    }

    /// `struct tcmsg`: family, padding, index, handle, parent, and priority with protocol.
    fn read(&mut self, message: &[u8]) -> Result<(), DecodeError> {
        let (header, rest) = split_header::<20>(message)?;
        let number = |at: usize| {
            u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let handle = number(8);
        // A priority announces itself before its filters.
        if handle == 0 {
            return Ok(());
        }
        let [low, high, protocol_low, protocol_high] = split_info(number(16));
        let mut filter = ListedFilter {
            direction: self.direction,
            kind: kind(rest)?,
            priority: u16::from_be_bytes([low, high]),
            protocol: u16::from_be_bytes([protocol_low, protocol_high]),
            handle,
            name: String::new(),
            program_id: None,
        };
        if filter.kind == "bpf" {
            for attribute in attributes(rest) {
                let attribute = attribute?;
                if attribute.kind() == TCA_OPTIONS {
                    filter.options(attribute.value())?;
                }
            }
        }
        self.filters.push(filter);
        Ok(())
    }
}

/// Priority in the upper half, as a number; protocol in the lower, in the network's order.
fn split_info(info: u32) -> [u8; 4] {
    let [high, low, _, _] = info.to_be_bytes();
    let lower = u16::try_from(info & 0xffff).unwrap_or(0).to_ne_bytes();
    [high, low, lower[0], lower[1]]
}

impl ListedFilter {
    fn options(&mut self, options: &[u8]) -> Result<(), DecodeError> {
        for attribute in attributes(options) {
            let attribute = attribute?;
            match attribute.kind() {
                TCA_BPF_NAME => self.name = text(attribute.value()),
                TCA_BPF_ID => self.program_id = Some(parse_u32(attribute.value())?),
                _ => {}
            }
        }
        Ok(())
    }
}
