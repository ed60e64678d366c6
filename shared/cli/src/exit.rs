//! How a run ended, as the number that scripts see.

use std::process::ExitCode;

/// How a run ended. The numbers are a promise to scripts: they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    /// The run did what it was asked for, and found nothing to complain about.
    Fine = 0,
    /// There are findings at or above `--fail-on`, the request was refused, or a residue is left.
    Findings = 1,
    /// The command line makes no sense, or needs a confirmation that nobody could give.
    Usage = 2,
    /// The run could not do its work, or nothing could be judged.
    CouldNotRun = 3,
    /// Ctrl-C or SIGTERM. 128 + SIGINT, as shells report it.
    Interrupted = 130,
}

/// The table of exit codes, for the end of `--help`.
pub const HELP: &str = "\
Exit codes:
  0    fine
  1    findings at or above the threshold, a refusal, or something left over
  2    wrong usage, or a confirmation that nobody could give
  3    could not run, or nothing could be judged
  130  interrupted";

impl Exit {
    /// Every way to end, by number.
    pub const ALL: [Self; 5] =
        [Self::Fine, Self::Findings, Self::Usage, Self::CouldNotRun, Self::Interrupted];

    /// The number that the process exits with.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_frozen() {
        assert_eq!(Exit::ALL.map(Exit::code), [0, 1, 2, 3, 130]);
    }

    #[test]
    fn help_lists_every_code_in_order() {
        let listed: Vec<u8> = HELP
            .lines()
            .skip(1)
            .filter_map(|line| line.split_whitespace().next()?.parse().ok())
            .collect();
        assert_eq!(listed, Exit::ALL.map(Exit::code));
    }
}
