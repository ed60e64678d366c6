//! A directory with all that is in it, as far as its file system reaches.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use kcilium_core::leftovers::Outcome;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, openat2, unlinkat};
use rustix::io::Errno;

use super::files::with;
use crate::host::HostRoot;
use crate::unavailable::plain;

/// Deeper than anything of Cilium's; each level holds a descriptor.
const DEPTH: usize = 64;

/// Deletes a directory. Links in it are deleted and not followed; what is mounted in it stays, and
/// with it the directories on the way.
pub(super) fn directory(root: &HostRoot, path: &str) -> Outcome {
    let mut left = None;
    let outcome = with(root, path, |entry, kind| {
        if kind != FileType::Directory {
            return Err(Outcome::kept("it is no directory any more"));
        }
        let name = CString::new(entry.name()).unwrap_or_default();
        let removed = remove(entry.directory(), &name, DEPTH);
        Ok(removed.map_err(|why| {
            let error = io::Error::other(why.to_string());
            left = Some(why);
            error
        }))
    });
    match (outcome, left) {
        (Outcome::Failed { .. }, Some(left)) => Outcome::failed(left.to_string()),
        (outcome, _) => outcome,
    }
}

/// What could not be deleted first, below the directory.
struct Left {
    path: String,
    error: io::Error,
}

impl std::fmt::Display for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let errno = |errno: Errno| self.error.raw_os_error() == Some(errno.raw_os_error());
        match &self.path {
            path if errno(Errno::XDEV) || errno(Errno::BUSY) => {
                write!(f, "{path}: a file system is mounted there")
            }
            path if errno(Errno::NOSYS) => {
                write!(f, "{path}: the kernel (before 5.6) cannot keep out of mounts")
            }
            path => write!(f, "{path}: {}", plain(&self.error)),
        }
    }
}

fn remove(parent: BorrowedFd<'_>, name: &CStr, depth: usize) -> Result<(), Left> {
    let shown = || name.to_string_lossy().into_owned();
    let at = |error: io::Error| Left { path: shown(), error };
    if depth == 0 {
        return Err(at(io::Error::other("too many directories in each other")));
    }
    let directory = match open(parent, name) {
        Err(Errno::NOENT) => return Ok(()),
        other => other.map_err(|error| at(error.into()))?,
    };
    let mut left = None;
    for entry in entries(&directory).map_err(at)? {
        let removed = match unlinkat(&directory, &entry, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(Errno::ISDIR) => remove(directory.as_fd(), &entry, depth - 1),
            Err(error) => {
                Err(Left { path: entry.to_string_lossy().into_owned(), error: error.into() })
            }
        };
        if let Err(inner) = removed {
            left.get_or_insert(Left { path: format!("{}/{}", shown(), inner.path), ..inner });
        }
    }
    match left {
        Some(left) => Err(left),
        None => unlinkat(parent, name, AtFlags::REMOVEDIR).map_err(|error| at(error.into())),
    }
}

/// The kernel keeps the way out of mounts, also those of the same file system, and out of links,
/// which nothing that is looked up beforehand can.
fn open(parent: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH;
    openat2(parent, name, flags, Mode::empty(), resolve)
}

/// All names at once: a directory that is read while it shrinks may leave some out.
fn entries(directory: &OwnedFd) -> io::Result<Vec<CString>> {
    let mut found = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            found.push(entry.file_name().to_owned());
        }
    }
    Ok(found)
}
