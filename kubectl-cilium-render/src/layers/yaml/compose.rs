//! From parser events to the tree of values.

use std::{borrow::Cow, collections::HashMap, ops::Range, sync::Arc};

use granit_parser::{
    Event, Marker, Options, Parser, ScalarStyle, ScanError, Span, StrInput, StructureStyle, Tag,
};

use super::{
    Document, MAX_DEPTH, MAX_NODES, YamlError, dialect, error::Problem, key, resolve::Scalar,
    scalar, text::end_of,
};
use crate::layers::{
    Map, Node, Notice, NoticeKind, Number, Origin, Position, Value, merge, number,
};

/// Reads all documents of a file and merges them.
pub(super) fn documents(name: &str, text: &str) -> Result<Document, YamlError> {
    let mut composer = Composer::new(name, text);
    let mut document = Document::default();
    let mut count = 0;
    loop {
        let (event, span) = composer.next()?;
        match event {
            Event::StreamEnd => break,
            Event::DocumentStart(_, version) => {
                if version.is_some_and(|version| (version.major, version.minor) != (1, 1)) {
                    return Err(composer.error(position(span.start), Problem::Version));
                }
                let (values, position) = composer.document()?;
                count += 1;
                if count == 2 {
                    composer.notice(position, NoticeKind::SeveralDocuments);
                }
                merge(&mut document.values, values);
            }
            _ => {}
        }
    }
    if let Some(offset) = dialect::find_tab(text, &composer.tabs_allowed) {
        return Err(composer.error(end_of(&text[..offset]), Problem::TabIndent));
    }
    document.notices = composer.notices;
    Ok(document)
}

/// A node, and what the limits need to know of it.
#[derive(Clone)]
struct Composed {
    node: Node,
    /// Nodes that it stands for, aliases unfolded.
    weight: u64,
    /// Levels of maps and lists in it, aliases unfolded.
    height: usize,
    /// What a scalar is; for a key it matters how a number was written.
    scalar: Option<Scalar>,
}

struct Composer<'a> {
    name: Arc<str>,
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Composed>,
    depth: usize,
    /// Brackets round what is read now.
    brackets: usize,
    /// Where the last event ended.
    end: usize,
    /// Where in the text tabs may begin a line: inside brackets and scalars.
    tabs_allowed: Vec<Range<usize>>,
    /// Nodes made, copies for anchors and aliases included.
    made: u64,
    /// Nodes that go-yaml has decoded, and how many of these below an alias.
    decoded: u64,
    aliased: u64,
    notices: Vec<Notice>,
}

impl<'a> Composer<'a> {
    fn new(name: &str, text: &'a str) -> Self {
        let mut options = Options::default();
        options.set_emit_comments(false);
        options.bom_inside_document_as_content = true;
        options.emit_anchor_events = true;
        Self {
            name: name.into(),
            text,
            parser: Parser::new_from_str_with_options(text, options),
            anchors: HashMap::new(),
            depth: 0,
            brackets: 0,
            end: 0,
            tabs_allowed: Vec::new(),
            made: 0,
            decoded: 0,
            aliased: 0,
            notices: Vec::new(),
        }
    }

    /// The next event, once it is sure that Helm would see the same.
    fn next(&mut self) -> Result<(Event<'a>, Span), YamlError> {
        loop {
            let (event, span) = self.parsed()?;
            self.check(&event, &span)
                .map_err(|problem| self.error(position(span.start), problem))?;
            if !matches!(event, Event::Anchor(..)) {
                return Ok((event, span));
            }
        }
    }

    fn parsed(&mut self) -> Result<(Event<'a>, Span), YamlError> {
        let event = self.parser.next_event().unwrap_or_else(|| {
            let end = Marker::new(0, self.text.lines().count(), 0);
            Err(ScanError::new(end, "unexpected end"))
        });
        let (event, span) = event.map_err(|error| self.syntax(&error))?;
        self.end = span.byte_range().map_or(self.end, |range| range.end);
        Ok((event, span))
    }

    fn check(&mut self, event: &Event<'a>, span: &Span) -> Result<(), Problem> {
        match event {
            Event::Anchor(..) | Event::Alias(_) => return dialect::check_anchor(self.text, span),
            Event::Scalar(_, style, ..) => {
                if self.brackets > 0 {
                    dialect::check_in_flow(self.text, event, span)?;
                }
                self.check_scalar(*style, span)?;
            }
            _ => {}
        }
        if event.tag().is_some() { dialect::check_tag(self.text, span) } else { Ok(()) }
    }

    fn check_scalar(&mut self, style: ScalarStyle, span: &Span) -> Result<(), Problem> {
        let Some(range) = span.byte_range() else { return Ok(()) };
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        if is_block && dialect::begins_with_tab(&self.text[range.clone()]) {
            return Err(Problem::TabIndent);
        }
        if style == ScalarStyle::DoubleQuoted {
            dialect::check_escapes(&self.text[range.clone()])?;
        }
        // go-yaml looks at the indentation of the lines of a plain text, too.
        let is_of_lines = span.start.line() != span.end.line();
        if self.brackets == 0 && is_of_lines && style != ScalarStyle::Plain {
            self.tabs_allowed.push(range);
        }
        Ok(())
    }

    /// Reads what is between brackets, if it is that.
    fn bracketed<T>(
        &mut self,
        style: StructureStyle,
        span: &Span,
        inner: impl FnOnce(&mut Self) -> Result<T, YamlError>,
    ) -> Result<T, YamlError> {
        if style == StructureStyle::Block {
            return inner(self);
        }
        self.brackets += 1;
        let outcome = inner(self);
        self.brackets -= 1;
        if let (0, Some(start)) = (self.brackets, span.byte_range()) {
            self.tabs_allowed.push(start.start..self.end);
        }
        outcome
    }

    /// The values of the document that has begun, and where they begin.
    fn document(&mut self) -> Result<(Map, Position), YamlError> {
        // go-yaml counts the document as a node.
        self.decoded += 1;
        self.anchors.clear();
        let (event, span) = self.next()?;
        let start = position(span.start);
        match self.compose(event, span)?.node.value {
            Value::Map(map) => Ok((map, start)),
            Value::Null => Ok((Map::new(), start)),
            other => Err(self.error(start, Problem::TopLevel(other.kind()))),
        }
    }

    fn compose(&mut self, event: Event<'a>, span: Span) -> Result<Composed, YamlError> {
        let start = position(span.start);
        self.decoded += 1;
        self.make(1, start)?;
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let composed = self.scalar(start, text, style, tag.as_deref())?;
                self.anchor(anchor, composed, start)
            }
            Event::SequenceStart(style, anchor, _) => {
                let composed = self
                    .nested(start, |this| this.bracketed(style, &span, |this| this.list(start)))?;
                self.anchor(anchor, composed, start)
            }
            Event::MappingStart(style, anchor, _) => {
                let composed = self
                    .nested(start, |this| this.bracketed(style, &span, |this| this.map(start)))?;
                self.anchor(anchor, composed, start)
            }
            Event::Alias(anchor) => self.alias(anchor, start),
            _ => Err(self.error(start, Problem::Syntax("expected a value".to_owned()))),
        }
    }

    fn nested<T>(
        &mut self,
        start: Position,
        inner: impl FnOnce(&mut Self) -> Result<T, YamlError>,
    ) -> Result<T, YamlError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(start, Problem::TooDeep));
        }
        let composed = inner(self);
        self.depth -= 1;
        composed
    }

    fn scalar(
        &mut self,
        start: Position,
        text: Cow<'_, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
    ) -> Result<Composed, YamlError> {
        let resolved =
            scalar::resolve(text, style, tag).map_err(|problem| self.error(start, problem))?;
        let value = match &resolved.scalar {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(*value),
            #[expect(clippy::cast_precision_loss, reason = "as Helm rounds it")]
            Scalar::Int(number) => Value::Number(Number::Float(*number as f64)),
            Scalar::Float(number) => Value::Number(Number::Float(*number)),
            Scalar::Timestamp | Scalar::String => Value::String(resolved.text),
        };
        let scalar = Some(resolved.scalar);
        let node = Node::new(value, self.origin(start));
        Ok(Composed { node, weight: 1, height: 0, scalar })
    }

    /// A value, as opposed to a key: it has to fit into JSON.
    fn value(&mut self, event: Event<'a>, span: Span) -> Result<Composed, YamlError> {
        let start = position(span.start);
        let composed = self.compose(event, span)?;
        match composed.scalar {
            Some(Scalar::Float(number)) if !number.is_finite() => {
                Err(self.error(start, Problem::NotFinite(number::general(number))))
            }
            Some(Scalar::Int(number)) => {
                self.check_digits(start, number);
                Ok(composed)
            }
            _ => Ok(composed),
        }
    }

    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "the test")]
    fn check_digits(&mut self, at: Position, number: i128) {
        let kept = number as f64;
        if kept as i128 != number {
            let becomes = Number::Float(kept).to_yaml();
            self.notice(at, NoticeKind::Rounded { text: number.to_string(), becomes });
        }
    }

    fn list(&mut self, start: Position) -> Result<Composed, YamlError> {
        let mut items = Vec::new();
        let mut size = Size::default();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                break;
            }
            let item = self.value(event, span)?;
            size.add(&item);
            items.push(item.node);
        }
        let node = Node::new(Value::List(items), self.origin(start));
        Ok(size.of(node))
    }

    fn map(&mut self, start: Position) -> Result<Composed, YamlError> {
        let mut map = Map::new();
        let mut size = Size::default();
        let mut written: HashMap<String, (Position, Scalar)> = HashMap::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let at = position(span.start);
            if is_merge_key(&event) {
                // As go-yaml v2 does it: what is merged wins over what was written before it.
                for merged in self.merged()? {
                    size.add(&merged);
                    if let Value::Map(entries) = merged.node.value {
                        map.extend(entries);
                    }
                }
                continue;
            }
            let source = span.slice(self.text).unwrap_or_default();
            let key = self.compose(event, span)?;
            size.add(&key);
            let (key, scalar) =
                key::of(key.node.value, key.scalar).map_err(|problem| self.error(at, problem))?;
            if scalar != Scalar::String && source != key {
                let (text, becomes) = (source.to_owned(), key.clone());
                self.notice(at, NoticeKind::KeyChanged { text, becomes });
            }
            let (event, span) = self.next()?;
            let value = self.value(event, span)?;
            size.add(&value);
            if let Some((first, other)) = written.insert(key.clone(), (at, scalar.clone())) {
                let key = key.clone();
                self.notice(
                    at,
                    if scalar == other {
                        NoticeKind::DuplicateKey { key, first }
                    } else {
                        NoticeKind::CollidingKeys { key, first }
                    },
                );
            }
            map.insert(key, value.node);
        }
        let node = Node::new(Value::Map(map), self.origin(start));
        Ok(size.of(node))
    }

    /// The maps that `<<` merges, in the order in which they have to be put in.
    fn merged(&mut self) -> Result<Vec<Composed>, YamlError> {
        let (event, span) = self.next()?;
        let start = position(span.start);
        let Event::SequenceStart(style, ..) = event else {
            return Ok(vec![self.mergeable(event, span)?]);
        };
        self.nested(start, |this| this.bracketed(style, &span, Self::merge_list))
    }

    fn merge_list(&mut self) -> Result<Vec<Composed>, YamlError> {
        let mut maps = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                // The first has precedence.
                maps.reverse();
                return Ok(maps);
            }
            maps.push(self.mergeable(event, span)?);
        }
    }

    fn mergeable(&mut self, event: Event<'a>, span: Span) -> Result<Composed, YamlError> {
        let composed = self.compose(event, span)?;
        match composed.node.value {
            Value::Map(_) => Ok(composed),
            _ => Err(self.error(position(span.start), Problem::MergeKind)),
        }
    }

    /// Keeps a node for its aliases.
    fn anchor(
        &mut self,
        anchor: usize,
        composed: Composed,
        start: Position,
    ) -> Result<Composed, YamlError> {
        if anchor != 0 {
            self.make(composed.weight, start)?;
            self.anchors.insert(anchor, composed.clone());
        }
        Ok(composed)
    }

    fn alias(&mut self, anchor: usize, start: Position) -> Result<Composed, YamlError> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(self.error(start, Problem::AliasInItself));
        };
        if self.depth + anchored.height > MAX_DEPTH {
            return Err(self.error(start, Problem::TooDeep));
        }
        let mut composed = anchored.clone();
        self.make(composed.weight, start)?;
        self.decoded += composed.weight;
        self.aliased += composed.weight;
        if is_excessive(self.aliased, self.decoded) {
            return Err(self.error(start, Problem::TooManyAliases));
        }
        composed.weight += 1;
        Ok(composed)
    }

    fn make(&mut self, nodes: u64, at: Position) -> Result<(), YamlError> {
        self.made = self.made.saturating_add(nodes);
        if self.made > MAX_NODES {
            return Err(self.error(at, Problem::TooManyNodes));
        }
        Ok(())
    }

    fn origin(&self, position: Position) -> Origin {
        Origin::File { name: Arc::clone(&self.name), position }
    }

    fn notice(&mut self, position: Position, kind: NoticeKind) {
        self.notices.push(Notice { name: Arc::clone(&self.name), position, kind });
    }

    fn error(&self, position: Position, problem: Problem) -> YamlError {
        YamlError::at(&self.name, self.text, position, problem)
    }

    fn syntax(&self, error: &ScanError) -> YamlError {
        let position = position(*error.marker());
        let line = self.text.lines().nth(position.line.saturating_sub(1) as usize);
        let indent = line.and_then(|line| line.split(|c: char| !c.is_whitespace()).next());
        match indent.and_then(|indent| indent.find('\t')) {
            Some(blanks) => {
                let column = u32::try_from(blanks).unwrap_or(u32::MAX).saturating_add(1);
                self.error(Position { column, ..position }, Problem::TabIndent)
            }
            None => self.error(position, Problem::Syntax(error.info())),
        }
    }
}

/// What the parts of a map or list add up to.
#[derive(Default)]
struct Size {
    weight: u64,
    height: usize,
}

impl Size {
    fn add(&mut self, part: &Composed) {
        self.weight += part.weight;
        self.height = self.height.max(part.height);
    }

    fn of(self, node: Node) -> Composed {
        Composed { node, weight: self.weight + 1, height: self.height + 1, scalar: None }
    }
}

/// Whether a key is `<<`, neither quoted nor tagged otherwise.
fn is_merge_key(event: &Event<'_>) -> bool {
    match event {
        Event::Scalar(text, style, _, tag) if text == "<<" => match tag {
            None => *style == ScalarStyle::Plain,
            Some(tag) => tag.suffix().ends_with("merge"),
        },
        _ => false,
    }
}

/// go-yaml's limit: the larger the document, the smaller the part that aliases may make up.
#[expect(clippy::cast_precision_loss, reason = "a ratio")]
fn is_excessive(aliased: u64, decoded: u64) -> bool {
    const SMALL: f64 = 400_000.0;
    const LARGE: f64 = 4_000_000.0;
    let decoded_nodes = decoded as f64;
    let share = ((decoded_nodes - SMALL) / (LARGE - SMALL)).clamp(0.0, 1.0);
    let allowed = 0.99 - 0.89 * share;
    aliased > 100 && decoded > 1000 && aliased as f64 / decoded_nodes > allowed
}

fn position(marker: Marker) -> Position {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Position { line: number(marker.line()), column: number(marker.col()).saturating_add(1) }
}
