//! What was found, on its way to become values.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::layers::{Map, Node, Number, Origin, Value};

/// Why a value is thought to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Basis {
    /// The cluster is so: another value contradicts it.
    Evidence,
    /// `cilium install` sets it so: another value is another choice.
    Convention,
}

/// A value that was found.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// The key, as a path with dots. No part of it has a dot of its own.
    pub(super) key: &'static str,
    pub(super) value: Json,
    pub(super) source: Arc<str>,
    pub(super) reason: Arc<str>,
    pub(super) basis: Basis,
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) found: Vec<Finding>,
    pub(super) remarks: Vec<String>,
}

impl Findings {
    /// Adds a value that the cluster shows.
    pub(super) fn evidence(
        &mut self,
        key: &'static str,
        value: impl Into<Json>,
        source: &str,
        reason: &str,
    ) {
        self.add(key, value.into(), source, reason, Basis::Evidence);
    }

    /// Adds a value that `cilium install` sets.
    pub(super) fn convention(
        &mut self,
        key: &'static str,
        value: impl Into<Json>,
        source: &str,
        reason: &str,
    ) {
        self.add(key, value.into(), source, reason, Basis::Convention);
    }

    fn add(&mut self, key: &'static str, value: Json, source: &str, reason: &str, basis: Basis) {
        self.found.push(Finding {
            key,
            value,
            source: source.into(),
            reason: reason.into(),
            basis,
        });
    }

    /// Adds a sentence for the user.
    pub(super) fn remark(&mut self, text: impl Into<String>) {
        self.remarks.push(text.into());
    }

    /// The layer of values.
    pub(super) fn into_values(self) -> Map {
        let mut values = Map::new();
        for finding in self.found {
            let origin = Origin::Detected { source: finding.source, reason: finding.reason };
            insert(&mut values, finding.key, finding.value, &origin);
        }
        values
    }
}

fn insert(map: &mut Map, key: &str, json: Json, origin: &Origin) {
    match key.split_once('.') {
        None => {
            map.insert(key.to_owned(), node(json, origin));
        }
        Some((first, rest)) => {
            let inner = map
                .entry(first.to_owned())
                .or_insert_with(|| Node::new(Value::Map(Map::new()), origin.clone()));
            if let Value::Map(inner) = &mut inner.value {
                insert(inner, rest, json, origin);
            }
        }
    }
}

fn node(json: Json, origin: &Origin) -> Node {
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => Value::Number(match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Number::Int(number),
            (None, number) => Number::Float(number.unwrap_or_default()),
        }),
        Json::String(text) => Value::String(text),
        Json::Array(items) => {
            Value::List(items.into_iter().map(|item| node(item, origin)).collect())
        }
        Json::Object(entries) => {
            Value::Map(entries.into_iter().map(|(key, json)| (key, node(json, origin))).collect())
        }
    };
    Node::new(value, origin.clone())
}
