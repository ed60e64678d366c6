//! How a text is written: plain, in quotes, or as a block.

use crate::layers::yaml::resolve::{self, Scalar};

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

/// The longest key, in bytes, that is written without `?`.
const LONGEST_SIMPLE_KEY: usize = 128;

/// What of a text matters to its style.
#[expect(clippy::struct_excessive_bools, reason = "independent traits, looked at one by one")]
#[derive(Default)]
pub(super) struct Traits {
    has_break: bool,
    has_special: bool,
    has_indicator: bool,
    starts_or_ends_blank: bool,
    ends_in_space: bool,
    has_break_space: bool,
    has_space_break: bool,
}

impl Traits {
    /// Looks at a text.
    pub(super) fn of(text: &str) -> Self {
        let mut traits = Self {
            has_indicator: text.starts_with("---") || text.starts_with("..."),
            ..Self::default()
        };
        let mut previous = None;
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            traits.has_indicator |= is_indicator(previous, character, characters.peek().copied());
            traits.has_special |= !is_printable(character);
            traits.has_break |= is_break(character);
            traits.has_break_space |= character == ' ' && previous.is_some_and(is_break);
            traits.has_space_break |= is_break(character) && previous == Some(' ');
            previous = Some(character);
        }
        let is_blank = |character: char| character == ' ' || is_break(character);
        traits.ends_in_space = text.ends_with(' ');
        traits.starts_or_ends_blank = text.starts_with(is_blank) || text.ends_with(is_blank);
        traits
    }

    /// Whether a key with this text can stand without `?`.
    pub(super) fn is_simple_key(&self, text: &str) -> bool {
        !self.has_break && text.len() <= LONGEST_SIMPLE_KEY
    }

    /// The style of a text. `is_key` for a key without `?`.
    pub(super) fn style(&self, text: &str, is_key: bool) -> Style {
        let wish = if text.contains('\n') {
            if is_key { Style::DoubleQuoted } else { Style::Literal }
        } else if reads_back(text, is_key) {
            Style::Plain
        } else {
            Style::DoubleQuoted
        };
        let single_allowed = !(self.has_break_space || self.has_space_break || self.has_special);
        match wish {
            Style::Plain if self.plain_allowed() => Style::Plain,
            Style::Plain if single_allowed => Style::SingleQuoted,
            Style::Literal if self.literal_allowed() => Style::Literal,
            _ => Style::DoubleQuoted,
        }
    }

    fn plain_allowed(&self) -> bool {
        !(self.has_break
            || self.has_special
            || self.has_indicator
            || self.starts_or_ends_blank
            || self.has_break_space
            || self.has_space_break)
    }

    fn literal_allowed(&self) -> bool {
        !(self.ends_in_space || self.has_space_break || self.has_special)
    }
}

/// Whether Helm reads a plain text as a string. go-yaml writes `<<` plain, though as a key it would
/// read it as a merge.
fn reads_back(text: &str, is_key: bool) -> bool {
    resolve::plain(text) == Scalar::String && !is_base_60(text) && !(is_key && text == "<<")
}

/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`: a number to the base 60, which Helm reads as a
/// string, and other readers of YAML 1.1 do not.
fn is_base_60(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (text, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let mut parts = text.split(':');
    let first = parts.next().unwrap_or_default();
    let mut count = 0;
    let is_sixtieth = |part: &str| match part.as_bytes() {
        [digit] | [b'0'..=b'5', digit] => digit.is_ascii_digit(),
        _ => false,
    };
    first.starts_with(|c: char| c.is_ascii_digit())
        && is_digits(first)
        && is_digits(fraction)
        && parts.all(|part| {
            count += 1;
            is_sixtieth(part)
        })
        && count > 0
}

/// Whether a character would mean something to YAML where it stands.
fn is_indicator(previous: Option<char>, character: char, next: Option<char>) -> bool {
    let is_blank_next = next.is_none_or(|next| matches!(next, ' ' | '\t'));
    match (previous, character) {
        (
            None,
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
            | '@' | '`',
        ) => true,
        (None, '?' | '-') | (_, ':') => is_blank_next,
        (Some(previous), '#') => matches!(previous, ' ' | '\t' | '\0') || is_break(previous),
        _ => false,
    }
}

/// What is written as it is. go-yaml would also write U+2028 and U+2029 so, as the line breaks that
/// they are to YAML 1.1 only.
pub(super) fn is_printable(character: char) -> bool {
    matches!(
        character,
        '\n' | ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}'
            | '\u{ff00}'..='\u{fffd}'
    )
}

pub(super) fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}
