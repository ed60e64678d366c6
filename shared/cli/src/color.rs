//! Whether colour codes are written: `--color`, the environment, the terminal.

use std::ffi::{OsStr, OsString};

use anstream::ColorChoice;
use clap::ValueEnum;

/// When to write colour codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal that is not `TERM=dumb`, unless `NO_COLOR` is set; with `CLICOLOR_FORCE`
    /// everywhere.
    #[default]
    Auto,
    /// Always, whatever the environment says.
    Always,
    /// Never.
    Never,
}

// The flag `--color`, which every plugin has. Not a doc comment: clap would make it the plugin's.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct ColorArg {
    /// When to use colours: auto, always or never
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        help_heading = "Output",
        default_value_t,
        hide_default_value = true,
        hide_possible_values = true,
        global = true
    )]
    pub(crate) color: Color,
}

impl Color {
    /// Applies the choice to everything that this process writes from now on.
    pub fn apply(self) {
        self.choice(std::env::var_os("NO_COLOR").as_deref()).write_global();
    }

    /// kubectl counts `NO_COLOR` when it is present, even empty; anstream only when it has a value.
    fn choice(self, no_color: Option<&OsStr>) -> ColorChoice {
        match (self, no_color) {
            (Self::Always, _) => ColorChoice::Always,
            (Self::Never, _) | (Self::Auto, Some(_)) => ColorChoice::Never,
            (Self::Auto, None) => ColorChoice::Auto,
        }
    }

    /// Finds `--color` in a command line that clap answered with a usage error or with the help:
    /// these are coloured too, and clap gives no values then.
    pub(crate) fn in_arguments(arguments: &[OsString]) -> Self {
        let mut found = Self::Auto;
        let mut words = arguments.iter().map(|word| word.to_string_lossy());
        while let Some(word) = words.next() {
            let value = match word.strip_prefix("--color") {
                _ if word == "--" => break,
                Some("") => words.next(),
                Some(rest) => rest.strip_prefix('=').map(|value| value.to_owned().into()),
                None => None,
            };
            if let Some(color) = value.and_then(|value| Self::from_str(&value, false).ok()) {
                found = color;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_words(words: &[&str]) -> Color {
        Color::in_arguments(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn no_color_counts_even_when_empty() {
        assert_eq!(Color::Auto.choice(Some(OsStr::new(""))), ColorChoice::Never);
        assert_eq!(Color::Auto.choice(Some(OsStr::new("1"))), ColorChoice::Never);
        assert_eq!(Color::Auto.choice(None), ColorChoice::Auto);
    }

    #[test]
    fn the_flag_beats_the_environment() {
        assert_eq!(Color::Always.choice(Some(OsStr::new("1"))), ColorChoice::Always);
        assert_eq!(Color::Never.choice(None), ColorChoice::Never);
    }

    #[test]
    fn finds_the_flag_without_clap() {
        assert_eq!(in_words(&["x", "--color=never", "--help"]), Color::Never);
        assert_eq!(in_words(&["x", "--color", "always", "--nonsense"]), Color::Always);
        assert_eq!(in_words(&["x", "--color", "always", "--color=never"]), Color::Never);
    }

    #[test]
    fn ignores_what_is_not_the_flag() {
        assert_eq!(in_words(&["x", "--", "--color=never"]), Color::Auto);
        assert_eq!(in_words(&["x", "--colorful=never", "--color=pink", "--color"]), Color::Auto);
    }
}
