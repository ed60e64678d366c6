//! Old spellings in values, rewritten to what a version of the chart takes.
//!
//! What is old is data, in [`renames`]; this applies it. What the chart takes but advises against
//! stays as it is, and so does what has no replacement that means the same: that is reported.

mod change;
mod file;
mod path;
mod rename;
mod renames;
mod run;

pub use change::{Change, Outcome};
pub use file::{Rewritten, WriteError, rewrite};
pub use run::run;

use self::{
    rename::{Becomes, Literal, Rename},
    renames::RENAMES,
};
use kcilium_core::chart::ChartVersion;

use crate::layers::{Map, Node, Origin, Value};

/// Rewrites what is old for a version, and says what that was. Done twice, it changes nothing more.
pub fn migrate(values: &mut Map, version: &ChartVersion) -> Vec<Change> {
    let of_version = RENAMES.iter().filter(|rename| rename.is_for(version));
    let mut changes: Vec<Change> = of_version.filter_map(|rename| apply(rename, values)).collect();
    changes.sort_by_key(|change| change.at.position());
    changes
}

fn apply(rename: &Rename, values: &mut Map) -> Option<Change> {
    let node = path::get(values, rename.old)?.clone();
    if !rename.takes(&node.value) {
        return None;
    }
    let change = |outcome| {
        let old = if rename.is_about_values() {
            format!("{}: {}", rename.old, shown(&node.value))
        } else {
            rename.old.to_owned()
        };
        Some(Change { at: node.origin.clone(), old, outcome, why: rename.why })
    };
    let new = match rename.becomes {
        Becomes::Reported => return change(Outcome::Left),
        Becomes::Nothing => Vec::new(),
        Becomes::Moved(key) => vec![(key, node.value.clone())],
        Becomes::TextAt(key) => vec![(key, text(&node.value))],
        Becomes::ListAt(key) => vec![(key, list(&node))],
        Becomes::PatternAt(key) => vec![(key, pattern(&node.value))],
        Becomes::Set(settings) => {
            settings.iter().map(|(key, value)| (*key, literal(*value))).collect()
        }
    };
    let is_in_the_way =
        |(key, _): &(&str, Value)| *key != rename.old && path::is_blocked(values, key);
    if new.iter().any(is_in_the_way) {
        return change(Outcome::Left);
    }
    path::remove(values, rename.old);
    let mut written = Vec::new();
    let mut given = Vec::new();
    for (key, value) in new {
        let shown = match rename.becomes {
            Becomes::Set(_) => format!("{key}: {}", shown(&value)),
            _ => key.to_owned(),
        };
        // The new spelling wins over the old one wherever a chart knows both.
        if path::insert(values, key, Node::new(value, node.origin.clone())) {
            written.push(shown);
        } else {
            given.push(key.to_owned());
        }
    }
    change(Outcome::Rewritten { written, given })
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}

fn literal(literal: Literal) -> Value {
    match literal {
        Literal::Bool(value) => Value::Bool(value),
        Literal::Text(text) => Value::String(text.to_owned()),
    }
}

/// Where the new key is a text to the chart's schema, and the old one was not.
fn text(value: &Value) -> Value {
    match value {
        Value::Bool(_) | Value::Number(_) => Value::String(shown(value)),
        other => other.clone(),
    }
}

fn list(node: &Node) -> Value {
    match &node.value {
        Value::String(_) => Value::List(vec![Node::new(node.value.clone(), node.origin.clone())]),
        other => other.clone(),
    }
}

/// The regular expression that matches a name only.
fn pattern(value: &Value) -> Value {
    let Value::String(name) = value else { return value.clone() };
    let mut pattern = String::from("^");
    for character in name.chars() {
        if !(character.is_alphanumeric() || matches!(character, '-' | '_')) {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('$');
    Value::String(pattern)
}

/// The name of the file that a value stands in, and the line.
fn place(origin: &Origin) -> String {
    match origin {
        Origin::File { name, position } => format!("{name}:{}", position.line),
        other => other.to_string(),
    }
}
