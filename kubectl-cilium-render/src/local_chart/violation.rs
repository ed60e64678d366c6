//! A value that the chart's schema does not allow.

use std::fmt;

use kcilium_core::rules::{Basis, Finding, Remedy, Severity, registry};

use crate::layers::{Map, Node, Origin, Value};

/// A step on the way to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a map.
    Key(String),
    /// Into a list.
    Item(usize),
}

/// A value that the chart's schema does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) path: Vec<Step>,
    pub(super) message: String,
}

impl Violation {
    /// As a finding about the value's key. Helm installs nothing that violates a schema.
    pub(super) fn finding(&self) -> Finding {
        let key = self.to_string();
        let summary =
            if key.is_empty() { self.message.clone() } else { format!("{key}: {}", self.message) };
        Finding {
            code: registry::SCHEMA.code,
            severity: Severity::Error,
            basis: Basis::Proposed,
            subject: key,
            nodes: Vec::new(),
            summary,
            evidence: Vec::new(),
            impact: "Helm refuses to install the chart with it".to_owned(),
            remedy: Remedy::default(),
        }
    }

    /// Where the value comes from; of a missing one, the map that it is missing in.
    pub(super) fn origin<'a>(&self, values: &'a Map) -> Option<&'a Origin> {
        let [Step::Key(first), rest @ ..] = &self.path[..] else { return None };
        let mut node = values.get(first)?;
        for step in rest {
            match enter(node, step) {
                Some(inner) => node = inner,
                None => break,
            }
        }
        Some(&node.origin)
    }
}

fn enter<'a>(node: &'a Node, step: &Step) -> Option<&'a Node> {
    match (&node.value, step) {
        (Value::Map(map), Step::Key(key)) => map.get(key),
        (Value::List(items), Step::Item(number)) => items.get(*number),
        _ => None,
    }
}

/// The key as `--set` takes it.
impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.path.iter().enumerate() {
            match step {
                Step::Key(key) => {
                    let dot = if number > 0 { "." } else { "" };
                    write!(f, "{dot}{}", key.replace('.', "\\."))?;
                }
                Step::Item(item) => write!(f, "[{item}]")?,
            }
        }
        Ok(())
    }
}
