//! What a file in a BPF file system holds.

use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;

use crate::call::{Attributes, Command, open, path_bytes};
use crate::info::{LinkInfo, ProgramInfo, link, map_name, program};

/// What is pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pinned {
    /// A map, with its name.
    Map(String),
    /// A program.
    Program(ProgramInfo),
    /// A link.
    Link(LinkInfo),
}

/// `BPF_OBJ_GET`: what a pin holds. A descriptor says by its name in `/proc` what it is.
pub fn pinned(path: &Path) -> io::Result<Pinned> {
    use std::os::fd::AsRawFd as _;

    const PATH: usize = 0;

    let path = path_bytes(path)?;
    let fd = open(Command::ObjGet, &mut Attributes::new().input(PATH, path.as_bytes_with_nul()))?;
    let kind = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()))?;
    match kind.to_str() {
        Some("anon_inode:bpf-map") => map_name(fd.as_fd()).map(Pinned::Map),
        Some("anon_inode:bpf-prog") => program(fd.as_fd()).map(Pinned::Program),
        // With a hyphen where the kernel opens it from a pin or by number, with none where it is new.
        Some("anon_inode:bpf-link" | "anon_inode:bpf_link") => link(fd.as_fd()).map(Pinned::Link),
        _ => Err(io::Error::other("neither map, program nor link")),
    }
}
