//! What is said on standard error.

use std::io::{self, Write};

use crate::{Style, control};

/// Says a sentence after a label.
///
/// # Errors
/// What cannot be written, unless nobody reads it.
pub fn remark(out: &mut impl Write, style: Style, label: &str, text: &str) -> io::Result<()> {
    let text = control::escape(text);
    ignore_closed(writeln!(out, "{} {text}", style.paint(label)))
}

/// Nobody has to read the remarks.
///
/// # Errors
/// All others.
pub fn ignore_closed(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
