//! Snapshot files: facts kept for later, or for somebody else to look at.
//!
//! The format is [`kcilium_core::facts::snapshot`]'s, plain or compressed with gzip.

mod error;
mod read;
mod write;

use std::path::Path;

pub use error::{FileKind, SnapshotFileError};
pub use read::{MAX_SNAPSHOT_BYTES, read};
pub use write::{Overwrite, write};

/// The path that stands for standard input or output.
const STREAM: &str = "-";

fn is_stream(path: &Path) -> bool {
    path == Path::new(STREAM)
}
