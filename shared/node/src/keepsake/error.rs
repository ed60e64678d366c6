//! Why something cannot be kept, or put back.

use std::io;

use crate::unavailable::plain;

/// Nothing is taken away from a host of which nothing can be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepsakeError {
    /// A file cannot be read or written.
    #[error("{path}: {why}")]
    File {
        /// Its path on the host.
        path: String,
        /// What the system said.
        why: String,
    },
    /// Others could write into the directory.
    #[error("{path}: {why}")]
    Unsafe {
        /// Its path on the host.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// Another run is at work.
    #[error("{path} is locked: another run cleans this host")]
    Locked {
        /// Its path on the host.
        path: String,
    },
    /// What was written is not what can be read.
    #[error("{path}: what was written cannot be read back")]
    NotAsWritten {
        /// Its path on the host.
        path: String,
    },
    /// It is no keepsake, or none that this program understands.
    #[error("{path} is no backup that can be read: {why}")]
    Unreadable {
        /// Its path on the host.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// It was made on another host.
    #[error("{path} is of the host {of}, and this is {name}")]
    OfAnotherHost {
        /// Its path on the host.
        path: String,
        /// Where it was made.
        of: String,
        /// Where it was to be used.
        name: String,
    },
}

impl KeepsakeError {
    /// What becomes of an error of the system.
    pub(super) fn about(path: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::File { path, why: plain(&error) }
    }
}
