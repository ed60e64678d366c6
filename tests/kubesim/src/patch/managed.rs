//! `managedFields`: who set which field.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::list_kind::{ListKind, Shape};
use crate::object::{list, now, text};

/// One step into an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Into a field.
    Field(String),
    /// To the item with these keys, as JSON.
    Key(String),
    /// To the item with this value, as JSON.
    Item(String),
}

/// Where a field is.
pub(super) type Path = Vec<Step>;

/// A set of fields, each with its value in the object it was read from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FieldSet(pub BTreeMap<Path, Value>);

/// What nobody owns: identity, and what the server writes.
const UNOWNED: &[&[&str]] = &[
    &["apiVersion"],
    &["kind"],
    &["metadata", "name"],
    &["metadata", "namespace"],
    &["metadata", "uid"],
    &["metadata", "resourceVersion"],
    &["metadata", "generation"],
    &["metadata", "creationTimestamp"],
    &["metadata", "deletionTimestamp"],
    &["metadata", "deletionGracePeriodSeconds"],
    &["metadata", "selfLink"],
    &["metadata", "managedFields"],
    &["metadata", "generateName"],
];

impl FieldSet {
    /// The fields of an object.
    pub(super) fn of(object: &Value, shape: Shape<'_>) -> Self {
        let mut set = Self::default();
        set.walk(object, shape, &mut Vec::new(), &mut Vec::new());
        set
    }

    fn walk<'a>(
        &mut self,
        value: &'a Value,
        shape: Shape<'_>,
        fields: &mut Vec<&'a str>,
        path: &mut Path,
    ) {
        if UNOWNED.contains(&fields.as_slice()) && path.len() == fields.len() {
            return;
        }
        match value {
            Value::Object(map) if !map.is_empty() => {
                for (field, inner) in map {
                    fields.push(field);
                    path.push(Step::Field(field.clone()));
                    self.walk(inner, shape, fields, path);
                    path.pop();
                    fields.pop();
                }
            }
            Value::Array(items) if !items.is_empty() => match shape.list(fields) {
                ListKind::Atomic => self.add(path, value),
                ListKind::Set => {
                    for item in items {
                        path.push(Step::Item(item.to_string()));
                        self.add(path, item);
                        path.pop();
                    }
                }
                ListKind::Map(keys) => {
                    for item in items {
                        path.push(Step::Key(key_of(item, &keys)));
                        self.add(path, &Value::Null);
                        self.walk(item, shape, fields, path);
                        path.pop();
                    }
                }
            },
            _ if !path.is_empty() => self.add(path, value),
            _ => {}
        }
    }

    fn add(&mut self, path: &Path, value: &Value) {
        self.0.insert(path.clone(), value.clone());
    }
}

/// The keys of an item, as they are written in paths.
pub(super) fn key_of(item: &Value, keys: &[String]) -> String {
    let mut found = Map::new();
    for key in keys {
        match item.get(key) {
            Some(value) => found.insert(key.clone(), value.clone()),
            // The one key with a default in the API.
            None if key == "protocol" => found.insert(key.clone(), json!("TCP")),
            None => None,
        };
    }
    Value::Object(found).to_string()
}

/// An entry of `managedFields`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Manager {
    /// The manager's name.
    pub name: String,
    /// `Apply` or `Update`.
    pub operation: String,
    /// The version of the API that it wrote in.
    pub api_version: String,
    /// The subresource that it wrote to, possibly empty.
    pub subresource: String,
    /// When it last changed something.
    pub time: String,
    /// What it owns.
    pub fields: BTreeSet<Path>,
}

impl Manager {
    /// Whether both are one entry.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.name == other.name
            && self.operation == other.operation
            && self.subresource == other.subresource
            && (self.operation == "Apply" || self.api_version == other.api_version)
    }

    /// The entries of an object.
    pub(crate) fn all(object: &Value) -> Vec<Self> {
        list(object, &["metadata", "managedFields"])
            .iter()
            .map(|entry| {
                let mut fields = BTreeSet::new();
                read(&entry["fieldsV1"], &mut Vec::new(), &mut fields);
                Self {
                    name: text(entry, &["manager"]).to_owned(),
                    operation: text(entry, &["operation"]).to_owned(),
                    api_version: text(entry, &["apiVersion"]).to_owned(),
                    subresource: text(entry, &["subresource"]).to_owned(),
                    time: text(entry, &["time"]).to_owned(),
                    fields,
                }
            })
            .collect()
    }

    /// Writes the entries into the object; those that own nothing go.
    pub(crate) fn store(object: &mut Value, managers: &[Self]) {
        let entries: Vec<_> =
            managers.iter().filter(|m| !m.fields.is_empty()).map(Self::entry).collect();
        object["metadata"]["managedFields"] = Value::Array(entries);
    }

    fn entry(&self) -> Value {
        let mut entry = json!({
            "manager": self.name,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "time": self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": write(&self.fields),
        });
        if !self.subresource.is_empty() {
            entry["subresource"] = json!(self.subresource);
        }
        entry
    }
}

fn read(fields: &Value, path: &mut Path, found: &mut BTreeSet<Path>) {
    let Some(map) = fields.as_object() else { return };
    if map.is_empty() && !path.is_empty() {
        found.insert(path.clone());
    }
    for (name, inner) in map {
        let step = match name.split_once(':') {
            Some(("f", field)) => Step::Field(field.to_owned()),
            Some(("k", key)) => Step::Key(key.to_owned()),
            Some(("v", value)) => Step::Item(value.to_owned()),
            _ => {
                found.insert(path.clone());
                continue;
            }
        };
        path.push(step);
        read(inner, path, found);
        path.pop();
    }
}

fn write(fields: &BTreeSet<Path>) -> Value {
    let mut root = json!({});
    for path in fields {
        let mut place = &mut root;
        for step in path {
            let name = match step {
                Step::Field(field) => format!("f:{field}"),
                Step::Key(key) => format!("k:{key}"),
                Step::Item(value) => format!("v:{value}"),
            };
            place = crate::object::child(place, &name);
        }
        if matches!(path.last(), Some(Step::Key(_))) {
            place["."] = json!({});
        }
    }
    root
}

/// Notes what `writer` changed from `old` to `new`, in `new`.
pub(crate) fn track(old: Option<&Value>, new: &mut Value, writer: Manager, shape: Shape<'_>) {
    let before = old.map(|old| FieldSet::of(old, shape)).unwrap_or_default();
    let after = FieldSet::of(new, shape);
    let mut managers = Manager::all(new);
    if let (Some(old), true) = (old, managers.is_empty()) {
        managers = Manager::all(old);
    }
    let changed: BTreeSet<Path> = after
        .0
        .iter()
        .filter(|(path, value)| before.0.get(*path) != Some(value))
        .map(|(path, _)| path.clone())
        .collect();
    for manager in &mut managers {
        manager.fields.retain(|path| after.0.contains_key(path) && !changed.contains(path));
    }
    if !changed.is_empty() {
        match managers.iter_mut().find(|manager| manager.is(&writer)) {
            Some(manager) => {
                manager.fields.extend(changed);
                manager.time = now();
            }
            None => managers.push(Manager { fields: changed, ..writer }),
        }
    }
    Manager::store(new, &managers);
}
