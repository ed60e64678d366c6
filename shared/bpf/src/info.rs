//! What programs and links say about themselves.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use crate::call::{Attributes, Command, Unit, call, open};

/// A loaded program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramInfo {
    /// Its number.
    pub id: u32,
    /// Its name, at most 15 bytes of it.
    pub name: String,
    /// Names of the maps that it uses.
    pub maps: Vec<String>,
}

/// A link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkInfo {
    /// Its number.
    pub id: u32,
    /// The program that it holds.
    pub program_id: u32,
}

/// Maps that are asked for at most. The kernel allows a program 64.
const MAPS: usize = 64;
/// Length of a name, bytes.
const NAME: usize = 16;

/// The program of a number that a query gave. Nothing if it is gone by now.
pub fn program_by_id(id: u32) -> io::Result<Option<ProgramInfo>> {
    match by_id(Command::ProgGetFdById, id)? {
        Some(fd) => program(fd.as_fd()).map(Some),
        None => Ok(None),
    }
}

/// The program itself, for calls that compare. Nothing if it is gone by now.
pub fn open_program(id: u32) -> io::Result<Option<OwnedFd>> {
    by_id(Command::ProgGetFdById, id)
}

/// The link of a number that a query gave. Nothing if it is gone by now.
pub fn link_by_id(id: u32) -> io::Result<Option<LinkInfo>> {
    match by_id(Command::LinkGetFdById, id)? {
        Some(fd) => link(fd.as_fd()).map(Some),
        None => Ok(None),
    }
}

pub(crate) fn by_id(command: Command, id: u32) -> io::Result<Option<OwnedFd>> {
    match open(command, &mut Attributes::new().u32(0, id)) {
        Ok(fd) => Ok(Some(fd)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(crate) fn program(fd: BorrowedFd<'_>) -> io::Result<ProgramInfo> {
    // Offsets in `struct bpf_prog_info`.
    const ID: usize = 4;
    const NR_MAP_IDS: usize = 52;
    const MAP_IDS: usize = 56;
    const PROG_NAME: usize = 64;
    const LENGTH: usize = 80;

    let mut map_ids = [0_u8; 4 * MAPS];
    let mut info = [0_u8; LENGTH];
    // The structure is the kernel's to read, too: it holds the address of the second buffer. As
    // `Attributes` knows how to write addresses, it is laid out there and copied.
    let request = Attributes::new().output(MAP_IDS, NR_MAP_IDS, Unit::Numbers, &mut map_ids);
    info.copy_from_slice(&request.bytes()[..LENGTH]);
    object_info(fd, &mut info)?;
    let count = usize::try_from(number(&info, NR_MAP_IDS)).unwrap_or(0).min(MAPS);
    let mut maps = Vec::new();
    for id in map_ids.as_chunks::<4>().0.iter().take(count) {
        if let Some(map) = by_id(Command::MapGetFdById, u32::from_ne_bytes(*id))? {
            maps.push(map_name(map.as_fd())?);
        }
    }
    Ok(ProgramInfo { id: number(&info, ID), name: text(&info[PROG_NAME..]), maps })
}

pub(crate) fn link(fd: BorrowedFd<'_>) -> io::Result<LinkInfo> {
    // `struct bpf_link_info`: type, id, prog_id, and more by type.
    let mut info = [0_u8; 16];
    object_info(fd, &mut info)?;
    Ok(LinkInfo { id: number(&info, 4), program_id: number(&info, 8) })
}

pub(crate) fn map_name(fd: BorrowedFd<'_>) -> io::Result<String> {
    // `struct bpf_map_info`: six numbers, then the name.
    const MAP_NAME: usize = 24;

    let mut info = [0_u8; MAP_NAME + NAME];
    object_info(fd, &mut info)?;
    Ok(text(&info[MAP_NAME..]))
}

fn object_info(fd: BorrowedFd<'_>, info: &mut [u8]) -> io::Result<()> {
    // Offsets in `struct { … } info` of `union bpf_attr`.
    const FD: usize = 0;
    const LENGTH: usize = 4;
    const INFO: usize = 8;

    let mut attributes = Attributes::new().fd(FD, fd).output(INFO, LENGTH, Unit::Bytes, info);
    call(Command::ObjGetInfoByFd, &mut attributes)
}

fn number(info: &[u8], offset: usize) -> u32 {
    let bytes = info.get(offset..offset + 4).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, u32::from_ne_bytes)
}

fn text(bytes: &[u8]) -> String {
    let bytes = &bytes[..bytes.len().min(NAME)];
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
