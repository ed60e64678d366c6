//! XDP programs on interfaces: `IFLA_XDP` of `RTM_GETLINK`.

use kcilium_core::facts::{LinkName, Unavailable};
use netlink_packet_core::{DecodeError, parse_u32};

use super::attributes::{attributes, split_header, text};
use super::dump::{Reader, Request, dump};

const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;

const IFLA_IFNAME: u16 = 3;
pub(super) const IFLA_XDP: u16 = 43;
/// `IFLA_XDP_PROG_ID`, and the same for each mode where there are several.
const PROGRAM_IDS: std::ops::RangeInclusive<u16> = 4..=7;

/// Interfaces and the numbers of the programs on them.
pub(crate) async fn xdp_programs() -> Result<Vec<(LinkName, u32)>, Unavailable> {
    let request = Request { kind: RTM_GETLINK, item: RTM_NEWLINK, payload: vec![0; 16], watch: 0 };
    let mut reader = XdpReader(Vec::new());
    dump(&request, &mut reader)
        .await
        .map_err(|error| error.explain("XDP programs (RTM_GETLINK)"))?;
    Ok(reader.0)
}

struct XdpReader(Vec<(LinkName, u32)>);

impl Reader for XdpReader {
    fn restart(&mut self) {
        self.0.clear();
    }

    fn read(&mut self, message: &[u8]) -> Result<(), DecodeError> {
        let (_, rest) = split_header::<16>(message)?;
        let mut name = LinkName::from("");
        let mut programs = Vec::new();
        for attribute in attributes(rest) {
            let attribute = attribute?;
            match attribute.kind() {
                IFLA_IFNAME => name = text(attribute.value()).into(),
                IFLA_XDP => programs = program_ids(attribute.value())?,
                _ => {}
            }
        }
        self.0.extend(programs.into_iter().map(|id| (name.clone(), id)));
        Ok(())
    }
}

fn program_ids(value: &[u8]) -> Result<Vec<u32>, DecodeError> {
    let mut ids = Vec::new();
    for attribute in attributes(value) {
        let attribute = attribute?;
        if PROGRAM_IDS.contains(&attribute.kind()) {
            let id = parse_u32(attribute.value())?;
            if id != 0 && !ids.contains(&id) {
                ids.push(id);
            }
        }
    }
    Ok(ids)
}
