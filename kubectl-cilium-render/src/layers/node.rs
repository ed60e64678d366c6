//! The tree of values.

use std::collections::BTreeMap;

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap as _, SerializeSeq as _},
};

use super::{Number, Origin};

/// A map of values.
pub type Map = BTreeMap<String, Node>;

/// A value, and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it comes from.
    pub origin: Origin,
    /// What it took the place of, the oldest first.
    pub replaced: Vec<Self>,
}

/// A value as Helm keeps it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing. In a values file it deletes what the chart has there.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    String(String),
    /// A list; a later one takes the place of an earlier one as a whole.
    List(Vec<Node>),
    /// A map; a later one is merged into an earlier one.
    Map(Map),
}

impl Node {
    /// A value that took the place of nothing.
    pub fn new(value: Value, origin: Origin) -> Self {
        Self { value, origin, replaced: Vec::new() }
    }

    /// Puts another value here, and keeps this one among what it replaced.
    pub fn replace(&mut self, mut by: Self) {
        by.replaced = std::mem::take(&mut self.replaced);
        let old = std::mem::replace(self, by);
        self.replaced.push(old);
    }

    /// The map, if it is one.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Follows map keys.
    pub fn at<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Option<&Self> {
        path.into_iter().try_fold(self, |node, key| node.as_map()?.get(key))
    }
}

impl Value {
    /// What Helm and JSON Schema call it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }
}

/// Merges a later layer into an earlier one, as Helm merges values files: maps key by key, anything
/// else as a whole. Null is a value here: it must reach the chart, where it deletes the default.
pub fn merge(base: &mut Map, later: Map) {
    for (key, node) in later {
        match base.get_mut(&key) {
            None => {
                base.insert(key, node);
            }
            Some(old) => match (&mut old.value, node.value) {
                (Value::Map(old), Value::Map(new)) => merge(old, new),
                (_, value) => old.replace(Node { value, ..node }),
            },
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Map(map) => {
                let mut entries = serializer.serialize_map(Some(map.len()))?;
                for (key, node) in map {
                    entries.serialize_entry(key, node)?;
                }
                entries.end()
            }
        }
    }
}
