//! Charts as `helm package` writes them: a gzipped tar with one folder.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufReader, Read},
    path::{Component, Path},
};

use flate2::bufread::MultiGzDecoder;
use tar::{Archive, EntryType};

use super::{
    ChartError,
    files::{self, File, Files},
};

/// The most that an archive may unpack to, in bytes; Cilium's charts unpack to 2 MiB. Helm itself
/// stops at 100 MiB.
const MAX_UNPACKED: u64 = 32 << 20;

/// The most entries; Cilium's charts have 300.
const MAX_ENTRIES: usize = 10_000;

/// The folder of the charts that Cilium releases.
const USUAL: &str = "cilium";

pub(super) fn read(path: &Path) -> Result<Files, ChartError> {
    let failed = |source| ChartError::Read { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(failed)?;
    // Empty members of gzip unpack to nothing, however many there are.
    let packed = BufReader::new(Limited::new(file, MAX_UNPACKED));
    let unpacked = Limited::new(MultiGzDecoder::new(packed), MAX_UNPACKED);
    let mut folders = charts(unpacked).map_err(failed)?;
    folders.retain(|_, files| files.chart.is_some());
    if let Some(files) = folders.remove(USUAL) {
        return Ok(files);
    }
    if folders.len() > 1 {
        let folders = folders.into_keys().collect();
        return Err(ChartError::SeveralCharts { path: path.to_owned(), folders });
    }
    Ok(folders.into_values().next().unwrap_or_default())
}

/// The files of each folder at the top.
fn charts(tar: impl Read) -> io::Result<BTreeMap<String, Files>> {
    let mut folders: BTreeMap<String, Files> = BTreeMap::new();
    for (number, entry) in Archive::new(tar).entries()?.enumerate() {
        if number == MAX_ENTRIES {
            return Err(io::Error::other(format!("it has more than {MAX_ENTRIES} entries")));
        }
        let entry = entry?;
        // Links lead elsewhere, and sparse files unpack to more than is there.
        if entry.header().entry_type() != EntryType::Regular {
            continue;
        }
        let Some((folder, file)) = place(&entry.path()?) else { continue };
        // As with Helm, the last of a name counts.
        folders.entry(folder).or_default().put(file, files::contents(entry)?);
    }
    Ok(folders)
}

/// The folder at the top, and which of the files it is.
fn place(path: &Path) -> Option<(String, File)> {
    let mut parts = path.components().filter(|part| *part != Component::CurDir);
    let (Component::Normal(folder), Component::Normal(name), None) =
        (parts.next()?, parts.next()?, parts.next())
    else {
        return None;
    };
    let file = File::ALL.into_iter().find(|file| name == file.name())?;
    Some((folder.to_str()?.to_owned(), file))
}

/// A reader that fails where it would have to go on past a number of bytes.
struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R> Limited<R> {
    fn new(inner: R, left: u64) -> Self {
        Self { inner, left }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let left = self.left.checked_sub(read as u64);
        self.left = left.ok_or_else(|| {
            let limit = MAX_UNPACKED >> 20;
            io::Error::other(format!("it is, or unpacks to, more than {limit} MiB"))
        })?;
        Ok(read)
    }
}
