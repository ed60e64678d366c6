//! Making something to be found: small maps, and programs that do nothing but say yes.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use crate::AttachType;
use crate::call::{Attributes, Command, call, open, path_bytes};

/// Room for a name, bytes.
const NAME: usize = 16;

/// An array of one number.
pub fn map(name: &str) -> io::Result<OwnedFd> {
    const BPF_MAP_TYPE_ARRAY: u32 = 2;

    let mut attributes = Attributes::new()
        .u32(0, BPF_MAP_TYPE_ARRAY)
        .u32(4, 4)
        .u32(8, 4)
        .u32(12, 1)
        .text(28, NAME, name);
    open(Command::MapCreate, &mut attributes)
}

/// What kind of program, and where it is going to be attached.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A filter of tc or tcx that lets everything pass.
    Classifier,
    /// One that sees packets before the kernel does, and lets them pass.
    Xdp,
    /// A program that a cgroup asks before `connect` and the like, which allows it.
    CgroupAddress(AttachType),
}

/// A program that uses the maps, as far as loading it goes, and does nothing.
pub fn program(name: &str, kind: Kind, maps: &[BorrowedFd<'_>]) -> io::Result<OwnedFd> {
    const BPF_PROG_TYPE_SCHED_CLS: u32 = 3;
    const BPF_PROG_TYPE_XDP: u32 = 6;
    const BPF_PROG_TYPE_CGROUP_SOCK_ADDR: u32 = 18;

    let (number, attach_type, answer) = match kind {
        // `TC_ACT_OK`.
        Kind::Classifier => (BPF_PROG_TYPE_SCHED_CLS, 0, 0),
        // `XDP_PASS`.
        Kind::Xdp => (BPF_PROG_TYPE_XDP, 0, 2),
        Kind::CgroupAddress(attach) => (BPF_PROG_TYPE_CGROUP_SOCK_ADDR, attach.number(), 1),
    };
    let code = code(maps, answer);
    let instructions = u32::try_from(code.len() / 8).unwrap_or(0);
    let mut attributes = Attributes::new()
        .u32(0, number)
        .u32(4, instructions)
        .input(8, &code)
        .input(16, b"GPL\0")
        .text(48, NAME, name)
        .u32(68, attach_type);
    open(Command::ProgLoad, &mut attributes)
}

/// Loads each map's address into a register, then returns the answer.
fn code(maps: &[BorrowedFd<'_>], answer: i32) -> Vec<u8> {
    const LD_IMM64: u8 = 0x18;
    const MOV64_IMM: u8 = 0xb7;
    const EXIT: u8 = 0x95;
    /// In the source register of `LD_IMM64`: the number is a map's descriptor.
    const PSEUDO_MAP_FD: u8 = 1;

    let instruction = |opcode: u8, registers: u8, immediate: i32| {
        let mut bytes = [0; 8];
        bytes[0] = opcode;
        bytes[1] = registers;
        bytes[4..].copy_from_slice(&immediate.to_ne_bytes());
        bytes
    };
    let mut code = Vec::new();
    for map in maps {
        code.extend(instruction(LD_IMM64, PSEUDO_MAP_FD << 4 | 1, map.as_raw_fd()));
        code.extend(instruction(0, 0, 0));
    }
    code.extend(instruction(MOV64_IMM, 0, answer));
    code.extend(instruction(EXIT, 0, 0));
    code
}

/// `BPF_OBJ_PIN`.
pub fn pin(object: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let path = path_bytes(path)?;
    let mut attributes = Attributes::new().input(0, path.as_bytes_with_nul()).fd(8, object);
    call(Command::ObjPin, &mut attributes)
}

/// `BPF_PROG_ATTACH` to a cgroup, beside others.
pub fn attach(cgroup: BorrowedFd<'_>, program: &OwnedFd, kind: AttachType) -> io::Result<()> {
    const BPF_F_ALLOW_MULTI: u32 = 2;

    let mut attributes = Attributes::new()
        .fd(0, cgroup)
        .fd(4, program.as_fd())
        .u32(8, kind.number())
        .u32(12, BPF_F_ALLOW_MULTI);
    call(Command::ProgAttach, &mut attributes)
}

/// `BPF_LINK_CREATE` on a cgroup.
pub fn link_cgroup(
    cgroup: BorrowedFd<'_>,
    program: &OwnedFd,
    kind: AttachType,
) -> io::Result<OwnedFd> {
    link(Attributes::new().fd(4, cgroup), program, kind)
}

/// `BPF_LINK_CREATE` on an interface.
pub fn link_interface(index: u32, program: &OwnedFd, kind: AttachType) -> io::Result<OwnedFd> {
    link(Attributes::new().u32(4, index), program, kind)
}

fn link<'a>(
    attributes: Attributes<'a>,
    program: &'a OwnedFd,
    kind: AttachType,
) -> io::Result<OwnedFd> {
    open(Command::LinkCreate, &mut attributes.fd(0, program.as_fd()).u32(8, kind.number()))
}
