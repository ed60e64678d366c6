//! Where Helm's YAML 1.1 and the parser's YAML 1.2 would read the same text differently.
//!
//! Nothing of this is common, and all of it can be written so that both agree. So it is refused,
//! rather than read in a way that Helm would not.

use std::ops::Range;

use granit_parser::{Event, ScalarStyle, Span};

use super::error::Problem;

/// Whether a scalar inside brackets would be something else for Helm.
pub(super) fn check_in_flow(text: &str, event: &Event<'_>, span: &Span) -> Result<(), Problem> {
    let Event::Scalar(_, style, ..) = event else { return Ok(()) };
    let Some(range) = span.byte_range() else { return Ok(()) };
    let (scalar, after) = (&text[range.clone()], &text[range.end..]);
    if scalar.contains(['\n', '\r']) && after.trim_start().starts_with(':') {
        return Err(Problem::KeyOfLines);
    }
    if *style != ScalarStyle::Plain {
        return Ok(());
    }
    // A question mark ends a text in brackets for go-yaml, wherever it stands.
    if scalar.starts_with(':') || scalar.contains('?') {
        return Err(Problem::FlowIndicator(if scalar.contains('?') { '?' } else { ':' }));
    }
    let is_glued = after.strip_prefix(':').is_some_and(is_flow_indicator);
    if is_glued { Err(Problem::GluedColon) } else { Ok(()) }
}

/// Whether a tag is made of what is part of a tag to both: commas and brackets are to Helm only,
/// and of escapes and other signs each has its own idea.
pub(super) fn check_tag(text: &str, span: &Span) -> Result<(), Problem> {
    let Some(range) = span.tag_span().and_then(|tag| tag.byte_range()) else { return Ok(()) };
    let is_apart = text[range.end..].starts_with(|c: char| c.is_ascii_whitespace());
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "!-_.:/<>".contains(c);
    if is_apart && text[range].chars().all(is_plain) { Ok(()) } else { Err(Problem::GluedTag) }
}

/// Whether the name of an anchor or alias is one for Helm.
pub(super) fn check_anchor(text: &str, span: &Span) -> Result<(), Problem> {
    let Some(range) = span.byte_range() else { return Ok(()) };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let name = &text[range.clone()];
    let name = name.strip_prefix(['&', '*']).unwrap_or(name);
    if name.chars().all(is_name) && text[range.end..].starts_with([' ', '\n', '\r', ',', ']', '}'])
    {
        Ok(())
    } else {
        Err(Problem::AnchorName(name.to_owned()))
    }
}

/// Finds a tab where Helm wants blanks: in the indentation, or after `-`, `?` and `:` that begin a
/// line. `inside` are the ranges of multi-line scalars and brackets, in which it may stand.
pub(super) fn find_tab(text: &str, inside: &[Range<usize>]) -> Option<usize> {
    let mut start = 0;
    let mut inside = inside.iter().peekable();
    for line in text.split_inclusive(['\n', '\r']) {
        while inside.next_if(|range| range.end <= start).is_some() {}
        let is_inside = inside.peek().is_some_and(|range| range.start < start);
        if !is_inside && let Some(offset) = tab_in_indentation(line) {
            return Some(start + offset);
        }
        start += line.len();
    }
    None
}

fn tab_in_indentation(line: &str) -> Option<usize> {
    let mut characters = line.char_indices().peekable();
    while let Some((offset, character)) = characters.next() {
        let is_blank_next = matches!(characters.peek(), Some((_, ' ' | '\t')));
        match character {
            '\t' => return Some(offset),
            ' ' => {}
            '-' | '?' | ':' if is_blank_next => {}
            _ => return None,
        }
    }
    None
}

/// Whether a block scalar begins with a tab after its indentation, at which Helm stops.
pub(super) fn begins_with_tab(source: &str) -> bool {
    let lines = source.lines().skip(1);
    let first = lines.map(|line| line.trim_start_matches(' ')).find(|line| !line.is_empty());
    first.is_some_and(|line| line.starts_with('\t'))
}

/// Whether Helm knows all escapes in a text in double quotes. Two of JSON's are none to it: `\/`, and
/// the halves of a pair that UTF-16 makes of one character.
pub(super) fn check_escapes(source: &str) -> Result<(), Problem> {
    let mut characters = source.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            continue;
        }
        let escape: String = characters.as_str().chars().take(5).collect();
        let half = escape.strip_prefix('u').and_then(|digits| u32::from_str_radix(digits, 16).ok());
        if escape.starts_with('/') {
            return Err(Problem::Escape("/".to_owned()));
        }
        if half.is_some_and(|code| char::from_u32(code).is_none()) {
            return Err(Problem::Escape(escape));
        }
        characters.next();
    }
    Ok(())
}

fn is_flow_indicator(text: &str) -> bool {
    text.starts_with(is_bracket_or_comma)
}

fn is_bracket_or_comma(character: char) -> bool {
    matches!(character, ',' | '[' | ']' | '{' | '}')
}
