//! Styles by meaning. The words say it all; colour only helps the eye.

use std::fmt::Display;

use owo_colors::Styled;

/// What a piece of text is, for the eye.
///
/// The codes are always produced; the [`printer`](crate::printer) removes them where none are
/// wanted. So text is styled last, after it was measured and wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// A finding that forbids going on.
    Block,
    /// A finding that breaks something.
    Error,
    /// A finding that may break something.
    Warn,
    /// A finding worth knowing.
    Info,
    /// Judged, and fine.
    Ok,
    /// Could not be judged.
    Unknown,
    /// A heading.
    Heading,
    /// Of less importance than what is round it.
    Dim,
    /// A command, a value, or a name to be typed as it stands.
    Code,
}

impl Style {
    /// Wraps a text in this style's codes.
    pub fn paint<T: Display>(self, text: T) -> Styled<T> {
        self.look().style(text)
    }

    /// Only the eight colours that every terminal's theme makes readable.
    const fn look(self) -> owo_colors::Style {
        let plain = owo_colors::Style::new();
        match self {
            Self::Block => plain.red().bold().reversed(),
            Self::Error => plain.red().bold(),
            Self::Warn => plain.yellow().bold(),
            Self::Info => plain.cyan(),
            Self::Ok => plain.green(),
            Self::Unknown => plain.magenta(),
            Self::Heading => plain.bold(),
            Self::Dim => plain.dimmed(),
            Self::Code => plain.cyan().bold(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Style; 9] = [
        Style::Block,
        Style::Error,
        Style::Warn,
        Style::Info,
        Style::Ok,
        Style::Unknown,
        Style::Heading,
        Style::Dim,
        Style::Code,
    ];

    #[test]
    fn the_text_stays_as_it_is_without_codes() {
        for style in ALL {
            let painted = style.paint("error").to_string();
            assert_eq!(anstream::adapter::strip_str(&painted).to_string(), "error");
            assert!(painted.ends_with("\x1b[0m"), "{style:?} is not closed: {painted:?}");
        }
    }

    #[test]
    fn severities_look_different() {
        let looks: std::collections::HashSet<String> =
            ALL.iter().map(|style| style.paint("x").to_string()).collect();
        assert_eq!(looks.len(), ALL.len());
    }
}
