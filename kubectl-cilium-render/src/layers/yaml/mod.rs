//! Values files, read as Helm reads them: go-yaml v2, then JSON.
//!
//! The grammar is granit-parser's; what a scalar is, what a key is, merge keys, duplicate keys and
//! the limit on aliases are go-yaml's. Where the two Helm versions differ, Helm 4 is followed: all
//! documents of a file are merged, and a block scalar at the end of a file ends in a line feed.

mod compose;
mod dialect;
mod error;
mod key;
pub(crate) mod resolve;
mod scalar;
mod text;
mod timestamp;

pub use error::YamlError;

use super::{Map, Notice};

/// What a values file holds.
#[derive(Debug, Default)]
pub struct Document {
    /// The values.
    pub values: Map,
    /// What the reader of the file ought to know.
    pub notices: Vec<Notice>,
}

/// The most that is read of a file, in bytes. A release with its values and its manifest has to fit
/// into a Secret, which holds 1 MiB.
pub const MAX_BYTES: usize = 8 << 20;

/// Nodes that a file may unfold to, its aliases resolved.
const MAX_NODES: u64 = 200_000;

/// Levels of maps and lists.
const MAX_DEPTH: usize = 100;

/// Reads a values file, of which `name` is shown in messages and kept in origins.
///
/// # Errors
/// What Helm could not read, and what would take too much memory: larger than [`MAX_BYTES`], more
/// than 200,000 values, or nested deeper than a hundred levels.
pub fn read(name: &str, bytes: &[u8]) -> Result<Document, YamlError> {
    let text = text::decode(name, bytes)?;
    compose::documents(name, &text)
}
