use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;
use kcilium_core::facts::{
    Facts,
    snapshot::{SnapshotError, decode},
};

use super::{FileKind, SnapshotFileError, is_stream};

/// What is read at most, in bytes of JSON: 512 MiB.
///
/// A node with thirty pods takes some 30 KiB, so that a fleet of 5 000 such nodes, all of them in
/// one snapshot, fills a third of it.
pub const MAX_SNAPSHOT_BYTES: u64 = 512 << 20;

/// How much is read before the beginning is judged, in bytes.
const HEAD: u64 = 64 << 10;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Reads a snapshot; `-` is standard input.
///
/// Compression is told by the content, not by the name. Pipes are read to their end. Memory is
/// bounded by [`MAX_SNAPSHOT_BYTES`], whatever a compressed file expands to, and what does not
/// begin as a snapshot is not read on.
///
/// # Errors
/// When there is no readable snapshot; the variant says why.
pub fn read(path: &Path) -> Result<Facts, SnapshotFileError> {
    read_up_to(MAX_SNAPSHOT_BYTES, path)
}

fn read_up_to(limit: u64, path: &Path) -> Result<Facts, SnapshotFileError> {
    let reader = Reader { path, limit };
    let json = if is_stream(path) {
        reader.document(io::stdin().lock())?
    } else {
        reader.document(reader.open()?)?
    };
    decode(&json).map_err(|error| reader.decode_error(error))
}

struct Reader<'a> {
    path: &'a Path,
    limit: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Plain,
    Gzip,
}

impl Reader<'_> {
    fn open(&self) -> Result<File, SnapshotFileError> {
        let file = File::open(self.path).map_err(|error| self.open_error(error))?;
        let metadata = file.metadata().map_err(|error| self.open_error(error))?;
        match FileKind::unfit(&metadata) {
            Some(kind) => Err(SnapshotFileError::NotAFile { path: self.path.into(), kind }),
            None => Ok(file),
        }
    }

    fn document(&self, mut source: impl Read) -> Result<Vec<u8>, SnapshotFileError> {
        let mut magic = Vec::new();
        source
            .by_ref()
            .take(GZIP_MAGIC.len() as u64)
            .read_to_end(&mut magic)
            .map_err(|error| self.read_error(Encoding::Plain, error))?;
        let is_gzip = magic == GZIP_MAGIC;
        let source = Cursor::new(magic).chain(source);
        if is_gzip {
            self.json(Encoding::Gzip, MultiGzDecoder::new(BufReader::new(source)))
        } else {
            self.json(Encoding::Plain, source)
        }
    }

    fn json(&self, encoding: Encoding, source: impl Read) -> Result<Vec<u8>, SnapshotFileError> {
        let mut json = Vec::new();
        // One byte over the limit tells a document that just fits from one that does not.
        let mut source = source.take(self.limit + 1);
        let mut read_on =
            |at_most: u64, json: &mut Vec<u8>| source.by_ref().take(at_most).read_to_end(json);
        read_on(HEAD, &mut json).map_err(|error| self.read_error(encoding, error))?;
        self.require_object(&json)?;
        read_on(u64::MAX, &mut json).map_err(|error| self.read_error(encoding, error))?;
        if json.len() as u64 > self.limit {
            return Err(SnapshotFileError::TooLarge { path: self.path.into(), limit: self.limit });
        }
        Ok(json)
    }

    fn require_object(&self, head: &[u8]) -> Result<(), SnapshotFileError> {
        match head.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => Ok(()),
            None if (head.len() as u64) < HEAD => {
                Err(SnapshotFileError::Empty { path: self.path.into() })
            }
            _ => Err(SnapshotFileError::NotAnObject { path: self.path.into() }),
        }
    }

    fn open_error(&self, source: io::Error) -> SnapshotFileError {
        let path = self.path.into();
        match source.kind() {
            io::ErrorKind::NotFound => SnapshotFileError::Missing { path },
            io::ErrorKind::PermissionDenied => SnapshotFileError::Forbidden { path, source },
            _ => SnapshotFileError::Read { path, source },
        }
    }

    /// Errors of the decoder carry no number of the system's; those of the file below it do.
    fn read_error(&self, encoding: Encoding, source: io::Error) -> SnapshotFileError {
        let path = self.path.into();
        if encoding == Encoding::Plain || source.raw_os_error().is_some() {
            SnapshotFileError::Read { path, source }
        } else if source.kind() == io::ErrorKind::UnexpectedEof {
            SnapshotFileError::GzipCutShort { path }
        } else {
            SnapshotFileError::GzipDamaged { path, source }
        }
    }

    fn decode_error(&self, error: SnapshotError) -> SnapshotFileError {
        let path = self.path.into();
        match error {
            SnapshotError::Json(error) if error.is_eof() => {
                SnapshotFileError::CutShort { path, line: error.line(), column: error.column() }
            }
            SnapshotError::TooNew { found } => SnapshotFileError::TooNew { path, found },
            SnapshotError::Json(source) => SnapshotFileError::Malformed { path, source },
            SnapshotError::NotASnapshot => SnapshotFileError::NoSchemaVersion { path },
        }
    }
}
