//! Running a program to its end, with errors that say what was run and what it answered.

use std::io::{ErrorKind, Write as _};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Runs `command` with `input` on its stdin and returns its stdout.
///
/// The error of a failed command holds its arguments and its stderr.
pub(crate) fn run(mut command: Command, input: &str) -> Result<String> {
    let shown = shown(&command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run `{shown}`"))?;
    let stdin = child.stdin.take();
    // Fed from a second thread: a child that answers while it reads would otherwise block for ever
    // on a full stdout as soon as we block on a full stdin.
    let (fed, output) = std::thread::scope(|scope| {
        let feeder = scope.spawn(move || match stdin {
            Some(mut stdin) => stdin.write_all(input.as_bytes()),
            None => Ok(()),
        });
        let output = child.wait_with_output();
        (feeder.join(), output)
    });
    let output = output.with_context(|| format!("cannot wait for `{shown}`"))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("`{shown}` failed ({}): {}", output.status, stderr.trim());
    }
    match fed {
        Ok(Ok(())) => {}
        // It had read enough to succeed.
        Ok(Err(error)) if error.kind() == ErrorKind::BrokenPipe => {}
        Ok(Err(error)) => return Err(error).with_context(|| format!("cannot feed `{shown}`")),
        Err(_) => bail!("the thread that feeds `{shown}` panicked"),
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{shown}` did not print UTF-8"))
}

/// The command line, for people.
fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
