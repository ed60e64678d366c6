//! Cilium in the API of a cluster: what is there, what is done about it, whether it is gone.

mod args;
mod confirm;
mod connection;
mod describe;
mod events;
mod nodes;
mod remove;
mod restore;
mod verify;

pub(crate) use args::{Removal, Restore, Target};
pub(crate) use remove::run as remove;
pub(crate) use restore::run as restore;
pub(crate) use verify::run as verify;
