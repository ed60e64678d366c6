//! What is attached somewhere.

use std::io;
use std::os::fd::BorrowedFd;

use crate::AttachType;
use crate::call::{Attributes, Command, Unit, call};

/// Where to look.
#[derive(Clone, Copy, Debug)]
pub enum Target<'fd> {
    /// A cgroup's directory.
    Cgroup(BorrowedFd<'fd>),
    /// An interface of the calling thread's network namespace, by index.
    Link(u32),
}

/// Something attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attached {
    /// The program.
    pub program_id: u32,
    /// The link that holds it there; none for programs attached without one, and where the kernel
    /// does not say (cgroups).
    pub link_id: Option<u32>,
}

/// The kernel's own limit is 64 for each of the kinds here.
const ROOM: usize = 64;

/// `BPF_PROG_QUERY`: what is attached there and nowhere above. Empty where the kernel does not know
/// the attach type, or where the interface is not of a kind that has it: then nothing can be there.
pub fn attached(target: Target<'_>, kind: AttachType) -> io::Result<Vec<Attached>> {
    // Offsets in `struct { … } query` of `union bpf_attr`.
    const TARGET: usize = 0;
    const ATTACH_TYPE: usize = 4;
    const PROG_IDS: usize = 16;
    const COUNT: usize = 24;
    const LINK_IDS: usize = 40;

    let mut programs = [0; 4 * ROOM];
    let mut links = [0; 4 * ROOM];
    let attributes = Attributes::new().u32(ATTACH_TYPE, kind.number()).output(
        PROG_IDS,
        COUNT,
        Unit::Numbers,
        &mut programs,
    );
    let mut attributes = match target {
        Target::Cgroup(fd) => attributes.fd(TARGET, fd),
        // Older kernels refuse `link_ids` for cgroups.
        Target::Link(index) => {
            attributes.u32(TARGET, index).output(LINK_IDS, COUNT, Unit::Numbers, &mut links)
        }
    };
    let count = match call(Command::ProgQuery, &mut attributes) {
        Ok(()) => attributes.read(COUNT),
        Err(error) if is_unknown_here(&error) => 0,
        Err(error) => return Err(error),
    };
    let count = usize::try_from(count).unwrap_or(ROOM).min(ROOM);
    let numbers = |bytes: [u8; 4 * ROOM]| {
        bytes.as_chunks::<4>().0.iter().map(|bytes| u32::from_ne_bytes(*bytes)).collect::<Vec<_>>()
    };
    let links = numbers(links);
    Ok(numbers(programs)
        .into_iter()
        .zip(links)
        .take(count)
        .map(|(program_id, link)| Attached { program_id, link_id: (link != 0).then_some(link) })
        .collect())
}

/// `EINVAL`: an attach type of a newer kernel, or no netkit device; `ENOENT`: nothing there;
/// `EOPNOTSUPP`: built without.
fn is_unknown_here(error: &io::Error) -> bool {
    [libc::EINVAL, libc::ENOENT, libc::EOPNOTSUPP]
        .iter()
        .any(|number| error.raw_os_error() == Some(*number))
}
