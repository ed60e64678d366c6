//! How much of IPsec there is: `XFRM_MSG_GETSA`, `XFRM_MSG_GETPOLICY`.

use kcilium_core::facts::Unavailable;
use netlink_packet_core::DecodeError;
use rustix::net::netlink;

use super::dump::{Reader, Request, dump_of};

/// Requests and what answers them: states, and policies.
const LISTS: [(u16, u16); 2] = [(0x12, 0x10), (0x15, 0x13)];

/// Number of states and policies of this network namespace; none where the kernel has no IPsec.
pub(crate) async fn transforms() -> Result<usize, Unavailable> {
    let mut count = 0;
    for (kind, item) in LISTS {
        let request = Request { kind, item, payload: Vec::new(), watch: 0 };
        let mut reader = Counter(0);
        match dump_of(Some(netlink::XFRM), &request, &mut reader).await {
            Ok(()) => count += reader.0,
            Err(error) if error.is_unsupported() => {}
            Err(error) => return Err(error.explain("IPsec (NETLINK_XFRM)")),
        }
    }
    Ok(count)
}

struct Counter(usize);

impl Reader for Counter {
    fn restart(&mut self) {
        self.0 = 0;
    }

    fn read(&mut self, _message: &[u8]) -> Result<(), DecodeError> {
        self.0 += 1;
        Ok(())
    }
}
