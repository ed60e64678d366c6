//! The grammar of keys and values.

use super::{
    MAX_SLOTS, ReadFile,
    error::{MAX_LEVEL, Problem},
    json, typed,
};
use crate::layers::{Map, Node, Origin, SetFlag, Value};

/// Reads one argument.
pub(super) struct Parser<'a> {
    /// What is not read yet.
    rest: &'a str,
    length: usize,
    pub(super) flag: SetFlag,
    origin: &'a Origin,
    read_file: ReadFile<'a>,
    /// List slots that may still be made.
    slots: usize,
}

/// What follows a part of the argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// More may follow.
    More,
    /// It is at its end; where Helm stops, without asking for what is missing.
    End,
}

impl<'a> Parser<'a> {
    pub(super) fn new(
        argument: &'a str,
        origin: &'a Origin,
        flag: SetFlag,
        read_file: ReadFile<'a>,
    ) -> Self {
        let length = argument.chars().count();
        Self { rest: argument, length, flag, origin, read_file, slots: MAX_SLOTS }
    }

    /// Reads to the end, and sets what is said.
    pub(super) fn line(&mut self, values: &mut Map) -> Result<(), Problem> {
        while self.key(values, 0)? == Flow::More {}
        Ok(())
    }

    /// Reads a key, or a part of one up to a dot, and what follows it.
    pub(super) fn key(&mut self, map: &mut Map, level: usize) -> Result<Flow, Problem> {
        let stops: &[char] = match self.flag {
            SetFlag::SetLiteral => &['=', '[', '.'],
            _ => &['=', '[', ',', '.'],
        };
        let (key, stop) = self.until(stops);
        match stop {
            None if key.is_empty() => Ok(Flow::End),
            None => Err(Problem::NoValue(key)),
            Some('[') => {
                let index = self.index()?;
                let mut list = take_list(map.get_mut(&key), &key)?;
                let flow = self.list_item(&mut list, index, level, 1)?;
                self.put(map, key, Value::List(list));
                Ok(flow)
            }
            Some('=') => {
                let (value, flow) = self.value()?;
                self.set(map, key, value);
                Ok(flow)
            }
            Some('.') => {
                if level == MAX_LEVEL {
                    return Err(Problem::TooDeep);
                }
                let mut inner = take_map(map.get_mut(&key), &key)?;
                let flow = self.key(&mut inner, level + 1)?;
                if !inner.is_empty() {
                    self.put(map, key, Value::Map(inner));
                } else if flow == Flow::More {
                    return Err(Problem::EmptyMap(key));
                }
                Ok(flow)
            }
            Some(_) => Err(Problem::EndsWithComma(key)),
        }
    }

    /// Reads what follows `=`.
    pub(super) fn value(&mut self) -> Result<(Value, Flow), Problem> {
        match self.flag {
            SetFlag::SetLiteral => {
                let text = std::mem::take(&mut self.rest);
                Ok((Value::String(text.to_owned()), Flow::More))
            }
            SetFlag::SetJson => Ok((self.json()?, Flow::More)),
            SetFlag::Set | SetFlag::SetString | SetFlag::SetFile | SetFlag::NodesWithoutCilium => {
                if self.rest.is_empty() {
                    return Ok((Value::String(String::new()), Flow::End));
                }
                if let Some(rest) = self.rest.strip_prefix('{') {
                    self.rest = rest;
                    return Ok((self.list()?, Flow::More));
                }
                let (text, _) = self.until(&[',']);
                Ok((self.read(text)?, Flow::More))
            }
        }
    }

    fn list(&mut self) -> Result<Value, Problem> {
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            let Some(stop) = stop else { return Err(Problem::OpenList) };
            let item = self.read(text)?;
            items.push(self.node(item));
            if stop == '}' {
                self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
                return Ok(Value::List(items));
            }
        }
    }

    fn read(&self, text: String) -> Result<Value, Problem> {
        match self.flag {
            SetFlag::Set => Ok(typed::value(text)),
            SetFlag::SetFile => match (self.read_file)(&text) {
                Ok(content) => Ok(Value::String(content)),
                Err(source) => Err(Problem::File { path: text, source }),
            },
            _ => Ok(Value::String(text)),
        }
    }

    fn json(&mut self) -> Result<Value, Problem> {
        if self.skip_blanks_and_comma() {
            return Ok(Value::Null);
        }
        let start = self.length - self.rest.chars().count();
        let (value, rest) = json::prefix(self.rest, self.origin, start)?;
        self.rest = rest;
        self.skip_blanks_and_comma();
        Ok(value)
    }

    /// Whether a comma or the end follows. The comma and what is blank before it are skipped.
    fn skip_blanks_and_comma(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        let after_comma = self.rest.strip_prefix(',');
        self.rest = after_comma.unwrap_or(self.rest);
        after_comma.is_some() || self.rest.is_empty()
    }

    /// Reads up to one of `stops` and skips it. A backslash makes the character after it ordinary.
    pub(super) fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let escapes = self.flag != SetFlag::SetLiteral;
        let mut text = String::new();
        let mut characters = self.rest.chars();
        let stop = loop {
            match characters.next() {
                None => break None,
                Some(stop) if stops.contains(&stop) => break Some(stop),
                Some('\\') if escapes => text.extend(characters.next()),
                Some(character) => text.push(character),
            }
        };
        self.rest = characters.as_str();
        (text, stop)
    }

    /// Makes a node with the origin of this argument.
    pub(super) fn node(&self, value: Value) -> Node {
        Node::new(value, self.origin.clone())
    }

    /// Takes slots from the budget.
    pub(super) fn reserve(&mut self, slots: usize) -> Result<(), Problem> {
        self.slots = self.slots.checked_sub(slots).ok_or(Problem::TooManySlots)?;
        Ok(())
    }

    /// Sets a value. Helm ignores one whose key is empty.
    fn set(&self, map: &mut Map, key: String, value: Value) {
        if key.is_empty() {
            return;
        }
        match map.get_mut(&key) {
            Some(node) => node.replace(self.node(value)),
            None => {
                map.insert(key, self.node(value));
            }
        }
    }

    /// Puts back the list or map that was taken out to be changed.
    fn put(&self, map: &mut Map, key: String, value: Value) {
        if key.is_empty() {
            return;
        }
        match map.get_mut(&key) {
            Some(node) => node.value = value,
            None => {
                map.insert(key, self.node(value));
            }
        }
    }
}

/// Takes the list out of a node that may be there.
pub(super) fn take_list(node: Option<&mut Node>, path: &str) -> Result<Vec<Node>, Problem> {
    match node {
        None => Ok(Vec::new()),
        Some(Node { value: Value::List(items), .. }) => Ok(std::mem::take(items)),
        Some(node) => Err(kind(node, path, "list")),
    }
}

fn take_map(node: Option<&mut Node>, path: &str) -> Result<Map, Problem> {
    match node {
        None => Ok(Map::new()),
        Some(Node { value: Value::Map(map), .. }) => Ok(std::mem::take(map)),
        Some(node) => Err(kind(node, path, "map")),
    }
}

fn kind(node: &Node, path: &str, wanted: &'static str) -> Problem {
    let (path, found, origin) = (path.to_owned(), node.value.kind(), node.origin.clone());
    Problem::Kind { path, found, wanted, origin }
}
