//! Names of sets (`ipset`): `IPSET_CMD_LIST`.

use kcilium_core::facts::Unavailable;
use netlink_packet_core::DecodeError;
use rustix::net::netlink;

use super::attributes::{attributes, push, split_header, text};
use super::dump::{Reader, Request, dump_of};

/// `NFNL_SUBSYS_IPSET` and `IPSET_CMD_LIST`; the answers are called the same.
const LIST: u16 = 6 << 8 | 7;
pub(super) const IPSET_ATTR_PROTOCOL: u16 = 1;
pub(super) const IPSET_ATTR_SETNAME: u16 = 2;
/// With `NLA_F_NET_BYTEORDER`.
const IPSET_ATTR_FLAGS: u16 = 6 | 1 << 14;
/// Names, and not what is in the sets.
const IPSET_FLAG_LIST_SETNAME: u32 = 1 << 1;
/// Understood by all kernels since 2.6.39.
pub(super) const PROTOCOL: u8 = 6;

/// Names of all sets of this network namespace; none where the kernel has no sets.
pub(crate) async fn sets() -> Result<Vec<String>, Unavailable> {
    // `struct nfgenmsg`: family, version, resource.
    let mut payload = vec![2, 0, 0, 0];
    push(&mut payload, IPSET_ATTR_PROTOCOL, &[PROTOCOL]);
    push(&mut payload, IPSET_ATTR_FLAGS, &IPSET_FLAG_LIST_SETNAME.to_be_bytes());
    let request = Request { kind: LIST, item: LIST, payload, watch: 0 };
    let mut reader = SetReader(Vec::new());
    match dump_of(Some(netlink::NETFILTER), &request, &mut reader).await {
        Ok(()) => Ok(reader.0),
        Err(error) if error.is_unsupported() || error.is_unknown_command() => Ok(Vec::new()),
        Err(error) => Err(error.explain("ipsets (IPSET_CMD_LIST)")),
    }
}

struct SetReader(Vec<String>);

impl Reader for SetReader {
    fn restart(&mut self) {
        self.0.clear();
    }

    fn read(&mut self, message: &[u8]) -> Result<(), DecodeError> {
        let (_, rest) = split_header::<4>(message)?;
        for attribute in attributes(rest) {
            let attribute = attribute?;
            if attribute.kind() == IPSET_ATTR_SETNAME {
                self.0.push(text(attribute.value()));
            }
        }
        Ok(())
    }
}
