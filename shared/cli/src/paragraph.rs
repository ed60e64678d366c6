//! Prose, wrapped to the width of the screen.

use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm, core::Word};

/// How to lay out prose.
///
/// Lines break between words only, and never inside a span in backticks, so that commands can be
/// copied whole. What is longer than a line stands out over the width.
#[derive(Clone, Copy, Debug)]
pub struct Paragraph<'a> {
    width: usize,
    first: &'a str,
    rest: &'a str,
}

impl<'a> Paragraph<'a> {
    /// Prose of at most `width` columns, indents included.
    pub fn new(width: usize) -> Self {
        Self { width, first: "", rest: "" }
    }

    /// Puts `indent` before every line.
    #[must_use]
    pub fn indent(self, indent: &'a str) -> Self {
        self.hanging(indent, indent)
    }

    /// Puts `first` before the first line, such as a bullet, and `rest` before the others.
    #[must_use]
    pub fn hanging(self, first: &'a str, rest: &'a str) -> Self {
        Self { first, rest, ..self }
    }

    /// Lays the text out. Its own line ends stay; no line ends in blanks; there is no line feed
    /// after the last.
    pub fn fill(self, text: &str) -> String {
        let options = Options::new(self.width)
            .initial_indent(self.first)
            .subsequent_indent(self.rest)
            .break_words(false)
            .word_separator(WordSeparator::Custom(separate))
            .word_splitter(WordSplitter::NoHyphenation)
            .wrap_algorithm(WrapAlgorithm::FirstFit);
        let lines = textwrap::wrap(text, options);
        lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
    }
}

fn separate(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    Box::new(words(line).into_iter())
}

fn words(line: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let (mut start, mut in_code, mut after_blank) = (0, false, false);
    for (position, character) in line.char_indices() {
        if character == '`' {
            in_code = !in_code && line[position + 1..].contains('`');
        }
        if after_blank && character != ' ' {
            words.push(Word::from(&line[start..position]));
            start = position;
        }
        after_blank = character == ' ' && !in_code;
    }
    words.push(Word::from(&line[start..]));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_between_words() {
        let text = "the pod CIDR swallows the address of the gateway";
        assert_eq!(
            Paragraph::new(20).fill(text),
            "the pod CIDR\nswallows the address\nof the gateway"
        );
    }

    #[test]
    fn indents_hang() {
        let paragraph = Paragraph::new(16).hanging("- ", "  ");
        assert_eq!(paragraph.fill("one two three four five"), "- one two three\n  four five");
        assert_eq!(Paragraph::new(10).indent("    ").fill("one two"), "    one\n    two");
    }

    #[test]
    fn words_are_never_broken() {
        let url = "https://docs.cilium.io/en/stable/network/concepts/masquerading/";
        assert_eq!(Paragraph::new(20).fill(&format!("see {url} now")), format!("see\n{url}\nnow"));
        assert_eq!(
            Paragraph::new(10).fill("node-local-dns.kube-system"),
            "node-local-dns.kube-system"
        );
    }

    #[test]
    fn commands_in_backticks_stay_whole() {
        assert_eq!(
            Paragraph::new(24).fill("then run `ip route get 10.0.0.1` on the node"),
            "then run\n`ip route get 10.0.0.1`\non the node"
        );
    }

    #[test]
    fn a_lone_backtick_protects_nothing() {
        assert_eq!(Paragraph::new(10).fill("a ` lone tick here"), "a ` lone\ntick here");
        assert_eq!(Paragraph::new(9).fill("`a b` c ` d e f"), "`a b` c `\nd e f");
    }

    #[test]
    fn line_ends_stay_and_leave_no_trailing_blanks() {
        assert_eq!(Paragraph::new(40).indent("  ").fill("one  \n\ntwo\n"), "  one\n\n  two\n");
        assert_eq!(Paragraph::new(40).fill(""), "");
    }

    #[test]
    fn codes_and_wide_characters_are_measured_as_shown() {
        assert_eq!(Paragraph::new(7).fill("\x1b[1mbold\x1b[0m it"), "\x1b[1mbold\x1b[0m it");
        assert_eq!(Paragraph::new(5).fill("中文 ab"), "中文\nab");
    }

    #[test]
    fn an_indent_wider_than_the_width_does_no_harm() {
        assert_eq!(Paragraph::new(2).indent("      ").fill("a b"), "      a\n      b");
    }
}
