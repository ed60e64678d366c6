//! The part of structural schemas that decides whether a custom resource is taken.

use serde_json::{Map, Value};

use crate::{
    object::{at, default, list, text},
    status::Cause,
};

const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";

/// Fills in defaults, and drops the fields that the schema does not know.
pub(crate) fn prune(object: &mut Value, schema: &Value) {
    fields(object, schema, true);
}

fn fields(value: &mut Value, schema: &Value, root: bool) {
    match value {
        Value::Object(map) => {
            if schema.get("x-kubernetes-embedded-resource").is_some_and(|flag| flag == true) {
                return;
            }
            let known = schema.get("properties").and_then(Value::as_object);
            for (name, inner) in known.into_iter().flatten() {
                if let Some(value) = inner.get("default") {
                    let mut slot = Value::Object(std::mem::take(map));
                    default(&mut slot, name, value.clone());
                    if let Value::Object(fields) = slot {
                        *map = fields;
                    }
                }
            }
            prune_unknown(map, schema, known, root);
        }
        Value::Array(values) => {
            if let Some(items) = schema.get("items") {
                for value in values {
                    fields(value, items, false);
                }
            }
        }
        _ => {}
    }
}

fn prune_unknown(
    map: &mut Map<String, Value>,
    schema: &Value,
    known: Option<&Map<String, Value>>,
    root: bool,
) {
    let keep = schema.get(PRESERVE).is_some_and(|flag| flag == true);
    let additional = schema.get("additionalProperties").filter(|schema| **schema != false);
    let identity = |name: &str| root && matches!(name, "apiVersion" | "kind" | "metadata");
    map.retain(|name, _| {
        keep || additional.is_some()
            || identity(name)
            || known.is_some_and(|known| known.contains_key(name))
    });
    for (name, value) in map {
        if identity(name) {
            continue;
        }
        if let Some(inner) = known.and_then(|known| known.get(name)).or(additional) {
            fields(value, inner, false);
        }
    }
}

/// The fields that the schema does not know, as strict validation names them.
pub(crate) fn unknown(object: &Value, schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    find_unknown(object, schema, "", &mut found);
    found
}

fn find_unknown(value: &Value, schema: &Value, path: &str, found: &mut Vec<String>) {
    let set = |field: &str| schema.get(field).is_some_and(|flag| *flag == true);
    match value {
        Value::Object(map) if !set("x-kubernetes-embedded-resource") => {
            for (name, inner) in map {
                if path.is_empty() && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
                    continue;
                }
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let additional = schema.get("additionalProperties").filter(|s| **s != false);
                match at(schema, &["properties", name]).or(additional) {
                    Some(schema) => find_unknown(inner, schema, &path, found),
                    None if set(PRESERVE) => {}
                    None => found.push(path),
                }
            }
        }
        Value::Array(values) => {
            if let Some(items) = schema.get("items") {
                for (i, value) in values.iter().enumerate() {
                    find_unknown(value, items, &format!("{path}[{i}]"), found);
                }
            }
        }
        _ => {}
    }
}

/// What in the object the schema does not allow.
pub(crate) fn causes(object: &Value, schema: &Value) -> Vec<Cause> {
    let mut found = Vec::new();
    check(object, schema, "", &mut found);
    found
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn check(value: &Value, schema: &Value, path: &str, found: &mut Vec<Cause>) {
    let wanted = text(schema, &["type"]);
    let actual = type_of(value);
    let either = schema.get("x-kubernetes-int-or-string").is_some_and(|flag| flag == true);
    let number = wanted == "number" && actual == "integer";
    if !wanted.is_empty() && wanted != actual && !number && !either {
        let shown = path.trim_start_matches('.');
        found.push(Cause {
            reason: "FieldValueTypeInvalid",
            message: format!(
                "Invalid value: {actual:?}: {shown} in body must be of type {wanted}: {actual:?}"
            ),
            field: shown.to_owned(),
        });
        return;
    }
    let allowed = list(schema, &["enum"]);
    if !allowed.is_empty() && !allowed.contains(value) {
        let words: Vec<_> = allowed.iter().filter_map(Value::as_str).collect();
        found.push(Cause::unsupported(path.trim_start_matches('.'), value, &words));
    }
    match value {
        Value::Object(map) => {
            for name in list(schema, &["required"]).iter().filter_map(Value::as_str) {
                if !map.contains_key(name) {
                    let field = format!("{path}.{name}");
                    found.push(Cause::required(field.trim_start_matches('.'), ""));
                }
            }
            for (name, inner) in map {
                let schema = at(schema, &["properties", name])
                    .or_else(|| schema.get("additionalProperties").filter(|s| s.is_object()));
                if let Some(schema) = schema {
                    check(inner, schema, &format!("{path}.{name}"), found);
                }
            }
        }
        Value::Array(values) => {
            if let Some(items) = schema.get("items") {
                for (i, value) in values.iter().enumerate() {
                    check(value, items, &format!("{path}[{i}]"), found);
                }
            }
        }
        _ => {}
    }
}
