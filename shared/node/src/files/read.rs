//! Reading files that others wrote.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use kcilium_core::facts::Unavailable;
use rustix::fs::OFlags;

use crate::host::HostRoot;
use crate::unavailable::unavailable;

/// Enough for every file that people write by hand, bytes.
pub(crate) const SMALL: u64 = 1024 * 1024;

/// The text of a file of at most `limit` bytes, by its path on the host.
///
/// # Errors
/// Also when it is no regular file, or larger.
pub(crate) fn read_text(root: &HostRoot, path: &str, limit: u64) -> Result<String, Unavailable> {
    root.locate(path)
        .and_then(|place| read_regular(&place, limit))
        .map_err(|error| unavailable(path, &error))
}

/// The same for a file that need not exist.
pub(crate) fn read_if_exists(root: &HostRoot, path: &str) -> Result<Option<String>, Unavailable> {
    let read = root.locate(path).and_then(|place| read_regular(&place, SMALL));
    match read {
        Ok(text) => Ok(Some(text)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(unavailable(path, &error)),
    }
}

/// Entries of a directory that need not exist, by their paths on the host, sorted.
pub(crate) fn list_if_exists(root: &HostRoot, path: &str) -> Result<Vec<String>, Unavailable> {
    match list(root, path) {
        Ok(names) => Ok(names.into_iter().map(|name| format!("{path}/{name}")).collect()),
        Err(error) if is_absent(&error) => Ok(Vec::new()),
        Err(error) => Err(unavailable(path, &error)),
    }
}

/// Names of the entries of a directory, sorted by their bytes. Those that are not UTF-8 are left
/// out: no program that is meant here reads them.
pub(super) fn list(root: &HostRoot, path: &str) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in root.locate(path)?.read_dir()? {
        names.extend(entry?.file_name().into_string().ok());
    }
    names.sort_unstable();
    Ok(names)
}

pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The text of a regular file of at most `limit` bytes; what is not UTF-8 in it is replaced.
pub(super) fn read_regular(path: &Path, limit: u64) -> io::Result<String> {
    read_limited(open_regular(path.to_owned())?, limit)
}

/// At most so many bytes of text.
pub(super) fn read_limited(source: impl io::Read, limit: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    source.take(limit + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("larger than {limit} bytes"),
        ));
    }
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

pub(super) fn open_regular(path: PathBuf) -> io::Result<File> {
    // Asked before it is opened, because opening alone does things to some devices; and again
    // afterwards, because it may have been exchanged. A FIFO would block either without a writer.
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    if !path.metadata()?.is_file() {
        return Err(not_regular());
    }
    let file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(not_regular());
    }
    Ok(file)
}

fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")
}
