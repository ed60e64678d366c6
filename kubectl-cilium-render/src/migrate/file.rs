//! Changing a values file.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use tempfile::NamedTempFile;

use crate::emit::KeepError;

/// Where a changed file is, and the copy of what it was.
#[derive(Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// The file, links followed.
    pub file: PathBuf,
    /// The copy.
    pub backup: PathBuf,
}

/// Why a file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It is a pipe, a device or a directory.
    #[error("{} is no regular file, and cannot be changed", .0.display())]
    NoFile(PathBuf),
    /// It does not hold any longer what was read of it.
    #[error("{} was changed by someone else in the meantime", .0.display())]
    Changed(PathBuf),
    /// Its text cannot be changed with its comments kept.
    #[error("cannot change {}", .path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeepError,
    },
    /// It could not be done.
    #[error("cannot {} {}", .what, .path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
}

/// Puts `new` in the place of a file that holds `old`, whole or not at all, and keeps a copy
/// `FILE.bak-TIME` beside it. Links are followed; mode, owner and group stay.
///
/// # Errors
/// Where the file is left as it was.
pub fn rewrite(path: &Path, old: &[u8], new: &[u8]) -> Result<Rewritten, WriteError> {
    let file = path.canonicalize().map_err(io_error("find", path))?;
    let metadata = file.metadata().map_err(io_error("look at", &file))?;
    if !metadata.is_file() {
        return Err(WriteError::NoFile(file));
    }
    // The new text comes first, so that nothing is left behind where it cannot be written.
    let temporary =
        beside(&file, new, &metadata).map_err(io_error("write a file beside", &file))?;
    if fs::read(&file).map_err(io_error("read", &file))? != old {
        return Err(WriteError::Changed(file));
    }
    let backup = back_up(&file, old, &metadata)?;
    temporary.persist(&file).map_err(|error| io_error("replace", &file)(error.error))?;
    Ok(Rewritten { file, backup })
}

fn beside(file: &Path, text: &[u8], metadata: &Metadata) -> io::Result<NamedTempFile> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut temporary = tempfile::Builder::new().prefix(".values-").tempfile_in(folder)?;
    temporary.write_all(text)?;
    dress(temporary.as_file(), metadata)?;
    temporary.as_file().sync_all()?;
    Ok(temporary)
}

fn back_up(file: &Path, text: &[u8], metadata: &Metadata) -> Result<PathBuf, WriteError> {
    let time = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut number = 1;
    loop {
        let mut name = file.as_os_str().to_owned();
        name.push(format!(".bak-{time}"));
        if number > 1 {
            name.push(format!("-{number}"));
        }
        let backup = PathBuf::from(name);
        match create(&backup) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(io_error("create", &backup)(error)),
            Ok(mut copy) => {
                let written = copy
                    .write_all(text)
                    .and_then(|()| dress(&copy, metadata))
                    .and_then(|()| copy.sync_all());
                written.map_err(io_error("write", &backup))?;
                return Ok(backup);
            }
        }
    }
}

/// A new file that nobody else can read: the values may hold secrets.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Gives a file the owner and the mode of another. The owner comes first: a change of it may take
/// bits of the mode away.
fn dress(file: &File, like: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
            std::os::unix::fs::fchown(file, Some(like.uid()), Some(like.gid()))?;
        }
    }
    file.set_permissions(like.permissions())
}

fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.to_owned();
    move |source| WriteError::Io { what, path, source }
}
