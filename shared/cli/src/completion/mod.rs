//! Completion of command lines, by kubectl and by shells.
//!
//! kubectl asks a program `kubectl_complete-NAME` on the `PATH`, with the words after the plugin's
//! name, and reads a value in each line, its description after a tab, and `:N` at the end. Shells ask
//! the plugin itself, through the script that `completion SHELL` prints. Both come to the same
//! engine, which takes values from the flags' declarations and from [`values`].

mod directive;
mod kubectl;
mod shell;
pub mod values;

use std::ffi::OsString;

pub use shell::{Completion, Shell, print};

use crate::Failure;

/// Answers a shell or kubectl that asks for values. None if nobody does.
pub(crate) fn answer(
    command: impl Fn() -> clap::Command,
    arguments: &[OsString],
) -> Option<Result<String, Failure>> {
    match kubectl::question(arguments) {
        Some(words) => Some(Ok(kubectl::answer(command(), words))),
        None => shell::answer(command, arguments),
    }
}
