//! Cilium out of a cluster: [`survey`] finds what is there, [`backup`] writes down what cannot be had
//! again, [`execute`] removes what a [plan](kcilium_core::removal::Plan) says.
//!
//! Nothing but [`execute`], [`Lock`] and [`restore`] changes anything.

pub mod backup;
mod discovery;
mod documents;
mod execute;
mod lock;
mod read;
mod restore;
mod survey;

pub use execute::{Cleaning, Event, Outcome, Report, Staging, execute};
pub use lock::{Lock, LockError};
pub use restore::{Restored, restore};
pub use survey::{Survey, Wish, survey};
