//! What became of an item when it was to be taken away.

use serde::{Deserialize, Serialize};

use super::Item;

/// One thing that was to be done, and how it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// What was to go.
    pub item: Item,
    /// What became of it.
    pub outcome: Outcome,
}

/// How a step ended. None is assumed: the source was read again after the act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Outcome {
    /// It was there, and is no more.
    Removed,
    /// It was not there any more when its turn came: it went with something else, such as a route
    /// with its device, or somebody was faster.
    AlreadyGone,
    /// It was left alone, because it is no longer what was agreed on.
    Kept {
        /// What is different now.
        why: String,
    },
    /// It is still there.
    Failed {
        /// What the kernel, or the tool, said.
        why: String,
    },
}

impl Outcome {
    /// Something that was left alone.
    pub fn kept(why: impl Into<String>) -> Self {
        Self::Kept { why: why.into() }
    }

    /// Something that could not be done.
    pub fn failed(why: impl Into<String>) -> Self {
        Self::Failed { why: why.into() }
    }

    /// Whether the thing is gone.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Removed | Self::AlreadyGone)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Removed => f.write_str("removed"),
            Self::AlreadyGone => f.write_str("already gone"),
            Self::Kept { why } => write!(f, "kept: {why}"),
            Self::Failed { why } => write!(f, "failed: {why}"),
        }
    }
}
