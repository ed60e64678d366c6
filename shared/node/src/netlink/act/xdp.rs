//! XDP programs: `IFLA_XDP` of `RTM_SETLINK`.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use kcilium_core::facts::LinkName;

use super::change;
use crate::netlink::attributes::push;
use crate::netlink::link_names::index;
use crate::netlink::xdp::IFLA_XDP;

const RTM_SETLINK: u16 = 19;
const IFLA_XDP_FD: u16 = 1;
const IFLA_XDP_FLAGS: u16 = 3;
const IFLA_XDP_EXPECTED_FD: u16 = 8;
/// `XDP_FLAGS_REPLACE`: only the expected program.
const REPLACE: u32 = 1 << 4;
/// `NLA_F_NESTED`.
const NESTED: u16 = 1 << 15;
/// `XDP_FLAGS_SKB_MODE`, `_DRV_MODE`, `_HW_MODE`: each mode has a program of its own.
const MODES: [u32; 3] = [1 << 1, 1 << 2, 1 << 3];

/// Takes a program off the modes of an interface that it is in, and no other program off. One that
/// a link holds stays, and is an error.
pub(crate) fn detach_xdp(link: &LinkName, program: BorrowedFd<'_>) -> io::Result<()> {
    let index = index(link)?;
    let mut failed = None;
    for mode in MODES {
        let mut options = Vec::new();
        push(&mut options, IFLA_XDP_FD, &(-1_i32).to_ne_bytes());
        push(&mut options, IFLA_XDP_FLAGS, &(mode | REPLACE).to_ne_bytes());
        push(&mut options, IFLA_XDP_EXPECTED_FD, &program.as_raw_fd().to_ne_bytes());
        let mut payload = vec![0; 16];
        payload[4..8].copy_from_slice(&index.to_ne_bytes());
        push(&mut payload, IFLA_XDP | NESTED, &options);
        match change(None, RTM_SETLINK, 0, &payload) {
            Ok(()) => return Ok(()),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    failed.map_or(Ok(()), Err)
}
