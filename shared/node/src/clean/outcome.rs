//! What an act came to, once its effect was looked at.

use std::io;

use kcilium_core::facts::Unavailable;
use kcilium_core::leftovers::Outcome;

use crate::unavailable::plain;

/// An act, and whether the thing is there after it.
pub(super) fn judged(act: io::Result<()>, there: Result<bool, Unavailable>) -> Outcome {
    match (act, there) {
        (Ok(()), Ok(false)) => Outcome::Removed,
        // Whatever stood against it, somebody else did it.
        (Err(_), Ok(false)) => Outcome::AlreadyGone,
        (Ok(()), Ok(true)) => {
            Outcome::failed("it was taken away, and is there again: something puts it back")
        }
        (Ok(()), Err(why)) => Outcome::failed(format!("whether it is gone cannot be read: {why}")),
        (Err(error), Ok(true) | Err(_)) => Outcome::failed(plain(&error)),
    }
}
