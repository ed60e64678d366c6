//! The zip file, read with bounds: it may come from anybody.

use std::{
    borrow::Cow,
    fmt,
    fs::File,
    io::{BufReader, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use zip::{ZipArchive, result::ZipError};

use super::SysdumpError;

/// How many entries are looked at. A sysdump has some 200 for each node.
const MAX_ENTRIES: u64 = 1_000_000;

/// The largest file that is read, bytes.
pub(super) const MAX_ENTRY_BYTES: u64 = 256 << 20;

/// All files that are read, bytes.
const MAX_BYTES: u64 = 512 << 20;

/// All files of which the archive is as good without, bytes; and each of them.
const MAX_SPARE_BYTES: u64 = 128 << 20;
const MAX_SPARE_ENTRY_BYTES: u64 = 16 << 20;

/// The end of a log that is kept, and all that is read of logs to get there, bytes.
const LOG_END: usize = 256 << 10;
const MAX_LOG_BYTES: u64 = 1 << 30;

/// What zip files begin with; those without entries begin with their end.
const BEGINNINGS: [[u8; 4]; 2] = [*b"PK\x03\x04", *b"PK\x05\x06"];

/// Whether a file is a zip archive, whatever its name. Pipes are not looked into.
pub fn is_archive(path: &Path) -> bool {
    let mut beginning = [0; 4];
    path.is_file()
        && File::open(path).and_then(|mut file| file.read_exact(&mut beginning)).is_ok()
        && BEGINNINGS.contains(&beginning)
}

/// An archive that is being read.
pub(super) struct Archive {
    path: PathBuf,
    zip: ZipArchive<BufReader<File>>,
    /// Bytes that may still be read: of all, of what can be done without, and of logs.
    left: u64,
    spare_left: u64,
    logs_left: u64,
}

impl Archive {
    pub(super) fn open(path: &Path) -> Result<Self, SysdumpError> {
        let unreadable = SysdumpError::unreadable(path);
        let mut file = File::open(path).map_err(&unreadable)?;
        let entries = entries(&mut file).map_err(&unreadable)?;
        if entries > MAX_ENTRIES {
            return Err(SysdumpError::TooMany { path: path.into(), entries, limit: MAX_ENTRIES });
        }
        let zip = ZipArchive::new(BufReader::new(file)).map_err(|error| match error {
            ZipError::Io(source) if source.raw_os_error().is_some() => unreadable(source),
            other => SysdumpError::Damaged { path: path.into(), reason: other.to_string() },
        })?;
        Ok(Self {
            path: path.into(),
            zip,
            left: MAX_BYTES,
            spare_left: MAX_SPARE_BYTES,
            logs_left: MAX_LOG_BYTES,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.zip.len()
    }

    /// The name of an entry; one that cannot be read is none that is looked for.
    pub(super) fn name(&self, index: usize) -> String {
        let name = self.zip.name_for_index(index).and_then(Result::ok);
        name.map(Cow::into_owned).unwrap_or_default()
    }

    /// The text of an entry; bytes that are not UTF-8 are replaced, and fail in the decoder.
    pub(super) fn text(&mut self, index: usize, name: &str) -> Result<String, SysdumpError> {
        let limit = MAX_ENTRY_BYTES.min(self.left);
        let mut bytes = Vec::new();
        // What the entry says of its size is not believed: it is read until the limit.
        let read = self.zip.by_index(index).and_then(|entry| {
            entry.take(limit + 1).read_to_end(&mut bytes).map_err(ZipError::from)
        });
        if let Err(error) = read {
            return Err(self.broken(name, &error));
        }
        let path = self.path.clone();
        let length = bytes.len() as u64;
        if length > MAX_ENTRY_BYTES {
            let entry = printable(name);
            return Err(SysdumpError::EntryTooLarge { path, entry, limit: MAX_ENTRY_BYTES });
        }
        self.left = self
            .left
            .checked_sub(length)
            .ok_or(SysdumpError::TooLarge { path, limit: MAX_BYTES })?;
        Ok(text(bytes))
    }

    /// The text of an entry that can be done without; none where it, or all such, are too large.
    pub(super) fn spare_text(
        &mut self,
        index: usize,
        name: &str,
    ) -> Result<Option<String>, SysdumpError> {
        let limit = MAX_SPARE_ENTRY_BYTES.min(self.spare_left);
        let mut bytes = Vec::new();
        let read = self.zip.by_index(index).and_then(|entry| {
            entry.take(limit + 1).read_to_end(&mut bytes).map_err(ZipError::from)
        });
        if let Err(error) = read {
            return Err(self.broken(name, &error));
        }
        let length = bytes.len() as u64;
        if length > limit {
            return Ok(None);
        }
        self.spare_left -= length;
        Ok(Some(text(bytes)))
    }

    /// The end of a log; none where nobody gets there within reason.
    pub(super) fn log_end(
        &mut self,
        index: usize,
        name: &str,
    ) -> Result<Option<String>, SysdumpError> {
        let mut end = Vec::new();
        let mut left = self.logs_left;
        let read = self.zip.by_index(index).and_then(|mut entry| {
            let mut chunk = [0; 16 << 10];
            loop {
                let length = entry.read(&mut chunk)?;
                let Some(rest) = left.checked_sub(length as u64) else { return Ok(false) };
                left = rest;
                if length == 0 {
                    return Ok(true);
                }
                end.extend_from_slice(&chunk[..length]);
                end.drain(..end.len().saturating_sub(LOG_END));
            }
        });
        self.logs_left = left;
        match read {
            Ok(is_whole) => Ok(is_whole.then(|| text(end))),
            Err(error) => Err(self.broken(name, &error)),
        }
    }

    pub(super) fn broken(&self, entry: &str, reason: &dyn fmt::Display) -> SysdumpError {
        SysdumpError::Entry {
            path: self.path.clone(),
            entry: printable(entry),
            reason: reason.to_string(),
        }
    }
}

/// Bytes that are not UTF-8 are replaced.
fn text(bytes: Vec<u8>) -> String {
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

/// A name for a message: without what would move a terminal's cursor.
fn printable(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// How many entries the end of the archive announces, before all of them are read into memory.
/// 0 where there is no end, which the reader then says.
fn entries(file: &mut File) -> std::io::Result<u64> {
    /// Its length, without the comment of at most 64 KiB.
    const END: u64 = 22;
    const END_SIGNATURE: &[u8] = b"PK\x05\x06";
    const LOCATOR: usize = 20;
    const LOCATOR_SIGNATURE: &[u8] = b"PK\x06\x07";

    let length = file.seek(SeekFrom::End(0))?;
    let start = length.saturating_sub(END + (64 << 10) + LOCATOR as u64);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.by_ref().take(length - start).read_to_end(&mut tail)?;
    let end = tail.windows(4).rposition(|bytes| bytes == END_SIGNATURE);
    let Some(end) = end.filter(|end| tail.len() - end >= 12) else { return Ok(0) };
    let short = u16::from_le_bytes([tail[end + 10], tail[end + 11]]);
    // Beyond 65 535 entries the number stands in another record, and a locator tells where.
    let locator = end.checked_sub(LOCATOR).map(|at| &tail[at..end]);
    let locator = locator.filter(|bytes| bytes.starts_with(LOCATOR_SIGNATURE));
    let long = match locator.and_then(|bytes| bytes[8..16].try_into().ok()) {
        None => None,
        Some(at) => {
            let mut count = [0; 8];
            let at = u64::from_le_bytes(at).saturating_add(32);
            file.seek(SeekFrom::Start(at.min(length)))?;
            file.read_exact(&mut count).ok().map(|()| u64::from_le_bytes(count))
        }
    };
    file.rewind()?;
    Ok(long.unwrap_or_else(|| short.into()))
}
