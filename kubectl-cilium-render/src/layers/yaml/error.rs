//! Why a values file cannot be read, and where.

use std::fmt;

use textwrap::core::display_width;

use super::{MAX_BYTES, MAX_DEPTH, MAX_NODES};
use crate::layers::Position;

/// Columns of a line that are shown round the place of an error.
const SHOWN: usize = 72;

/// Why a values file cannot be read: a line with the place, then the line of the file, and a caret.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.render())]
pub struct YamlError {
    name: String,
    place: Option<Place>,
    problem: Problem,
}

#[derive(Debug)]
struct Place {
    position: Position,
    line: String,
}

/// What is wrong.
#[derive(Debug)]
pub(super) enum Problem {
    TooLarge,
    Utf16,
    NotUtf8,
    ControlCharacter(char),
    OddLineBreak(char),
    TooDeep,
    TooManyNodes,
    TooManyAliases,
    TabIndent,
    FlowIndicator(char),
    GluedColon,
    KeyOfLines,
    GluedTag,
    AnchorName(String),
    Escape(String),
    Syntax(String),
    Version,
    TopLevel(&'static str),
    NotFinite(String),
    Tag { text: String, kind: &'static str, tag: &'static str },
    Base64,
    BinaryNotText,
    KeyKind(&'static str),
    KeyTooLarge(String),
    MergeKind,
    AliasInItself,
}

impl YamlError {
    /// An error that has no place.
    pub(super) fn whole(name: &str, problem: Problem) -> Self {
        Self { name: name.to_owned(), place: None, problem }
    }

    /// An error at a place in `text`.
    pub(super) fn at(name: &str, text: &str, position: Position, problem: Problem) -> Self {
        let line = text.lines().nth(position.line.saturating_sub(1) as usize).unwrap_or_default();
        let place = Place { position, line: line.to_owned() };
        Self { name: name.to_owned(), place: Some(place), problem }
    }

    /// Where it is, if it has a place.
    pub fn position(&self) -> Option<Position> {
        self.place.as_ref().map(|place| place.position)
    }

    /// What the reader can do about it, if there is anything: one sentence without a full stop.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match &self.problem {
            Problem::TooLarge => "name a values file; a release has to fit into 1 MiB",
            Problem::Utf16 => "save the file as UTF-8; Helm 4 does not read UTF-16 either",
            Problem::NotUtf8 | Problem::ControlCharacter(_) => {
                "a values file is a text file; was another one meant?"
            }
            Problem::OddLineBreak(_) => "write it as an escape in double quotes, or leave it out",
            Problem::TabIndent => "replace tabs by blanks",
            Problem::Version => "leave the `%YAML` line out, Helm reads YAML 1.1 only",
            Problem::TopLevel(_) => "a values file is a map: lines of `key: value`",
            Problem::NotFinite(_) => "put it in quotes if a text is meant",
            Problem::KeyKind(_) | Problem::KeyTooLarge(_) => "put the key in quotes",
            Problem::MergeKind => "put `<<` in quotes if it is the name of a key",
            _ => return None,
        })
    }

    fn render(&self) -> String {
        let Some(Place { position, line }) = &self.place else {
            return format!("{} {}", self.name, self.problem);
        };
        let (shown, before) = excerpt(line, position.column.saturating_sub(1) as usize);
        let number = position.line.to_string();
        let gutter = " ".repeat(number.len());
        format!(
            "{}:{position}: {}\n{number} | {shown}\n{gutter} | {}^",
            self.name,
            self.problem,
            " ".repeat(before)
        )
    }
}

/// The part of a line round a column, control characters replaced, and the width of what is before
/// the column.
fn excerpt(line: &str, column: usize) -> (String, usize) {
    let visible = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    let start = column.saturating_sub(SHOWN / 2);
    let cut: String = line.chars().skip(start).take(SHOWN).map(visible).collect();
    let before: String = cut.chars().take(column - start).collect();
    (cut.trim_end().to_owned(), display_width(&before))
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "is larger than {} MiB", MAX_BYTES >> 20),
            Self::Utf16 => f.write_str("is encoded as UTF-16"),
            Self::NotUtf8 => f.write_str("this is not UTF-8"),
            Self::ControlCharacter(c) => {
                write!(f, "control character U+{:04X} is not allowed", u32::from(*c))
            }
            Self::OddLineBreak(c) => {
                write!(f, "U+{:04X} is a line break in YAML 1.1, but not in 1.2", u32::from(*c))
            }
            Self::TooDeep => write!(f, "more than {MAX_DEPTH} levels of maps and lists"),
            Self::TooManyNodes => write!(f, "the file unfolds to more than {MAX_NODES} values"),
            Self::TooManyAliases => f.write_str("the file contains excessive aliasing"),
            Self::TabIndent => f.write_str("a tab where YAML wants blanks"),
            Self::FlowIndicator(c) => {
                write!(f, "a text with `{c}` in brackets has to be in quotes")
            }
            Self::GluedColon => f.write_str("no blank after `:`"),
            Self::KeyOfLines => f.write_str("a key in brackets has to be on one line"),
            Self::GluedTag => f.write_str("a tag with odd signs, or no blank after it"),
            Self::AnchorName(name) => {
                write!(f, "`{name}` is no name for an anchor: letters, digits, `_` and `-` only")
            }
            Self::Escape(text) => write!(f, "`\\{text}` is an escape in JSON, but not in YAML 1.1"),
            Self::Syntax(text) => f.write_str(text),
            Self::Version => f.write_str("found incompatible YAML document"),
            Self::TopLevel(kind) => write!(f, "the top level is a {kind}, not a map"),
            Self::NotFinite(text) => write!(f, "`{text}` is a number that JSON cannot hold"),
            Self::Tag { text, kind, tag } => write!(f, "cannot decode {kind} `{text}` as a {tag}"),
            Self::Base64 => f.write_str("!!binary value contains invalid base64 data"),
            Self::BinaryNotText => f.write_str("!!binary value is no text in UTF-8"),
            Self::KeyKind(kind) => write!(f, "a {kind} cannot be a key"),
            Self::KeyTooLarge(text) => write!(f, "the integer {text} is too large for a key"),
            Self::MergeKind => f.write_str("`<<` merges a map, or a list of maps"),
            Self::AliasInItself => f.write_str("the anchored value contains itself"),
        }
    }
}
