//! Why the agent could not do its work.

use std::fmt;

/// How the agent exits. The numbers are a promise to whoever starts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All was done, whatever the probes found.
    Fine = 0,
    /// The command line or the request makes no sense.
    Usage = 2,
    /// The work could not begin.
    CouldNotRun = 3,
    /// The deadline came first, as timeout(1) says it.
    Deadline = 124,
    /// SIGTERM or SIGINT, as the plugins say it.
    Terminated = 130,
}

/// An error, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    error: String,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn usage(error: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, error: error.into(), hint: None }
    }

    pub(crate) fn could_not_run(error: impl Into<String>) -> Self {
        Self { exit: Exit::CouldNotRun, error: error.into(), hint: None }
    }

    /// Adds one sentence, without a full stop.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The error alone, for one line.
    pub(crate) fn error(&self) -> &str {
        &self.error
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.error)?;
        match &self.hint {
            Some(hint) => writeln!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}
