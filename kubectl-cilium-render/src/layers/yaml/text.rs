//! From bytes to text that YAML allows.

use std::borrow::Cow;

use super::{MAX_BYTES, YamlError, error::Problem};
use crate::layers::Position;

/// The text of a file, without byte order mark, with a line feed at the end.
pub(super) fn decode<'a>(name: &str, bytes: &'a [u8]) -> Result<Cow<'a, str>, YamlError> {
    if bytes.len() > MAX_BYTES {
        return Err(YamlError::whole(name, Problem::TooLarge));
    }
    if matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        return Err(YamlError::whole(name, Problem::Utf16));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let (text, is_whole) = match str::from_utf8(bytes) {
        Ok(text) => (text, true),
        Err(error) => (str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(), false),
    };
    if let Some((offset, character)) = text.char_indices().find(|(_, c)| !is_allowed(*c)) {
        let problem = match character {
            '\u{85}' | '\u{2028}' | '\u{2029}' => Problem::OddLineBreak(character),
            _ => Problem::ControlCharacter(character),
        };
        return Err(YamlError::at(name, text, end_of(&text[..offset]), problem));
    }
    if !is_whole {
        return Err(YamlError::at(name, text, end_of(text), Problem::NotUtf8));
    }
    Ok(if text.is_empty() || text.ends_with('\n') {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("{text}\n"))
    })
}

/// What YAML 1.1 calls printable, without the line breaks that YAML 1.2 has no longer: the two
/// would read the file differently.
fn is_allowed(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}'
            | '\u{e000}'..='\u{fffd}' | '\u{10000}'..
    )
}

/// The place after a text.
pub(super) fn end_of(text: &str) -> Position {
    let line = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
    Position { line: number(line), column: number(column) }
}
