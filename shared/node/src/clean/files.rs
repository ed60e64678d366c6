//! Single files: configurations, results, binaries, pins, names of namespaces.

use std::io;

use kcilium_core::facts::Unavailable;
use kcilium_core::leftovers::Outcome;
use rustix::fs::FileType;

use super::entry::Entry;
use super::outcome::judged;
use crate::host::HostRoot;
use crate::unavailable::{plain, unavailable};

/// Deletes a file or a symbolic link.
pub(super) fn file(root: &HostRoot, path: &str) -> Outcome {
    with(root, path, |entry, kind| match kind {
        FileType::Directory => Err(Outcome::kept("it is a directory by now")),
        _ => Ok(entry.unlink()),
    })
}

/// Deletes a directory that is empty.
pub(super) fn empty_directory(root: &HostRoot, path: &str) -> Outcome {
    with(root, path, |entry, kind| match kind {
        FileType::Directory => Ok(entry.remove_directory()),
        _ => Err(Outcome::kept("it is no directory any more")),
    })
}

/// Gives a file that was set aside its name back, if that is free.
pub(super) fn restored(root: &HostRoot, path: &str, original: &str) -> Outcome {
    let name = original.rsplit('/').next().unwrap_or_default();
    with(root, path, |entry, _| match entry.rename(name) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(Outcome::kept(format!("there is a new {name} by now")))
        }
        other => Ok(other),
    })
}

/// Does something to an entry, and looks whether it is gone.
pub(super) fn with(
    root: &HostRoot,
    path: &str,
    act: impl FnOnce(&Entry, FileType) -> Result<io::Result<()>, Outcome>,
) -> Outcome {
    let found = Entry::of(root, path).and_then(|entry| match entry {
        Some(entry) => Ok(entry.kind()?.map(|kind| (entry, kind))),
        None => Ok(None),
    });
    let (entry, kind) = match found {
        Ok(Some(found)) => found,
        Ok(None) => return Outcome::AlreadyGone,
        Err(error) => return Outcome::failed(plain(&error)),
    };
    match act(&entry, kind) {
        Ok(done) => judged(done, is_there(&entry, path)),
        Err(outcome) => outcome,
    }
}

fn is_there(entry: &Entry, path: &str) -> Result<bool, Unavailable> {
    entry.kind().map(|kind| kind.is_some()).map_err(|error| unavailable(path, &error))
}
