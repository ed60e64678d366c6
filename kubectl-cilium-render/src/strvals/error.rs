//! Why an argument of `--set` or its kin cannot be read.

use std::{fmt, io};

use super::MAX_SLOTS;
use crate::layers::{Origin, SetFlag};

/// The largest index that Helm takes.
pub(super) const MAX_INDEX: usize = 65_536;

/// The most dots in a path that Helm takes.
pub(super) const MAX_LEVEL: usize = 30;

/// Brackets after one key; Helm has no limit.
pub(super) const MAX_BRACKETS: usize = 30;

/// Characters of the argument that a message shows.
const SHOWN: usize = 200;

/// Why an argument cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("failed parsing {flag} {}", Shown(argument))]
pub struct SetError {
    pub(super) flag: SetFlag,
    pub(super) argument: String,
    #[source]
    pub(super) problem: Box<Problem>,
}

/// What is wrong with it. Where Helm has a text for it, this is the text.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("key {0:?} has no value")]
    NoValue(String),
    #[error("key {0:?} has no value (cannot end with ,)")]
    EndsWithComma(String),
    #[error("key map {0:?} has no value")]
    EmptyMap(String),
    #[error(
        "value name nested level is greater than maximum supported nested level of {MAX_LEVEL}"
    )]
    TooDeep,
    #[error("more than {MAX_BRACKETS} indexes after one key")]
    TooManyBrackets,
    #[error("error parsing index: no `]`")]
    OpenIndex,
    #[error("error parsing index: {0:?} is not an integer")]
    Index(String),
    #[error("negative {0} index not allowed")]
    NegativeIndex(i64),
    #[error("index of {0} is greater than maximum supported index of {MAX_INDEX}")]
    LargeIndex(i64),
    #[error("unexpected data at end of array index: {0:?}")]
    AfterIndex(String),
    #[error("list must terminate with '}}'")]
    OpenList,
    #[error("the indexes ask for more than {MAX_SLOTS} list items")]
    TooManySlots,
    #[error("{path:?} is a {found} (from {origin}), not a {wanted}")]
    Kind { path: String, found: &'static str, wanted: &'static str, origin: Origin },
    #[error("{what} in the JSON value, at character {at}")]
    Json { what: &'static str, at: usize },
    #[error("cannot read {path:?}")]
    File { path: String, source: io::Error },
}

struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(SHOWN) {
            None => write!(f, "`{}`", self.0),
            Some((end, _)) => write!(f, "`{}…`", &self.0[..end]),
        }
    }
}
