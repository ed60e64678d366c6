//! What a test may need of the machine, and what becomes of the test where that is missing.

use std::env;
use std::process::{self, Command};
use std::sync::OnceLock;

use crate::command::run;

/// Whether this process may make network namespaces; to be asked first in every test that does.
///
/// ```no_run
/// if !netlab::require_root_netns() {
///     return;
/// }
/// ```
///
/// Where the answer is no, it prints `skipped:` and the reason.
///
/// # Panics
///
/// In CI (`CI=true`) a missing capability is a failure: a suite that quietly skips proves nothing.
pub fn require_root_netns() -> bool {
    static ANSWER: OnceLock<Result<(), String>> = OnceLock::new();
    // Tried, not derived from the user id: root in a container often lacks the capability.
    let answer = ANSWER.get_or_init(|| {
        // Labs count from 1, so this name is free; a sweep removes it should we die in between.
        let name = format!("kcl-{}-0-gate", process::id());
        let ip = |verb| {
            let mut command = Command::new("ip");
            command.args(["netns", verb, &name]);
            run(command, "")
        };
        ip("add")
            .and_then(|_| ip("delete"))
            .map(drop)
            .map_err(|error| format!("network namespaces need root and iproute2: {error:#}"))
    });
    granted(answer)
}

/// Whether all of these programs are installed; for tests that call more than `ip`.
///
/// # Panics
///
/// In CI (`CI=true`) where one is missing, as [`require_root_netns`] does.
pub fn require_programs(programs: &[&str]) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let missing: Vec<&str> = programs
        .iter()
        .copied()
        .filter(|program| !env::split_paths(&path).any(|dir| dir.join(program).is_file()))
        .collect();
    let answer = if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("not installed: {} (tests/setup installs what tests need)", missing.join(", ")))
    };
    granted(&answer)
}

#[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
pub(crate) fn granted(answer: &Result<(), String>) -> bool {
    let Err(reason) = answer else {
        return true;
    };
    let in_ci = env::var("CI").is_ok_and(|value| value == "true" || value == "1");
    assert!(!in_ci, "in CI nothing may be skipped: {reason}");
    eprintln!("skipped: {reason}");
    false
}
