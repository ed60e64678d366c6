//! Running a command in a running container.

use std::process::Stdio;

use tokio::io::AsyncReadExt as _;

use super::{
    container::{Container, Spec},
    process::{Scope, first_line, inside},
};
use crate::runtime::{Exec, Process};

const ENTER: &str = concat!(include_str!("lookup.sh"), "run \"$@\"\n");

/// The option of `setpriv` that ends a process with its parent.
const DIE_TOO: &str = "--pdeathsig=KILL";

/// Why a command does not run.
#[derive(Debug)]
pub(crate) enum ExecError {
    /// The container has ended.
    Stopped,
    /// The program cannot be run; in runc's words.
    Refused(String),
}

/// Starts a command in the container.
pub(crate) async fn exec(
    container: &Container,
    spec: &Spec,
    exec: Exec,
) -> Result<Process, ExecError> {
    let refused = |error: std::io::Error| ExecError::Refused(error.to_string());
    let first = container.first().ok_or(ExecError::Stopped)?;
    let mut command = inside(first, Scope::Everything);
    // The parent stays outside, and what it left behind would run on when it is killed. Said twice:
    // before anybody learns that the command runs, and after the user may have changed, which
    // makes the kernel forget.
    command.args(["setpriv", DIE_TOO, "sh", "-c", ENTER, "exec"]);
    command.args(spec.run(&exec.command, &[DIE_TOO]));
    if exec.stdin {
        command.stdin(Stdio::piped());
    }
    let mut child = command.kill_on_drop(true).spawn().map_err(refused)?;
    let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(ExecError::Stopped);
    };
    let word = first_line(&mut stdout).await.map_err(refused)?;
    if word != "ok" {
        let mut errors = String::new();
        stderr.read_to_string(&mut errors).await.map_err(refused)?;
        let why = if word.is_empty() { errors.trim().to_owned() } else { word };
        // Killed without a word: the container ended between our look and our entry.
        return Err(if why.is_empty() { ExecError::Stopped } else { ExecError::Refused(why) });
    }
    let stdin = child.stdin.take();
    Ok(Process { child, stdin, stdout, stderr })
}
