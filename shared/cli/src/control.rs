//! Control characters in text from elsewhere, made visible.
//!
//! Snapshots, API objects and file names come from other people. An escape sequence in one of them
//! would let its author repaint the reader's terminal, so such characters are shown, not sent.

use std::borrow::Cow;

/// Replaces control characters, and those that change the direction of writing, by their escape:
/// U+001B becomes `\u{1b}`. Line feeds stay, tabs become one blank.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\t' => escaped.push(' '),
            _ if is_unsafe(character) => escaped.extend(character.escape_default()),
            _ => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}

/// The same for text that must stay on one line, such as a name in a command: line feeds become
/// `\n`, so that no name can begin a line of its own.
pub fn escape_line(text: &str) -> Cow<'_, str> {
    match escape(text) {
        line if !line.contains('\n') => line,
        lines => Cow::Owned(lines.replace('\n', "\\n")),
    }
}

fn is_unsafe(character: char) -> bool {
    let turns_direction = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns_direction || (character.is_control() && character != '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_not_copied() {
        assert!(matches!(escape("cilium_host 10.0.0.1 – ✓ 中文\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_line_stays_one() {
        assert_eq!(escape_line("node1\nrm -rf ~"), r"node1\nrm -rf ~");
        assert!(matches!(escape_line("node1"), Cow::Borrowed(_)));
    }

    #[test]
    fn escape_sequences_become_visible() {
        assert_eq!(escape("a\x1b[2Jb\rc\u{9b}d\u{7f}"), r"a\u{1b}[2Jb\rc\u{9b}d\u{7f}");
    }

    #[test]
    fn direction_overrides_become_visible() {
        assert_eq!(escape("node\u{202e}1"), r"node\u{202e}1");
    }

    #[test]
    fn tabs_are_blanks() {
        assert_eq!(escape("a\tb"), "a b");
    }
}
