//! What came of a run.

use bytes::Bytes;
use jiff::Timestamp;
use kcilium_core::facts::Unavailable;

use super::{absence::Absence, plan::Errand};

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// What came of each errand.
    pub outcomes: Vec<Outcome>,
    /// Runs whose time was over, and whose objects were still there.
    pub swept: Vec<Swept>,
    /// Why the program was sent into running pods, and not put into ConfigMaps.
    pub without_maps: Option<Absence>,
    /// What could not be removed.
    pub left: Option<Leftover>,
    /// Whether the run came to its end.
    pub ending: Ending,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself.
    Done,
    /// Somebody interrupted it.
    Interrupted,
}

/// What came of one errand.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The errand.
    pub errand: Errand,
    /// How the program ended, or why it did not.
    pub end: End,
    /// What it printed, as far as it came; at most 1 MiB.
    pub printed: Printed,
}

/// How the program ended, or why it did not.
pub type End = Result<Ended, Absence>;

/// What the program printed, or why nobody knows.
pub type Printed = Result<Bytes, Unavailable>;

/// Of a program that did not run.
pub(super) fn nothing_printed() -> Unavailable {
    Unavailable::not_collected("output of the node agent")
}

/// How the program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code. 126 and 127 are the shell's: it could not run the program, or has no gzip.
    pub exit_code: i32,
    /// The kubelet's word for it: `Completed`, `Error`, `OOMKilled`, `DeadlineExceeded` …
    pub reason: String,
    /// Its termination message, at most 4096 bytes; the end of what it printed if it left none and
    /// failed.
    pub summary: String,
}

/// Somebody else's run that was removed because its time was over.
#[derive(Clone, Debug)]
pub struct Swept {
    /// Its namespace.
    pub namespace: String,
    /// Whose it was, as far as a label can hold that.
    pub owner: String,
    /// What could not be removed.
    pub left: Option<Leftover>,
}

/// A namespace that may still be there. Its display says why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "namespace {namespace} may still be there: {why}; a run after {deadline} removes it, or \
     `kubectl delete namespace {namespace}`"
)]
pub struct Leftover {
    /// Its name.
    pub namespace: String,
    /// Why.
    pub why: String,
    /// From when on another run removes it.
    pub deadline: Timestamp,
}
