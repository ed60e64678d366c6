//! What is said on standard error.

use std::io::{self, Write};

use kcilium_cli::{Style, control};

/// Says a sentence after a label.
pub(crate) fn remark(
    out: &mut impl Write,
    style: Style,
    label: &str,
    text: &str,
) -> io::Result<()> {
    let text = control::escape(text);
    ignore_closed(writeln!(out, "{} {text}", style.paint(label)))
}

/// Nobody has to read the remarks.
pub(crate) fn ignore_closed(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
