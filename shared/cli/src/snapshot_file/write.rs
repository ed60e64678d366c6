use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use kcilium_core::facts::{Facts, snapshot::encode};
use tempfile::NamedTempFile;

use super::{FileKind, SnapshotFileError, is_stream};
use crate::printer;

/// How many symbolic links in a row the kernel follows, too.
const MAX_LINKS: usize = 40;

/// What to do where the file exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// Leave it, and fail.
    Refuse,
    /// Put the new one in its place.
    Replace,
}

/// Writes a snapshot; `-` is standard output. A name that ends in `.gz` is compressed.
///
/// The file appears whole or not at all, and only its owner may read it, because it tells the
/// network's layout. A symbolic link stays, and what it leads to is replaced. Pipes, terminals
/// and `/dev/stdout` are written to as they are.
///
/// # Errors
/// When it could not be written whole; the variant says why.
pub fn write(path: &Path, facts: &Facts, overwrite: Overwrite) -> Result<(), SnapshotFileError> {
    let destination = destination(path, overwrite)?;
    let json =
        encode(facts).map_err(|source| SnapshotFileError::Encode { path: path.into(), source })?;
    let document = Document { json: &json, compressed: is_gz(path) };
    match destination {
        Destination::Stdout => document.print(),
        Destination::Special => document.append_to(path),
        Destination::File(file) => document.put_at(&file, overwrite),
    }
    .map_err(|error| write_error(path, error))
}

/// The directory that a file is, or would be, in.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

enum Destination {
    Stdout,
    Special,
    File(PathBuf),
}

fn destination(path: &Path, overwrite: Overwrite) -> Result<Destination, SnapshotFileError> {
    if is_stream(path) {
        return Ok(Destination::Stdout);
    }
    if is_descriptor(path) {
        return Ok(Destination::Special);
    }
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Destination::File(path.into()));
        }
        Err(error) => return Err(write_error(path, error)),
    };
    if let Some(kind) = FileKind::unfit(&metadata) {
        return Err(SnapshotFileError::NotAFile { path: path.into(), kind });
    }
    if !metadata.is_file() {
        return Ok(Destination::Special);
    }
    match overwrite {
        Overwrite::Refuse => Err(SnapshotFileError::Exists { path: path.into() }),
        Overwrite::Replace => {
            fs::canonicalize(path).map(Destination::File).map_err(|error| write_error(path, error))
        }
    }
}

/// Whether a path such as `/dev/stdout` leads to an open file of this process: through `/proc` on
/// Linux, through `/dev/fd` elsewhere.
///
/// With standard output redirected it looks like a regular file, and must not be replaced: a
/// rename would put the snapshot in the place of `/dev/stdout` itself, or of the file that the
/// shell has opened.
fn is_descriptor(path: &Path) -> bool {
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        let Ok(parent) = fs::canonicalize(parent(&path)) else {
            return false;
        };
        if parent.starts_with("/proc") || parent.starts_with("/dev/fd") {
            return true;
        }
        let Ok(target) = fs::read_link(&path) else {
            return false;
        };
        path = parent.join(target);
    }
    false
}

fn is_gz(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
}

struct Document<'a> {
    json: &'a [u8],
    compressed: bool,
}

impl Document<'_> {
    fn print(&self) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(self.json).and_then(|()| stdout.flush()).map_err(printer::stdout_error)
    }

    /// Appending suits what the shell opened with `>` as well as with `>>`, and pipes and devices
    /// make no difference.
    fn append_to(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).open(path)?;
        self.write_to(&mut file).map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => printer::reader_gone(),
            _ => error,
        })
    }

    /// Writes a file beside the place, which `tempfile` creates with mode 0600 and removes when
    /// anything fails, and moves it there when its content is on the disk.
    fn put_at(&self, path: &Path, overwrite: Overwrite) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".snapshot-").tempfile_in(parent(path))?;
        self.write_to(file.as_file_mut())?;
        file.as_file().sync_all()?;
        let moved = match overwrite {
            Overwrite::Refuse => NamedTempFile::persist_noclobber(file, path),
            Overwrite::Replace => NamedTempFile::persist(file, path),
        };
        moved.map(drop).map_err(|error| error.error)
    }

    fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        if self.compressed {
            let mut encoder = GzEncoder::new(out, Compression::default());
            encoder.write_all(self.json)?;
            encoder.finish()?.flush()
        } else {
            out.write_all(self.json)?;
            out.flush()
        }
    }
}

fn write_error(path: &Path, source: io::Error) -> SnapshotFileError {
    let path = path.to_path_buf();
    match source.kind() {
        io::ErrorKind::AlreadyExists => SnapshotFileError::Exists { path },
        io::ErrorKind::NotFound if !parent(&path).exists() => {
            SnapshotFileError::NoDirectory { path }
        }
        _ => SnapshotFileError::Write { path, source },
    }
}
