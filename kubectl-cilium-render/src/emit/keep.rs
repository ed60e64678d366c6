//! A values file with its comments and its order, changed only where the values say otherwise.
//!
//! The file is patched as text, at places that the parser names, and what comes out is read again:
//! if it does not hold exactly the values, it is not printed.

use std::ops::Range;

use granit_parser::{Event, Parser, ScanError, Span, StrInput, StructureStyle};

use super::{Comment, to_yaml, to_yaml_with_comments};
use crate::layers::{Map, Node, Value, yaml};

/// Why the comments of a file cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The file cannot be patched: it has anchors at a place to be changed, or several documents,
    /// or something else that moves when its surroundings change.
    #[error("the file is written in a way that cannot be changed and keep its comments")]
    Unpatchable,
}

/// Gives the text of a values file, with as little of it changed as it takes to hold `values`.
///
/// # Errors
/// Where the patched text would not hold the values.
pub fn keep_comments(file: &[u8], values: &Map) -> Result<String, KeepError> {
    keep_comments_and_add(file, values, &|_| None)
}

/// The same with comments above what is added: `comment` gives the line for a value, if it has one.
///
/// # Errors
/// Where the patched text would not hold the values.
pub fn keep_comments_and_add(
    file: &[u8],
    values: &Map,
    comment: Comment<'_>,
) -> Result<String, KeepError> {
    let text = str::from_utf8(file).map_err(|_| KeepError::Unpatchable)?;
    let form = Form::of(text);
    let text = form.taken_from(text);
    let text = if text.is_empty() || text.ends_with('\n') { text } else { text + "\n" };
    let before = yaml::read("file", text.as_bytes()).map_err(|_| KeepError::Unpatchable)?.values;
    let mut patches = Patches { text: &text, comment, list: Vec::new() };
    match root(&text).map_err(|_| KeepError::Unpatchable)? {
        Some(Shape { kind: Kind::Map(entries), .. }) => patches.map(&entries, &before, values),
        _ if before.is_empty() => patches.add(text.len(), 0, values),
        _ => return Err(KeepError::Unpatchable),
    }
    let kept = patches.apply();
    let after = yaml::read("file", kept.as_bytes()).map_err(|_| KeepError::Unpatchable)?.values;
    if to_yaml(&after) == to_yaml(values) {
        Ok(form.given_to(&kept))
    } else {
        Err(KeepError::Unpatchable)
    }
}

/// What editors of other systems put into files. It is taken away for the work, and given back.
#[derive(Clone, Copy)]
struct Form {
    has_mark: bool,
    ends: &'static str,
}

const BYTE_ORDER_MARK: char = '\u{feff}';

impl Form {
    /// A file in which only some lines end in another way is left as it is.
    fn of(text: &str) -> Self {
        let ends = text.matches('\n').count();
        let is_windows = ends > 0 && text.matches("\r\n").count() == ends;
        let ends = if is_windows { "\r\n" } else { "\n" };
        Self { has_mark: text.starts_with(BYTE_ORDER_MARK), ends }
    }

    fn taken_from(self, text: &str) -> String {
        text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text).replace(self.ends, "\n")
    }

    fn given_to(self, text: &str) -> String {
        let mark = if self.has_mark { BYTE_ORDER_MARK.to_string() } else { String::new() };
        mark + &text.replace('\n', self.ends)
    }
}

/// Where a value stands in the text.
struct Shape {
    range: Range<usize>,
    kind: Kind,
}

enum Kind {
    /// A block map.
    Map(Vec<Entry>),
    /// A block list.
    List,
    /// Anything else: it is replaced as a whole.
    Other,
}

struct Entry {
    key: String,
    key_range: Range<usize>,
    column: usize,
    value: Shape,
}

fn root(text: &str) -> Result<Option<Shape>, ScanError> {
    let mut options = granit_parser::Options::default();
    options.set_emit_comments(false);
    let mut parser = Parser::new_from_str_with_options(text, options);
    while let Some(event) = parser.next_event() {
        let (event, span) = event?;
        if event.is_node() {
            return shape(&mut parser, &event, &span).map(Some);
        }
    }
    Ok(None)
}

type Events<'a> = Parser<'a, StrInput<'a>>;

fn next<'a>(parser: &mut Events<'a>) -> Result<(Event<'a>, Span), ScanError> {
    parser.next_event().unwrap_or_else(|| Err(ScanError::new(Span::default().start, "end")))
}

/// The shape of the node that has begun. Depth is bounded: the file was read before.
fn shape(parser: &mut Events<'_>, event: &Event<'_>, span: &Span) -> Result<Shape, ScanError> {
    let mut range = span.byte_range().unwrap_or_default();
    let kind = match event {
        Event::MappingStart(style, ..) => {
            let mut entries = Vec::new();
            loop {
                let (event, span) = next(parser)?;
                let end = span.byte_range().unwrap_or_default();
                if event == Event::MappingEnd {
                    range.end = extent(*style, &range, &end);
                    break;
                }
                let key = event.scalar().map(|(text, _)| text.to_owned()).unwrap_or_default();
                shape(parser, &event, &span)?;
                let (event, value_span) = next(parser)?;
                let value = shape(parser, &event, &value_span)?;
                range.end = range.end.max(end.end).max(value.range.end);
                let column = span.start.col();
                entries.push(Entry { key, key_range: end, column, value });
            }
            if *style == StructureStyle::Block { Kind::Map(entries) } else { Kind::Other }
        }
        Event::SequenceStart(style, ..) => {
            loop {
                let (event, span) = next(parser)?;
                if event == Event::SequenceEnd {
                    range.end = extent(*style, &range, &span.byte_range().unwrap_or_default());
                    break;
                }
                range.end = range.end.max(shape(parser, &event, &span)?.range.end);
            }
            if *style == StructureStyle::Block { Kind::List } else { Kind::Other }
        }
        _ => Kind::Other,
    };
    Ok(Shape { range, kind })
}

/// A bracket ends at its own end; a block ends with the last thing in it.
fn extent(style: StructureStyle, range: &Range<usize>, end: &Range<usize>) -> usize {
    match style {
        StructureStyle::Flow => end.end,
        StructureStyle::Block => range.end,
    }
}

struct Patches<'a> {
    text: &'a str,
    comment: Comment<'a>,
    list: Vec<(Range<usize>, String)>,
}

impl Patches<'_> {
    fn map(&mut self, entries: &[Entry], before: &Map, after: &Map) {
        let mut added: Map = after
            .iter()
            .filter(|(key, _)| !before.contains_key(*key))
            .map(|(key, node)| (key.clone(), node.clone()))
            .collect();
        for entry in entries {
            let Some(old) = before.get(&entry.key) else { continue };
            let Some(new) = after.get(&entry.key) else {
                // What was there under another name takes its place.
                let here =
                    |_: &String, node: &mut Node| node.origin.position() == old.origin.position();
                let instead = added.extract_if(.., here).collect();
                self.remove(entry, &instead);
                continue;
            };
            match (&entry.value.kind, old.as_map(), new.as_map()) {
                _ if is_same(old, new) => {}
                (Kind::Map(inner), Some(old), Some(new)) if !new.is_empty() => {
                    self.map(inner, old, new);
                }
                _ => self.replace(entry, &new.value),
            }
        }
        if let (Some(last), false) = (entries.last(), added.is_empty()) {
            let end = last.value.range.end.max(last.key_range.end);
            self.add(self.end_of_line(end), last.column, &added);
        }
    }

    /// Writes keys of their own lines.
    fn add(&mut self, at: usize, column: usize, added: &Map) {
        self.list.push((at..at, indented(&to_yaml_with_comments(added, self.comment), column)));
    }

    /// Takes a key away, and writes others in its place; what follows in its last line stays then.
    fn remove(&mut self, entry: &Entry, instead: &Map) {
        let end = entry.value.range.end.max(entry.key_range.end);
        let line = self.text[..entry.key_range.start].rfind('\n').map_or(0, |at| at + 1);
        if instead.is_empty() {
            self.list.push((line..self.end_of_line(end), String::new()));
            return;
        }
        let text = indented(&to_yaml_with_comments(instead, self.comment), entry.column);
        let is_block = matches!(entry.value.kind, Kind::Map(_) | Kind::List);
        let rest = self.text.get(end..self.end_of_line(end)).unwrap_or_default();
        if rest.trim_start().starts_with('#') && !is_block {
            self.list.push((line..end, text.trim_end_matches('\n').to_owned()));
        } else {
            self.list.push((line..self.end_of_line(end), text));
        }
    }

    fn replace(&mut self, entry: &Entry, value: &Value) {
        let range = &entry.value.range;
        let old = &self.text[range.clone()];
        let is_block = matches!(entry.value.kind, Kind::Map(_) | Kind::List) || old.contains('\n');
        if is_block {
            // From the colon on: what stands in between belongs to the old value.
            let start = self.colon(entry) + 1;
            let end = self.end_of_line(range.end.saturating_sub(1).max(start));
            let text = after_key(value, entry.column);
            self.list.push((start..end, text));
        } else if old.trim().is_empty() {
            let start = self.colon(entry) + 1;
            self.list.push((start..start, format!(" {}", inline(value))));
        } else {
            self.list.push((range.clone(), inline(value)));
        }
    }

    fn colon(&self, entry: &Entry) -> usize {
        let end = entry.key_range.end;
        end + self.text[end..].find(':').unwrap_or_default()
    }

    /// The beginning of the line after a place.
    fn end_of_line(&self, at: usize) -> usize {
        let is_at_start = at > 0 && self.text[..at].ends_with('\n');
        if is_at_start {
            return at;
        }
        self.text[at..].find('\n').map_or(self.text.len(), |offset| at + offset + 1)
    }

    fn apply(mut self) -> String {
        self.list.sort_by_key(|(range, _)| (range.start, range.end));
        let mut patched = String::with_capacity(self.text.len());
        let mut done = 0;
        for (range, new) in &self.list {
            patched.push_str(self.text.get(done..range.start).unwrap_or_default());
            patched.push_str(new);
            done = done.max(range.end);
        }
        patched.push_str(&self.text[done..]);
        patched
    }
}

fn is_same(old: &Node, new: &Node) -> bool {
    text_of(&old.value) == text_of(&new.value)
}

/// A value as Helm writes it below a key of one letter.
fn text_of(value: &Value) -> String {
    let node = Node::new(value.clone(), crate::layers::Origin::ChartDefault);
    to_yaml(&Map::from([("k".to_owned(), node)]))
}

/// A value in the line of its key: as Helm writes it if that is one line, else as JSON, which is
/// YAML too.
fn inline(value: &Value) -> String {
    let text = text_of(value);
    // The last line feeds of a block scalar are part of it, and nothing else may be on its first line.
    match text.strip_prefix("k: ").and_then(|text| text.strip_suffix('\n')) {
        Some(line) if !line.contains('\n') && !line.starts_with('|') => line.to_owned(),
        _ => serde_json::to_string(value).unwrap_or_default(),
    }
}

/// What follows the colon of a key in a column.
fn after_key(value: &Value, column: usize) -> String {
    let text = text_of(value);
    let text = text.strip_prefix("k:").unwrap_or(&text);
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    format!("{first}\n{}", indented(rest, column))
}

fn indented(text: &str, column: usize) -> String {
    let indent = " ".repeat(column);
    text.split_inclusive('\n')
        .map(|line| if line == "\n" { line.to_owned() } else { format!("{indent}{line}") })
        .collect()
}
