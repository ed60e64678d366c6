//! What is said on standard error.

use std::io::{self, IsTerminal as _, Write};

use crate::{Paragraph, Style, control, terminal};

/// Says a sentence after a label, wrapped on a terminal.
///
/// # Errors
/// What cannot be written, unless nobody reads it.
pub fn remark(out: &mut impl Write, style: Style, label: &str, text: &str) -> io::Result<()> {
    let text = control::escape(text);
    let text = if io::stderr().is_terminal() {
        wrapped(label, &text, terminal::width())
    } else {
        text.into_owned()
    };
    ignore_closed(writeln!(out, "{} {text}", style.paint(label)))
}

/// Gives a command after a label: in one line, which can be copied whole.
///
/// # Errors
/// What cannot be written, unless nobody reads it.
pub fn command(out: &mut impl Write, style: Style, label: &str, text: &str) -> io::Result<()> {
    ignore_closed(writeln!(out, "{} {}", style.paint(label), control::escape(text)))
}

/// The lines after a label that takes its room in the first of them.
fn wrapped(label: &str, text: &str, width: usize) -> String {
    let room = " ".repeat(label.chars().count() + 1);
    let lines = Paragraph::new(width).hanging(&room, "  ").fill(text);
    lines.trim_start().to_owned()
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

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn a_label_takes_its_room_in_the_first_line() {
        let lines = wrapped("note:", "one two three four five six seven", 16);
        assert_eq!(lines, "one two\n  three four\n  five six seven");
    }
}
