use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use kcilium_core::facts::snapshot::SchemaVersion;

use super::is_stream;

const WHAT_A_SNAPSHOT_IS: &str = "a snapshot is a JSON object with the field `schemaVersion`, \
    plain or compressed with gzip, as these tools write it";

/// Why a snapshot file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotFileError {
    /// There is no such file.
    #[error("{} does not exist", Input(path))]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file may not be opened.
    #[error("no permission to open {}", Input(path))]
    Forbidden {
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The path leads to something that holds no snapshot.
    #[error("{} is a {kind}, not a file", Input(path))]
    NotAFile {
        /// What is not a file.
        path: PathBuf,
        /// What it is.
        kind: FileKind,
    },
    /// Reading failed.
    #[error("cannot read {}", Input(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The file has no content, or blanks only.
    #[error("{} is empty", Input(path))]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The document is larger than any snapshot.
    #[error("{} is larger than {} MiB when decoded", Input(path), limit >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is read at most, in bytes.
        limit: u64,
    },
    /// The compressed data end too early.
    #[error("{} is cut short: its gzip data end too early", Input(path))]
    GzipCutShort {
        /// The file.
        path: PathBuf,
    },
    /// The compressed data make no sense.
    #[error("{} is damaged: its gzip data cannot be decoded", Input(path))]
    GzipDamaged {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        source: io::Error,
    },
    /// The document does not begin as a JSON object does.
    #[error("{} is not a snapshot: it does not begin with `{{`", Input(path))]
    NotAnObject {
        /// The file.
        path: PathBuf,
    },
    /// The JSON ends too early.
    #[error("{} is cut short: its JSON ends at line {line}, column {column}", Input(path))]
    CutShort {
        /// The file.
        path: PathBuf,
        /// Line of the end, from 1.
        line: usize,
        /// Column of the end, in bytes.
        column: usize,
    },
    /// The document is no JSON, or its fields hold something else; the cause says where.
    #[error("{} is not a snapshot", Input(path))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the decoder says, with line and column.
        source: serde_json::Error,
    },
    /// The document is JSON of another kind.
    #[error("{} is not a snapshot: it has no field `schemaVersion`", Input(path))]
    NoSchemaVersion {
        /// The file.
        path: PathBuf,
    },
    /// The document was written by a newer tool.
    #[error(
        "{} has schema version {found}, this tool reads up to {}.x",
        Input(path),
        SchemaVersion::CURRENT.major
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: SchemaVersion,
    },
    /// The file exists, and is not to be replaced.
    #[error("{} exists already", Output(path))]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The directory for the file does not exist.
    #[error("cannot write {}: its directory does not exist", Output(path))]
    NoDirectory {
        /// The file.
        path: PathBuf,
    },
    /// Facts could not be encoded.
    #[error("cannot encode the snapshot for {}", Output(path))]
    Encode {
        /// The file.
        path: PathBuf,
        /// What the encoder says.
        source: serde_json::Error,
    },
    /// Writing failed.
    #[error("cannot write {}", Output(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
}

/// What a path can lead to that holds no snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A directory.
    Directory,
    /// A disk, or a part of one.
    BlockDevice,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Directory => "directory",
            Self::BlockDevice => "block device",
        })
    }
}

impl FileKind {
    /// What makes a file unfit. Pipes and character devices are fit: they are what process
    /// substitution and `/dev/stdin` are made of.
    pub(super) fn unfit(metadata: &std::fs::Metadata) -> Option<Self> {
        if metadata.is_dir() {
            Some(Self::Directory)
        } else if is_block_device(metadata) {
            Some(Self::BlockDevice)
        } else {
            None
        }
    }
}

#[cfg(unix)]
fn is_block_device(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_block_device(&metadata.file_type())
}

#[cfg(not(unix))]
fn is_block_device(_: &std::fs::Metadata) -> bool {
    false
}

impl SnapshotFileError {
    /// What the reader can do about it, if there is anything: one sentence without a full stop.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing { .. } => "check the path; `-` stands for standard input",
            Self::Forbidden { .. } => {
                "a snapshot is private to the user who wrote it, because it tells the network's \
                 layout: run as that user"
            }
            Self::NotAFile { kind: FileKind::Directory, .. } => "name a file in the directory",
            Self::Empty { .. } => "the command that should have written it may have failed",
            Self::TooLarge { .. } => "collect the facts of fewer nodes into one snapshot",
            Self::NotAnObject { .. } | Self::Malformed { .. } | Self::NoSchemaVersion { .. } => {
                WHAT_A_SNAPSHOT_IS
            }
            Self::GzipCutShort { .. } | Self::GzipDamaged { .. } | Self::CutShort { .. } => {
                "the file was not written or copied to its end: copy it again, or collect the \
                 facts again"
            }
            Self::TooNew { .. } => "update this tool: a newer one wrote the snapshot",
            Self::Exists { .. } => "choose another name, or remove the file first",
            Self::NoDirectory { path } => {
                return Some(format!(
                    "create the directory {}",
                    Quoted(super::write::parent(path))
                ));
            }
            Self::NotAFile { .. }
            | Self::Read { .. }
            | Self::Encode { .. }
            | Self::Write { .. } => {
                return None;
            }
        };
        Some(hint.to_owned())
    }
}

struct Quoted<'a>(&'a Path);
struct Input<'a>(&'a Path);
struct Output<'a>(&'a Path);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0.display())
    }
}

impl fmt::Display for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_stream(self.0) { f.write_str("standard input") } else { Quoted(self.0).fmt(f) }
    }
}

impl fmt::Display for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_stream(self.0) { f.write_str("standard output") } else { Quoted(self.0).fmt(f) }
    }
}
