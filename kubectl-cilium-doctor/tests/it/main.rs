//! The program as its users meet it: command lines in; text, documents and exit codes out.

#![expect(clippy::unwrap_used, reason = "a test may fail in this way")]

mod command_line;
mod doctor;
mod document;
mod hostile;
mod ignoring;
mod judging;
mod layout;
mod page;

mod recordings;
mod snapshots;
mod streams;
mod sysdumps;
