//! Why a run failed, in words for the person in front of it.

use std::{
    fmt::{Debug, Display, Write as _},
    io::Write as _,
};

use crate::{
    Exit, Style, control, printer, snapshot_file::SnapshotFileError, sysdump::SysdumpError,
};

/// Why a run failed, what to do about it, and how the process exits.
///
/// Every error that `anyhow` takes becomes one with `?`: [`Exit::CouldNotRun`], with the hint of
/// a [`SnapshotFileError`] or [`SysdumpError`] if one is among its causes.
#[derive(Debug)]
pub struct Failure {
    error: anyhow::Error,
    hints: Vec<String>,
    exit: Exit,
}

impl Failure {
    /// A failure that exits with `exit`.
    pub fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        let error = error.into();
        let hints = error.chain().find_map(hint_of).into_iter().collect();
        Self { error, hints, exit }
    }

    /// The command line makes no sense: [`Exit::Usage`].
    pub fn usage(message: impl Display + Debug + Send + Sync + 'static) -> Self {
        Self::new(Exit::Usage, anyhow::Error::msg(message))
    }

    /// The run could not do its work: [`Exit::CouldNotRun`].
    pub fn could_not_run(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Exit::CouldNotRun, error)
    }

    /// Adds what the reader can do about it: one sentence, without a full stop.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// How the process exits. A reader of the output that has gone away is no failure.
    pub fn exit(&self) -> Exit {
        if printer::is_reader_gone(&self.error) { Exit::Fine } else { self.exit }
    }

    /// What failed, and its causes.
    pub fn error(&self) -> &anyhow::Error {
        &self.error
    }

    /// The text for the terminal, a line feed at the end: what failed, its causes indented, then
    /// the hints after a blank line. A cause that the line before already tells is left out.
    pub fn render(&self) -> String {
        let mut text = String::new();
        let mut said = self.error.to_string();
        let headline = indent_after_first(&control::escape(&said));
        let _ = writeln!(text, "{} {headline}", Style::Error.paint("error:"));
        for cause in self.error.chain().skip(1).map(ToString::to_string) {
            if said.contains(&cause) {
                continue;
            }
            let _ = writeln!(text, "  {}", indent_after_first(&control::escape(&cause)));
            said = cause;
        }
        if !self.hints.is_empty() {
            text.push('\n');
        }
        for hint in &self.hints {
            let hint = indent_after_first(&control::escape(hint));
            let _ = writeln!(text, "{} {hint}", Style::Info.paint("hint:"));
        }
        text
    }

    /// Prints the failure to standard error, and says how the process exits. Nobody can be told
    /// when that stream is closed, so its errors are ignored.
    pub(crate) fn report(&self) -> Exit {
        let exit = self.exit();
        if exit != Exit::Fine {
            let _ = anstream::stderr().write_all(self.render().as_bytes());
        }
        exit
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::could_not_run(error)
    }
}

fn hint_of(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    if let Some(error) = cause.downcast_ref::<SysdumpError>() {
        return error.hint().map(str::to_owned);
    }
    cause.downcast_ref::<SnapshotFileError>()?.hint()
}

fn indent_after_first(text: &str) -> String {
    text.trim_end().replace('\n', "\n  ")
}

#[cfg(test)]
mod tests {
    use std::io;

    use anyhow::{Context as _, anyhow};

    use super::*;

    fn plain(failure: &Failure) -> String {
        anstream::adapter::strip_str(&failure.render()).to_string()
    }

    #[test]
    fn prints_causes_and_hints() {
        let error = anyhow!("permission denied")
            .context("cannot read /etc/cni/net.d/05-cilium.conflist")
            .context("cannot collect the facts of this host");
        let failure = Failure::from(error).hint("run it as root").hint("or give a snapshot");
        assert_eq!(
            plain(&failure),
            "error: cannot collect the facts of this host\n  \
             cannot read /etc/cni/net.d/05-cilium.conflist\n  \
             permission denied\n\
             \n\
             hint: run it as root\n\
             hint: or give a snapshot\n"
        );
        assert_eq!(failure.exit(), Exit::CouldNotRun);
    }

    #[test]
    fn leaves_out_what_was_just_said() {
        let error = anyhow!("end of file").context("line 3: end of file").context("broken");
        assert_eq!(plain(&Failure::from(error)), "error: broken\n  line 3: end of file\n");
    }

    #[test]
    fn causes_of_several_lines_stay_indented() {
        let error = anyhow!("one\ntwo\n").context("first\nsecond");
        assert_eq!(plain(&Failure::from(error)), "error: first\n  second\n  one\n  two\n");
    }

    #[test]
    fn escape_sequences_in_names_are_shown() {
        let text = plain(&Failure::usage("no file `\x1b[2J`").hint("not `\x07`"));
        assert_eq!(text, "error: no file `\\u{1b}[2J`\n\nhint: not `\\u{7}`\n");
    }

    #[test]
    fn usage_has_its_own_code() {
        assert_eq!(Failure::usage("no source was given").exit(), Exit::Usage);
    }

    #[test]
    fn the_question_mark_takes_any_error() {
        fn fails() -> Result<(), Failure> {
            Err(io::Error::from(io::ErrorKind::NotFound))?;
            Ok(())
        }
        fn passes_on() -> Result<(), Failure> {
            fails()?;
            Ok(())
        }
        assert_eq!(passes_on().unwrap_err().exit(), Exit::CouldNotRun);
    }

    #[test]
    fn a_reader_that_left_is_no_failure() {
        let failure = Failure::from(printer::reader_gone());
        assert_eq!(failure.exit(), Exit::Fine);
    }

    #[test]
    fn a_broken_connection_is_a_failure() {
        let error = Err::<(), _>(io::Error::from(io::ErrorKind::BrokenPipe));
        let failure = Failure::from(error.context("cannot list nodes").unwrap_err());
        assert_eq!(failure.exit(), Exit::CouldNotRun);
    }

    #[test]
    fn hints_of_snapshot_files_are_shown() {
        let error = SnapshotFileError::Empty { path: "x.json".into() };
        let expected = error.hint().unwrap();
        let failure = Failure::from(anyhow::Error::from(error).context("cannot judge"));
        assert!(plain(&failure).contains(&format!("\n\nhint: {expected}\n")));
    }
}
