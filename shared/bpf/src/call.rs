//! The system call, and the only `unsafe` code of the workspace.

#![expect(unsafe_code, reason = "no crate offers these commands")]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// `enum bpf_cmd`, as far as it is used.
#[derive(Clone, Copy, Debug)]
#[repr(i32)]
pub(crate) enum Command {
    #[cfg(feature = "load")]
    MapCreate = 0,
    #[cfg(feature = "load")]
    ProgLoad = 5,
    #[cfg(feature = "load")]
    ObjPin = 6,
    ObjGet = 7,
    #[cfg(feature = "load")]
    ProgAttach = 8,
    ProgDetach = 9,
    ProgGetFdById = 13,
    MapGetFdById = 14,
    ObjGetInfoByFd = 15,
    ProgQuery = 16,
    #[cfg(feature = "load")]
    LinkCreate = 28,
    LinkGetFdById = 30,
    LinkDetach = 34,
}

/// Length of the longest form of `union bpf_attr` that is used here, bytes. Older kernels accept a
/// longer one as long as what they do not know is zero.
const LENGTH: usize = 128;

/// `union bpf_attr`: numbers at fixed offsets, and addresses of memory that is borrowed for `'a`.
#[derive(Debug)]
pub(crate) struct Attributes<'a> {
    bytes: [u8; LENGTH],
    memory: std::marker::PhantomData<&'a mut [u8]>,
}

impl<'a> Attributes<'a> {
    /// All zero.
    pub(crate) fn new() -> Self {
        Self { bytes: [0; LENGTH], memory: std::marker::PhantomData }
    }

    /// With a number at an offset.
    pub(crate) fn u32(mut self, offset: usize, value: u32) -> Self {
        self.bytes[offset..offset + 4].copy_from_slice(&value.to_ne_bytes());
        self
    }

    /// With a file descriptor at an offset.
    pub(crate) fn fd(self, offset: usize, fd: BorrowedFd<'a>) -> Self {
        self.u32(offset, fd.as_raw_fd().cast_unsigned())
    }

    /// With the address of memory that the kernel reads.
    pub(crate) fn input(self, offset: usize, memory: &'a [u8]) -> Self {
        self.address(offset, memory.as_ptr().expose_provenance())
    }

    /// With the address of memory that the kernel writes, and at `count` how much it may write.
    pub(crate) fn output(
        self,
        offset: usize,
        count: usize,
        unit: Unit,
        memory: &'a mut [u8],
    ) -> Self {
        let length = match unit {
            Unit::Bytes => memory.len(),
            Unit::Numbers => memory.len() / 4,
        };
        let length = u32::try_from(length).unwrap_or(0);
        self.address(offset, memory.as_mut_ptr().expose_provenance()).u32(count, length)
    }

    /// With text in place.
    #[cfg(feature = "load")]
    pub(crate) fn text(mut self, offset: usize, room: usize, text: &str) -> Self {
        let text = &text.as_bytes()[..text.len().min(room - 1)];
        self.bytes[offset..offset + text.len()].copy_from_slice(text);
        self
    }

    /// A number, after the call.
    pub(crate) fn read(&self, offset: usize) -> u32 {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.bytes[offset..offset + 4]);
        u32::from_ne_bytes(bytes)
    }

    /// As they are now.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn address(mut self, offset: usize, address: usize) -> Self {
        let address = u64::try_from(address).unwrap_or(0);
        self.bytes[offset..offset + 8].copy_from_slice(&address.to_ne_bytes());
        self
    }
}

/// What the kernel counts memory in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    Bytes,
    /// Of 32 bits.
    Numbers,
}

/// Calls bpf(2) with a command that returns nothing but success.
pub(crate) fn call(command: Command, attributes: &mut Attributes<'_>) -> io::Result<()> {
    system_call(command, attributes).map(drop)
}

/// Calls bpf(2) with a command that returns a file descriptor.
pub(crate) fn open(command: Command, attributes: &mut Attributes<'_>) -> io::Result<OwnedFd> {
    let fd = system_call(command, attributes)?;
    // SAFETY: these commands return a new descriptor on success, which nobody else knows of.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn system_call(command: Command, attributes: &mut Attributes<'_>) -> io::Result<RawFd> {
    // SAFETY: `bytes` is as long as the kernel is told and stays in place during the call. What it
    // points to are slices that `Attributes` borrows for as long as it lives, exclusively where the
    // kernel writes, with their own lengths beside them.
    let answer = unsafe {
        libc::syscall(libc::SYS_bpf, command as libc::c_int, attributes.bytes.as_mut_ptr(), LENGTH)
    };
    match RawFd::try_from(answer) {
        Ok(number) if number >= 0 => Ok(number),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A path as the kernel takes it.
pub(crate) fn path_bytes(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other)
}
