//! The flags of plugins that judge: which rules are asked, and what makes the exit code 1.

use std::{env, io::Write, path::PathBuf};

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCompleter;
use kcilium_core::{
    diagnosis::Selection,
    rules::{Code, Severity, registry},
};

use crate::{
    Failure, Style,
    completion::values,
    ignore_file::{self, IgnoreFile},
    remark::remark,
};

/// Which rules are asked, and from when on they count.
#[derive(Clone, Debug, Default, Args)]
pub struct Judging {
    /// Ask these rules only (list them with `rules`)
    #[arg(long, value_name = "CODE", value_delimiter = ',', value_parser = code, help_heading = "Judging", add = ArgValueCompleter::new(values::codes))]
    pub only: Vec<Code>,
    /// Do not ask these rules
    #[arg(long, value_name = "CODE", value_delimiter = ',', value_parser = code, help_heading = "Judging", add = ArgValueCompleter::new(values::codes))]
    pub ignore: Vec<Code>,
    /// File of findings that are known: a line `CODE` or `CODE:SUBJECT` for each, comments after `#`;
    /// they are counted, and not told [default: the file that KCILIUM_IGNORE names]
    #[arg(long, value_name = "FILE", help_heading = "Judging")]
    pub ignore_file: Option<PathBuf>,
    /// Exit with 1 from this severity on; `unknown` is the strictest: a warning counts, and so does
    /// whatever could not be judged
    #[arg(
        long,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        value_name = "warn|error|block|unknown",
        help_heading = "Judging"
    )]
    pub fail_on: FailOn,
}

impl Judging {
    /// The rules that are asked, and what they may find.
    pub fn selection(&self, file: &IgnoreFile) -> Selection {
        Selection {
            only: self.only.iter().copied().collect(),
            ignore: self.ignore.iter().copied().collect(),
            known: file.known(),
        }
    }

    /// The file of known findings; an empty one if none is named. Says what is wrong with it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn ignore_file(&self, remarks: &mut impl Write) -> Result<IgnoreFile, Failure> {
        let named = || env::var_os("KCILIUM_IGNORE").filter(|name| !name.is_empty());
        let Some(path) = self.ignore_file.clone().or_else(|| named().map(PathBuf::from)) else {
            return Ok(IgnoreFile::default());
        };
        let file = IgnoreFile::read(&path)?;
        for warning in &file.warnings {
            remark(remarks, Style::Warn, "warning:", warning)?;
        }
        Ok(file)
    }
}

/// What makes the exit code 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Warnings and worse
    Warn,
    /// Errors and worse
    #[default]
    Error,
    /// Only what costs an installation or a host its network
    Block,
    /// Warnings and worse, and whatever could not be judged
    Unknown,
}

impl FailOn {
    /// The least severity that counts.
    pub fn severity(self) -> Severity {
        match self {
            Self::Warn | Self::Unknown => Severity::Warn,
            Self::Error => Severity::Error,
            Self::Block => Severity::Block,
        }
    }

    /// Whether a run fails that found this at worst, and perhaps could not judge everything.
    pub fn is_reached(self, worst: Option<Severity>, has_unknowns: bool) -> bool {
        worst.is_some_and(|worst| worst >= self.severity())
            || (self == Self::Unknown && has_unknowns)
    }
}

/// The code of a rule, in any case.
///
/// # Errors
/// When no rule has it.
pub fn code(text: &str) -> Result<Code, String> {
    registry::find(text).map(|rule| rule.code).ok_or_else(|| ignore_file::unknown(text))
}
