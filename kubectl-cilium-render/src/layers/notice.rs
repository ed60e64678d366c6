//! What a reader of a values file ought to know, though Helm says nothing.

use std::{fmt, sync::Arc};

use super::Position;

/// Something in a values file that Helm takes silently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The file.
    pub name: Arc<str>,
    /// Where in it.
    pub position: Position,
    /// What.
    pub kind: NoticeKind,
}

/// What Helm takes silently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// A key is there twice; the later one counts, as a whole.
    DuplicateKey {
        /// The key.
        key: String,
        /// Where it was before.
        first: Position,
    },
    /// Two keys differ in the file, such as `1` and `"1"`, but are one for Helm, which takes either.
    CollidingKeys {
        /// The key that both become.
        key: String,
        /// Where the other one is.
        first: Position,
    },
    /// A key that is no text to YAML: Helm makes another text of it than is written.
    KeyChanged {
        /// As written.
        text: String,
        /// What Helm makes of it.
        becomes: String,
    },
    /// The file has several documents. Helm 3 reads the first only, Helm 4 merges them.
    SeveralDocuments,
    /// An integer has more digits than Helm keeps.
    Rounded {
        /// As written.
        text: String,
        /// What Helm makes of it.
        becomes: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.name, self.position, self.kind)
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateKey { key, first } => {
                let line = first.line;
                write!(f, "key `{key}` was already set in line {line}; only this one counts")
            }
            Self::CollidingKeys { key, first } => write!(
                f,
                "key `{key}` was already set in line {}, written differently; Helm takes either \
                 of the two, this one is taken here",
                first.line
            ),
            Self::KeyChanged { text, becomes } => {
                write!(f, "Helm reads the key {text} as `{becomes}`; put it in quotes")
            }
            Self::SeveralDocuments => {
                f.write_str("a second document; merged here as Helm 4 does, Helm 3 ignores it")
            }
            Self::Rounded { text, becomes } => {
                write!(f, "Helm reads {text} as {becomes}; put it in quotes if the digits matter")
            }
        }
    }
}
