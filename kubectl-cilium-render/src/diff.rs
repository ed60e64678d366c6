//! What differs between a release's values and the new ones.

use std::{collections::BTreeMap, fmt::Write as _};

use kcilium_cli::{Style, control};
use kcilium_core::redaction::{self, REDACTED};
use serde_json::Value;

use crate::layers::Map;

/// Lays out what differs, key by key: `-` the release's value, `+` the new one, `?` where it cannot
/// be told, as the release's value was hidden from us. Secrets are hidden on both sides; that they
/// differ is said. Nothing if nothing differs.
pub fn diff(release: &Value, values: &Map) -> String {
    let new = serde_json::to_value(values).unwrap_or_default();
    let (old_leaves, new_leaves) = (leaves(release), leaves(&new));
    let (old_shown, new_shown) = (leaves(&masked(release)), leaves(&masked(&new)));
    let mut keys: Vec<&String> = old_leaves.keys().chain(new_leaves.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut text = String::new();
    for key in keys {
        let (old, new) = (old_leaves.get(key), new_leaves.get(key));
        let (before, after) = (old_shown.get(key), new_shown.get(key));
        let is_hidden = old.is_some_and(has_redacted);
        if before == after && is_hidden {
            line(&mut text, Style::Warn, '?', key, "the release's value is hidden; it may differ");
        } else if old != new {
            let note = if before == after { "  (they differ)" } else { "" };
            if let Some(before) = before {
                line(&mut text, Style::Error, '-', key, &before.to_string());
            }
            if let Some(after) = after {
                line(&mut text, Style::Ok, '+', key, &format!("{after}{note}"));
            }
        }
    }
    text
}

fn line(text: &mut String, style: Style, sign: char, key: &str, value: &str) {
    let line = format!("{sign} {key}: {value}");
    let _ = writeln!(text, "{}", style.paint(control::escape_line(&line)));
}

fn masked(value: &Value) -> Value {
    let mut value = value.clone();
    redaction::tree(&mut value);
    value
}

fn has_redacted(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(REDACTED),
        Value::Array(items) => items.iter().any(has_redacted),
        Value::Object(fields) => fields.values().any(has_redacted),
        _ => false,
    }
}

/// Every value that is no map with keys.
fn leaves(value: &Value) -> BTreeMap<String, Value> {
    fn walk(value: &Value, key: &str, found: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                for (name, field) in fields {
                    let name = name.replace('.', "\\.");
                    let key = if key.is_empty() { name } else { format!("{key}.{name}") };
                    walk(field, &key, found);
                }
            }
            // A release without values.
            Value::Null | Value::Object(_) if key.is_empty() => {}
            _ => {
                found.insert(key.to_owned(), value.clone());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(value, "", &mut found);
    found
}
