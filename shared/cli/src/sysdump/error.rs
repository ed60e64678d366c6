use std::{
    io,
    path::{Path, PathBuf},
};

/// Why an archive could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SysdumpError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its directory, which stands at the end, is missing or makes no sense.
    #[error("`{}` is cut short or damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It has more entries than any sysdump.
    #[error("`{}` has {entries} entries, more than {limit}", path.display())]
    TooMany {
        /// The file.
        path: PathBuf,
        /// How many it has.
        entries: u64,
        /// How many are allowed.
        limit: u64,
    },
    /// One of its files is too large when it is unpacked.
    #[error("{entry} in `{}` is larger than {} MiB when unpacked", path.display(), limit >> 20)]
    EntryTooLarge {
        /// The file.
        path: PathBuf,
        /// The entry.
        entry: String,
        /// What is read at most, bytes.
        limit: u64,
    },
    /// All that would be read is too large.
    #[error("`{}` is larger than {} MiB when unpacked", path.display(), limit >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is read at most, bytes.
        limit: u64,
    },
    /// One of its files cannot be unpacked or understood.
    #[error("{entry} in `{}` cannot be read: {reason}", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// The entry.
        entry: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No file has a name that sysdumps have.
    #[error(
        "`{}` is no archive of `cilium sysdump`: it has no file such as k8s-nodes-….yaml",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
}

impl SysdumpError {
    /// What the reader can do about it, if there is anything: one sentence without a full stop.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unreadable { .. } => None,
            Self::Damaged { .. } => Some(
                "the file was not written or copied to its end: copy it again, or take the \
                 sysdump again",
            ),
            Self::TooMany { .. } | Self::EntryTooLarge { .. } | Self::TooLarge { .. } => Some(
                "take a sysdump of fewer nodes with --node-list, or examine the cluster itself",
            ),
            Self::Entry { .. } => Some("without this file (`zip -d`) the others can be examined"),
            Self::Foreign { .. } => {
                Some("--from takes a snapshot, a folder of a recording, or a sysdump")
            }
        }
    }

    pub(super) fn unreadable(path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Unreadable { path: path.clone(), source }
    }
}
