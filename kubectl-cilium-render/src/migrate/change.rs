//! What was rewritten, and what was not.

use std::fmt;

use super::place;
use crate::layers::Origin;

/// What became of an old spelling.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Where it stands.
    pub at: Origin,
    /// The old key, with its value where the value is what is old.
    pub old: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why: one sentence without a full stop.
    pub why: &'static str,
}

/// What became of an old spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is gone.
    Rewritten {
        /// What stands in its place.
        written: Vec<String>,
        /// New keys that were given already, and stay as they were.
        given: Vec<String>,
    },
    /// It is still there: nothing means the same, or something else stands in the way.
    Left,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", place(&self.at), self.old)?;
        match &self.outcome {
            Outcome::Left => f.write_str(" stays as it is")?,
            Outcome::Rewritten { written, given } if written.is_empty() && given.is_empty() => {
                f.write_str(" -> nothing")?;
            }
            Outcome::Rewritten { written, given } => {
                f.write_str(" -> ")?;
                f.write_str(&written.join(", "))?;
                if !given.is_empty() {
                    let comma = if written.is_empty() { "" } else { "; " };
                    write!(f, "{comma}{} is given already and stays", given.join(", "))?;
                }
            }
        }
        write!(f, " ({})", self.why)
    }
}
