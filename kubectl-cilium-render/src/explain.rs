//! Where each value comes from, for people.

use kcilium_cli::{Paragraph, Style, control};
use kcilium_core::{chart::Chart, redaction};

use crate::layers::{
    Map, Node, Origin, Value,
    yaml::resolve::{self, Scalar},
};

/// Characters of a value that are shown.
const SHOWN: usize = 60;

/// Lays out, for every value: its key and value, where it comes from, why, and what it replaces.
/// Values that look like secrets are hidden.
pub fn explain(values: &Map, chart: Chart, width: usize) -> String {
    let mut text = String::new();
    leaves(values, "", &mut |key, node| {
        let line = format!("{key}: {}", shown(key, &node.value));
        text.push_str(&Style::Heading.paint(control::escape_line(&line)).to_string());
        text.push('\n');
        for sentence in sentences(key, node, chart) {
            let sentence = control::escape_line(&sentence).into_owned();
            text.push_str(&Paragraph::new(width).hanging("  ", "    ").fill(&sentence));
            text.push('\n');
        }
    });
    text
}

/// The comment above a detected value: where it was found, and why it is the right one.
pub fn comment(node: &Node) -> Option<String> {
    let Origin::Detected { source, reason } = &node.origin else { return None };
    Some(control::escape_line(&format!("{source}: {reason}")).into_owned())
}

/// Calls for every value that is no map with keys.
fn leaves(map: &Map, prefix: &str, visit: &mut impl FnMut(&str, &Node)) {
    for (name, node) in map {
        let name = name.replace('.', "\\.");
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match node.as_map() {
            Some(inner) if !inner.is_empty() => leaves(inner, &key, visit),
            _ => visit(&key, node),
        }
    }
}

fn sentences(key: &str, node: &Node, chart: Chart) -> Vec<String> {
    let mut sentences = vec![format!("from {}", node.origin)];
    if let Origin::Detected { reason, .. } = &node.origin {
        sentences.push(format!("because {reason}"));
    }
    for replaced in node.replaced.iter().rev() {
        sentences.push(format!(
            "replaces {} from {}",
            shown(key, &replaced.value),
            replaced.origin
        ));
    }
    if let Some(default) = chart.entry(key).and_then(|entry| entry.default()) {
        sentences.push(match &node.value {
            value if json(value) == default => "as the chart's default".to_owned(),
            Value::Null => format!("deletes the chart's default {}", short(default)),
            _ => format!("replaces the chart's default {}", short(default)),
        });
    }
    sentences
}

fn shown(key: &str, value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        value => match redacted(key, value) {
            serde_json::Value::String(text) if resolve::plain(&text) == Scalar::String => {
                short(&text)
            }
            other => short(&other.to_string()),
        },
    }
}

/// The value without secrets: by the names above it, and by its own form.
fn redacted(key: &str, value: &Value) -> serde_json::Value {
    let names: Vec<String> = names(key);
    let value = serde_json::to_value(value).unwrap_or_default();
    redaction::at(names.iter().map(String::as_str), value)
}

/// The names in a path, in which a dot of a name has a backslash before it.
fn names(key: &str) -> Vec<String> {
    key.replace("\\.", "\0").split('.').map(|name| name.replace('\0', ".")).collect()
}

fn json(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
