//! The flags of plugins that judge: which rules are asked, and what makes the exit code 1.

use clap::{Args, ValueEnum};
use kcilium_core::{
    diagnosis::Selection,
    rules::{Code, Severity, registry},
};

/// Which rules are asked, and from when on they count.
#[derive(Clone, Debug, Default, Args)]
pub struct Judging {
    /// Ask these rules only (list them with `rules`)
    #[arg(long, value_name = "CODE", value_delimiter = ',', value_parser = code, help_heading = "Judging")]
    pub only: Vec<Code>,
    /// Do not ask these rules
    #[arg(long, value_name = "CODE", value_delimiter = ',', value_parser = code, help_heading = "Judging")]
    pub ignore: Vec<Code>,
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
    /// The rules that are asked.
    pub fn selection(&self) -> Selection {
        Selection {
            only: self.only.iter().copied().collect(),
            ignore: self.ignore.iter().copied().collect(),
        }
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
    registry::find(text)
        .map(|rule| rule.code)
        .ok_or_else(|| "no rule has this code; `rules` lists them".to_owned())
}
