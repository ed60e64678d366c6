//! Taking programs off.

use std::io;
use std::os::fd::AsFd as _;

use crate::call::{Attributes, Command, call};
use crate::info::by_id;
use crate::{AttachType, Target};

/// `BPF_LINK_DETACH`: takes off what a link holds, while others may keep the link itself. One that
/// is gone is no error.
pub fn detach_link(id: u32) -> io::Result<()> {
    match by_id(Command::LinkGetFdById, id)? {
        Some(link) => call(Command::LinkDetach, &mut Attributes::new().fd(0, link.as_fd())),
        None => Ok(()),
    }
}

/// `BPF_PROG_DETACH`: takes one program off, and no other that is attached beside it. One that is
/// gone is no error; one that a link holds is.
pub fn detach_program(target: Target<'_>, id: u32, kind: AttachType) -> io::Result<()> {
    // Offsets in the `struct` of `union bpf_attr` that is shared with `BPF_PROG_ATTACH`.
    const TARGET_FD: usize = 0;
    const ATTACH_BPF_FD: usize = 4;
    const ATTACH_TYPE: usize = 8;

    let Some(program) = by_id(Command::ProgGetFdById, id)? else {
        return Ok(());
    };
    let attributes = match target {
        Target::Cgroup(cgroup) => Attributes::new().fd(TARGET_FD, cgroup),
        // Also called `target_ifindex`.
        Target::Link(index) => Attributes::new().u32(TARGET_FD, index),
    };
    let mut attributes =
        attributes.fd(ATTACH_BPF_FD, program.as_fd()).u32(ATTACH_TYPE, kind.number());
    call(Command::ProgDetach, &mut attributes)
}
