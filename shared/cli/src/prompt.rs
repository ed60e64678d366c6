//! Questions on the terminal. They are for standard error: the result has standard output.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::Style;

/// Whether somebody can read a question and answer it.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Puts a question, and gives the line that is typed.
///
/// # Errors
/// When the terminal cannot be written or read.
pub fn ask(question: &str) -> io::Result<String> {
    let mut errors = anstream::stderr();
    write!(errors, "{} ", Style::Heading.paint(question))?;
    errors.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer)
}
