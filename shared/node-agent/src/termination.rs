//! The container's termination message.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use crate::failure::Failure;

/// Where Kubernetes looks for it, unless the pod says otherwise.
const DEFAULT: &str = "/dev/termination-log";

/// The file that the summary goes to, opened before the way to it is lost in another mount namespace.
pub(crate) struct TerminationMessage(Option<File>);

impl TerminationMessage {
    /// The file that was named, else the usual one where it exists.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        options.write(true).truncate(true);
        match path {
            Some(path) => {
                options.create(true).open(path).map(|file| Self(Some(file))).map_err(|error| {
                    Failure::could_not_run(format!(
                        "--termination-message {}: {error}",
                        path.display()
                    ))
                })
            }
            None => Ok(Self(options.open(DEFAULT).ok())),
        }
    }

    /// Writes a summary. A file that cannot be written has no other way to complain than the exit
    /// code, which tells of the work.
    pub(crate) fn write(self, summary: &str) {
        if let Some(mut file) = self.0 {
            let _ = file.write_all(summary.as_bytes());
        }
    }
}
