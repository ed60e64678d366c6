//! The real program in namespaces made here.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may fail in this way")]

mod clean;
mod consent;
mod dirty;
mod hindrance;
mod interruption;
mod undo;
mod verify;
