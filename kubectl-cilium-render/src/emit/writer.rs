//! YAML in the form of `cilium install --dry-run-helm-values` and of Helm's `toYaml`.
//!
//! Both come out of go-yaml v2, a translation of libyaml. Its layout depends on what was written
//! last, so that is kept here too: the column, and whether only blanks or indicators such as `-`
//! stand before it.

use std::fmt::Write as _;

use super::{
    order,
    scalar::{self, Style, Traits},
};
use crate::layers::{Map, Node, Value};

/// Columns after which a text is continued on the next line.
const WIDTH: usize = 80;

const INDENT: usize = 2;

/// Gives the line of the comment above a value, if it has one.
pub type Comment<'a> = &'a dyn Fn(&Node) -> Option<String>;

/// Writes values as Helm does: sorted keys, two blanks, lists not indented under their key, quotes
/// where Helm's reader needs them.
pub fn to_yaml(values: &Map) -> String {
    to_yaml_with_comments(values, &|_| None)
}

/// The same with comments above keys: `comment` gives the line for a value, if it has one.
pub fn to_yaml_with_comments(values: &Map, comment: Comment<'_>) -> String {
    let mut writer =
        Writer { text: String::new(), column: 0, blank: true, indenting: true, comment };
    writer.map(values, None);
    writer.indent(0);
    writer.text
}

/// The part of the state that depends on what was written last.
struct Writer<'a> {
    text: String,
    column: usize,
    /// A blank was written last, or nothing yet: no other is needed before the next indicator.
    blank: bool,
    /// Only blanks and indicators stand in the line.
    indenting: bool,
    comment: Comment<'a>,
}

/// The indentation of what is round a node; none round the root.
type Indent = Option<usize>;

impl Writer<'_> {
    fn value(&mut self, value: &Value, indent: Indent, is_map_value: bool) {
        match value {
            Value::Null => self.plain("null"),
            Value::Bool(value) => self.plain(if *value { "true" } else { "false" }),
            Value::Number(number) => self.plain(&number.to_yaml()),
            Value::String(text) => self.string(text, &Traits::of(text), indent, false),
            Value::List(items) => self.list(items, indent, is_map_value),
            Value::Map(map) => self.map(map, indent),
        }
    }

    fn map(&mut self, map: &Map, outer: Indent) {
        if map.is_empty() {
            return self.plain("{}");
        }
        let indent = outer.map_or(0, |outer| outer + INDENT);
        let mut entries: Vec<(&str, &Node)> =
            map.iter().map(|(key, node)| (key.as_str(), node)).collect();
        order::sort(&mut entries);
        for (key, node) in entries {
            self.indent(indent);
            self.comment(node, indent);
            let traits = Traits::of(key);
            if traits.is_simple_key(key) {
                self.string(key, &traits, Some(indent), true);
                self.close(":");
            } else {
                self.indicator("?");
                self.string(key, &traits, Some(indent), false);
                self.indent(indent);
                self.indicator(":");
            }
            self.value(&node.value, Some(indent), true);
        }
    }

    fn list(&mut self, items: &[Node], outer: Indent, is_map_value: bool) {
        if items.is_empty() {
            return self.plain("[]");
        }
        let is_under_key = is_map_value && !self.indenting;
        let indent = outer.map_or(0, |outer| if is_under_key { outer } else { outer + INDENT });
        for item in items {
            self.indent(indent);
            self.indicator("-");
            self.value(&item.value, Some(indent), false);
        }
    }

    fn comment(&mut self, node: &Node, indent: usize) {
        let Some(comment) = (self.comment)(node) else { return };
        for line in comment.lines() {
            self.put_str(&format!("# {line}"));
            self.indenting = false;
            self.indent(indent);
        }
    }

    fn string(&mut self, text: &str, traits: &Traits, outer: Indent, is_key: bool) {
        let indent = outer.map_or(INDENT, |outer| outer + INDENT);
        match traits.style(text, is_key) {
            Style::Plain => self.folded(text, "", indent, is_key),
            Style::SingleQuoted => self.folded(&text.replace('\'', "''"), "'", indent, is_key),
            Style::DoubleQuoted => self.double_quoted(text, indent, is_key),
            Style::Literal => self.literal(text, indent),
        }
    }

    /// A text that is never continued on the next line.
    fn plain(&mut self, text: &str) {
        self.separate();
        self.put_str(text);
        self.content();
    }

    /// A plain or single-quoted text; single blanks beyond the width become line breaks.
    fn folded(&mut self, text: &str, quote: &str, indent: usize, is_key: bool) {
        self.separate();
        self.put_str(quote);
        let mut after_space = false;
        let mut characters = text.chars().peekable();
        let mut is_first = true;
        while let Some(character) = characters.next() {
            let next = characters.peek();
            let may_break = !is_key && !after_space && self.column > WIDTH;
            let is_inside = quote.is_empty() || (!is_first && next.is_some());
            if character == ' ' && may_break && is_inside && next != Some(&' ') {
                self.indent(indent);
            } else {
                self.put(character);
                self.indenting = character == ' ' && self.indenting;
            }
            after_space = character == ' ';
            is_first = false;
        }
        self.put_str(quote);
        self.content();
    }

    fn double_quoted(&mut self, text: &str, indent: usize, is_key: bool) {
        self.separate();
        self.put('"');
        self.indenting = false;
        let mut after_space = false;
        let mut is_first = true;
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let next = characters.peek();
            let may_break = !is_key && !after_space && self.column > WIDTH;
            if character == ' ' && may_break && !is_first && next.is_some() {
                let is_space_next = next == Some(&' ');
                self.indent(indent);
                if is_space_next {
                    self.put('\\');
                }
            } else if needs_escape(character) {
                self.escape(character);
            } else {
                self.put(character);
            }
            after_space = character == ' ';
            is_first = false;
        }
        self.put('"');
        self.content();
    }

    fn escape(&mut self, character: char) {
        let code = u32::from(character);
        let mut escape = String::from("\\");
        let _ = match character {
            '\0' => escape.write_char('0'),
            '\u{7}' => escape.write_char('a'),
            '\u{8}' => escape.write_char('b'),
            '\t' => escape.write_char('t'),
            '\n' => escape.write_char('n'),
            '\u{b}' => escape.write_char('v'),
            '\u{c}' => escape.write_char('f'),
            '\r' => escape.write_char('r'),
            '\u{1b}' => escape.write_char('e'),
            '"' | '\\' => escape.write_char(character),
            '\u{85}' => escape.write_char('N'),
            '\u{a0}' => escape.write_char('_'),
            '\u{2028}' => escape.write_char('L'),
            '\u{2029}' => escape.write_char('P'),
            _ if code <= 0xff => write!(escape, "x{code:02X}"),
            _ if code <= 0xffff => write!(escape, "u{code:04X}"),
            _ => write!(escape, "U{code:08X}"),
        };
        self.put_str(&escape);
    }

    /// A block that keeps its line breaks.
    fn literal(&mut self, text: &str, indent: usize) {
        self.separate();
        self.put('|');
        if text.starts_with([' ', '\n']) {
            self.put_str(&INDENT.to_string());
        }
        match text.strip_suffix('\n') {
            None => self.put('-'),
            Some("") => self.put('+'),
            Some(rest) if rest.ends_with('\n') => self.put('+'),
            Some(_) => {}
        }
        self.put_break();
        self.blank = true;
        self.indenting = true;
        let mut at_start = true;
        for character in text.chars() {
            if character == '\n' {
                self.put_break();
                self.indenting = true;
            } else {
                if at_start {
                    self.indent(indent);
                }
                self.put(character);
                self.indenting = false;
            }
            at_start = character == '\n';
        }
    }

    /// Goes to a column, on a new line unless only what belongs to the indentation stands in this.
    fn indent(&mut self, indent: usize) {
        let is_used = self.column > indent || (self.column == indent && !self.blank);
        if !self.indenting || is_used {
            self.put_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.blank = true;
        self.indenting = true;
    }

    /// `-`, `?`, or `:` after a key with `?`.
    fn indicator(&mut self, text: &str) {
        self.separate();
        self.put_str(text);
        self.blank = false;
    }

    /// An indicator that follows without a blank.
    fn close(&mut self, text: &str) {
        self.put_str(text);
        self.content();
    }

    fn content(&mut self) {
        self.blank = false;
        self.indenting = false;
    }

    fn separate(&mut self) {
        if !self.blank {
            self.put(' ');
        }
    }

    fn put(&mut self, character: char) {
        self.text.push(character);
        self.column += 1;
    }

    fn put_str(&mut self, text: &str) {
        text.chars().for_each(|character| self.put(character));
    }

    fn put_break(&mut self) {
        self.text.push('\n');
        self.column = 0;
    }
}

fn needs_escape(character: char) -> bool {
    !scalar::is_printable(character)
        || scalar::is_break(character)
        || matches!(character, '"' | '\\')
}
