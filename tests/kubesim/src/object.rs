//! Reading and writing objects as the JSON they are.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

/// Follows `path` from field to field.
pub(crate) fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, field| value.get(field))
}

/// The text at `path`, or "".
pub(crate) fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    at(value, path).and_then(Value::as_str).unwrap_or_default()
}

/// The whole number at `path`, or 0.
pub(crate) fn number(value: &Value, path: &[&str]) -> i64 {
    at(value, path).and_then(Value::as_i64).unwrap_or_default()
}

/// The list at `path`, or an empty one.
pub(crate) fn list<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    at(value, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A text of the object's metadata, or "".
pub(crate) fn meta<'a>(object: &'a Value, field: &str) -> &'a str {
    text(object, &["metadata", field])
}

/// The object's labels.
pub(crate) fn labels(object: &Value) -> Option<&Map<String, Value>> {
    at(object, &["metadata", "labels"]).and_then(Value::as_object)
}

/// The object's finalizers.
pub(crate) fn finalizers(object: &Value) -> Vec<String> {
    list(object, &["metadata", "finalizers"])
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Whether deletion has begun.
pub(crate) fn terminating(object: &Value) -> bool {
    !meta(object, "deletionTimestamp").is_empty()
}

/// Sets or, if empty, removes the finalizers.
pub(crate) fn set_finalizers(object: &mut Value, finalizers: &[String]) {
    if finalizers.is_empty() {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("finalizers");
        }
    } else {
        object["metadata"]["finalizers"] = json!(finalizers);
    }
}

/// The object at `field`, made if it is not there or not an object.
pub(crate) fn child<'a>(value: &'a mut Value, field: &str) -> &'a mut Value {
    if !value.get(field).is_some_and(Value::is_object) {
        value[field] = json!({});
    }
    &mut value[field]
}

/// Sets the field unless it has a value.
pub(crate) fn default(value: &mut Value, field: &str, otherwise: Value) {
    if value.get(field).is_none_or(Value::is_null) {
        value[field] = otherwise;
    }
}

/// Now, as metadata has it: whole seconds, UTC.
pub(crate) fn now() -> String {
    stamp(Timestamp::now())
}

/// A point in time as metadata has it.
pub(crate) fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `seconds` from now.
pub(crate) fn later(seconds: i64) -> String {
    stamp(
        Timestamp::now()
            .saturating_add(SignedDuration::from_secs(seconds))
            .unwrap_or(Timestamp::MAX),
    )
}

/// Removes what no stored object carries: nulls at any depth, and empty metadata.
pub(crate) fn tidy(object: &mut Value) {
    drop_nulls(object);
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|_, field| match field {
            Value::Object(fields) => !fields.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::String(text) => !text.is_empty(),
            _ => true,
        });
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// `api/version` split into group and version; core has the group "".
pub(crate) fn group_version(api_version: &str) -> (&str, &str) {
    api_version.rsplit_once('/').unwrap_or(("", api_version))
}

/// Group and version joined as `apiVersion` has them.
pub(crate) fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}
