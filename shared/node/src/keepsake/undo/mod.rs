//! Putting back what was taken away, where it is lacking: what others did since stays.

mod act;
mod decide;
mod ruleset;

use std::ops::ControlFlow;

use kcilium_core::leftovers::{HostState, Leftover, Remembered};
use serde::{Deserialize, Serialize};

use super::Keepsake;
use crate::clean::{Refusal, no_agent};
use crate::host::HostRoot;
use crate::leftovers::read_leftovers;

/// Whether anything is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undoing {
    /// Nothing: what would be done is to be told.
    Look,
    /// It is.
    Act,
}

/// Something that was taken away, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Returning {
    /// What it is.
    pub what: Leftover,
    /// What became of it.
    pub outcome: Return,
}

/// What becomes of something that was taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Return {
    /// It is lacking, and can be put back.
    Lacking,
    /// It was lacking, and is there.
    Back,
    /// It was there already.
    There,
    /// It is not put back, because something else stands in its place.
    Left {
        /// What.
        why: String,
    },
    /// It cannot be put back.
    Impossible {
        /// Why not.
        why: String,
    },
    /// It should be there, and is not.
    Failed {
        /// What was said.
        why: String,
    },
}

impl std::fmt::Display for Return {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lacking => f.write_str("to be put back"),
            Self::Back => f.write_str("put back"),
            Self::There => f.write_str("is there"),
            Self::Left { why } => write!(f, "left: {why}"),
            Self::Impossible { why } => write!(f, "not put back: {why}"),
            Self::Failed { why } => write!(f, "failed: {why}"),
        }
    }
}

/// Puts back everything that a keepsake has and the host lacks; done twice, it does nothing the
/// second time. `told` hears of each thing before it is acted on, and says whether to go on.
///
/// # Errors
/// When an agent lives, or may: it has its own idea of what belongs on the host.
pub async fn undo(
    root: &HostRoot,
    keepsake: &Keepsake,
    undoing: Undoing,
    told: &mut dyn FnMut(&Leftover) -> ControlFlow<()>,
) -> Result<Vec<Returning>, Refusal> {
    no_agent(root)?;
    let before = read_leftovers(root, Remembered::default()).await;
    let things = act::in_order(keepsake.plan());
    let decide = |state: &HostState, what: &Leftover| decide::decide(root, keepsake, state, what);
    let decided: Vec<Return> = things.iter().map(|what| decide(&before, what)).collect();
    if undoing == Undoing::Look {
        return Ok(returning(&things, decided));
    }
    let lacking: Vec<&Leftover> = things
        .iter()
        .zip(&decided)
        .filter(|(_, outcome)| **outcome == Return::Lacking)
        .map(|(what, _)| *what)
        .collect();
    let mut acted = act::put_back(root, keepsake, &before, &lacking, told).into_iter();
    let after = read_leftovers(root, Remembered::default()).await;
    let outcomes = things.iter().zip(decided).map(|(what, outcome)| {
        if outcome != Return::Lacking {
            return outcome;
        }
        match (decide(&after, what), acted.next()) {
            (Return::There, _) => Return::Back,
            // It was not begun.
            (_, None) => Return::Lacking,
            (_, Some(Err(why))) => Return::Failed { why },
            (Return::Lacking, Some(Ok(()))) => {
                Return::Failed { why: "it is not there afterwards".into() }
            }
            (other, Some(Ok(()))) => other,
        }
    });
    let outcomes = outcomes.collect();
    Ok(returning(&things, outcomes))
}

fn returning(things: &[&Leftover], outcomes: Vec<Return>) -> Vec<Returning> {
    let pairs = things.iter().zip(outcomes);
    pairs.map(|(what, outcome)| Returning { what: (*what).clone(), outcome }).collect()
}
