//! A name in a directory: what is taken away is that name, and nothing that it leads to.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RenameFlags, open, renameat_with, statat, unlinkat,
};
use rustix::io::Errno;

use crate::host::HostRoot;

/// A directory that is held open, and a name in it.
pub(super) struct Entry {
    directory: OwnedFd,
    name: String,
}

impl Entry {
    /// The entry of a path on the host; nothing where its directory does not exist.
    pub(super) fn of(root: &HostRoot, path: &str) -> io::Result<Option<Self>> {
        let (directory, name) = path
            .rsplit_once('/')
            .filter(|(_, name)| !["", ".", ".."].contains(name))
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a path of a file"))?;
        let place = root.locate(if directory.is_empty() { "/" } else { directory })?;
        match open(&place, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
            Ok(directory) => Ok(Some(Self { directory, name: name.to_owned() })),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What it is; nothing where it is not there. Links are links.
    pub(super) fn kind(&self) -> io::Result<Option<FileType>> {
        match statat(&self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(status) => Ok(Some(FileType::from_raw_mode(status.st_mode))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn unlink(&self) -> io::Result<()> {
        Ok(unlinkat(&self.directory, &self.name, AtFlags::empty())?)
    }

    pub(super) fn remove_directory(&self) -> io::Result<()> {
        Ok(unlinkat(&self.directory, &self.name, AtFlags::REMOVEDIR)?)
    }

    /// Gives it another name in the same directory, if that is free.
    pub(super) fn rename(&self, name: &str) -> io::Result<()> {
        let (directory, flags) = (&self.directory, RenameFlags::NOREPLACE);
        Ok(renameat_with(directory, &self.name, directory, name, flags)?)
    }
}
