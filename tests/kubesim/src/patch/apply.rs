//! Server-side apply: a merge that knows who owns what.

use serde_json::{Value, json};

use super::{
    list_kind::{ListKind, Shape},
    managed::{FieldSet, Manager, Path, Step, key_of},
};
use crate::{
    object::now,
    status::{ApiError, ApiResult},
};

/// Who applies, and how.
#[derive(Clone, Debug)]
pub(crate) struct Applied<'a> {
    /// The field manager.
    pub manager: &'a str,
    /// Take over fields that others own.
    pub force: bool,
    /// `apiVersion` of what is applied.
    pub api_version: &'a str,
    /// The subresource that it is applied to, possibly empty.
    pub subresource: &'a str,
}

/// Merges `config` into `live`, or takes it as it is, and notes the ownership.
pub(crate) fn apply(
    live: Option<&Value>,
    config: &Value,
    how: &Applied<'_>,
    shape: Shape<'_>,
) -> ApiResult<Value> {
    let wanted = FieldSet::of(config, shape);
    let mut managers = live.map(Manager::all).unwrap_or_default();
    let mut mine = Manager {
        name: how.manager.to_owned(),
        operation: "Apply".to_owned(),
        api_version: how.api_version.to_owned(),
        subresource: how.subresource.to_owned(),
        time: now(),
        fields: wanted.0.keys().cloned().collect(),
    };
    let place = managers.iter().position(|manager| manager.is(&mine));
    let before = place.map(|place| managers.remove(place));
    let current = live.map(|live| FieldSet::of(live, shape)).unwrap_or_default();
    let disputed = |path: &Path| {
        current.0.get(path).is_some_and(|value| wanted.0.get(path).is_some_and(|w| w != value))
    };
    let conflicts: Vec<(String, String)> = managers
        .iter()
        .flat_map(|manager| {
            let who = describe(manager);
            manager
                .fields
                .iter()
                .filter(|path| disputed(path))
                .map(move |path| (who.clone(), show(path)))
        })
        .collect();
    if !conflicts.is_empty() && !how.force {
        return Err(conflict(&conflicts));
    }
    for manager in &mut managers {
        manager.fields.retain(|path| !disputed(path));
    }

    let mut merged = live.cloned().unwrap_or_else(|| json!({}));
    merge(&mut merged, config, shape, &mut Vec::new());
    if let Some(before) = before {
        let gone = before.fields.iter().filter(|path| {
            !wanted.0.contains_key(*path)
                && !managers.iter().any(|m| m.fields.iter().any(|other| other.starts_with(path)))
        });
        // Deeper paths first, so that an item goes after what it holds.
        for path in gone.collect::<Vec<_>>().into_iter().rev() {
            remove(&mut merged, path);
        }
        if before.fields == mine.fields {
            mine.time = before.time;
        }
        managers.insert(place.unwrap_or_default(), mine);
    } else {
        managers.push(mine);
    }
    Manager::store(&mut merged, &managers);
    Ok(merged)
}

fn describe(manager: &Manager) -> String {
    if manager.operation == "Apply" {
        format!("{:?}", manager.name)
    } else {
        let part = match manager.subresource.as_str() {
            "" => String::new(),
            sub => format!(" with subresource {sub:?}"),
        };
        format!("{:?}{part} using {}", manager.name, manager.api_version)
    }
}

fn conflict(conflicts: &[(String, String)]) -> ApiError {
    let mut managers: Vec<&str> = conflicts.iter().map(|(who, _)| who.as_str()).collect();
    managers.dedup();
    let lines: Vec<String> = managers
        .iter()
        .map(|who| {
            let fields: Vec<_> =
                conflicts.iter().filter(|(w, _)| w == who).map(|(_, field)| field).collect();
            match fields.as_slice() {
                [one] => format!("conflict with {who}: {one}"),
                many => {
                    let many: Vec<_> = many.iter().map(|field| format!("\n- {field}")).collect();
                    format!("conflicts with {who}:{}", many.concat())
                }
            }
        })
        .collect();
    let plural = if conflicts.len() == 1 { "" } else { "s" };
    let mut error = ApiError::new(
        409,
        "Conflict",
        format!("Apply failed with {} conflict{plural}: {}", conflicts.len(), lines.join("\n")),
    );
    let causes: Vec<_> = conflicts
        .iter()
        .map(|(who, field)| {
            json!({"reason": "FieldManagerConflict", "message": format!("conflict with {who}"), "field": field})
        })
        .collect();
    error.details.insert("causes".to_owned(), Value::Array(causes));
    error
}

/// A path as people read it: `.spec.containers[name="a"].image`.
fn show(path: &[Step]) -> String {
    let mut shown = String::new();
    for step in path {
        match step {
            Step::Field(field) => shown.extend([".", field]),
            Step::Key(key) => {
                let keys: Value = serde_json::from_str(key).unwrap_or_default();
                let parts: Vec<_> = keys
                    .as_object()
                    .map(|keys| keys.iter().map(|(k, v)| format!("{k}={v}")).collect())
                    .unwrap_or_default();
                shown.extend(["[", &parts.join(","), "]"]);
            }
            Step::Item(value) => shown.extend(["[=", value, "]"]),
        }
    }
    shown
}

fn merge<'a>(live: &mut Value, config: &'a Value, shape: Shape<'_>, path: &mut Vec<&'a str>) {
    match config {
        Value::Object(fields) => {
            if !live.is_object() {
                *live = json!({});
            }
            for (field, wanted) in fields {
                path.push(field);
                let place = &mut live[field.as_str()];
                merge(place, wanted, shape, path);
                path.pop();
            }
        }
        Value::Array(wanted) if live.is_array() => {
            let kind = shape.list(path);
            let Some(items) = live.as_array_mut() else { return };
            match kind {
                ListKind::Atomic => items.clone_from(wanted),
                ListKind::Set => {
                    for item in wanted {
                        if !items.contains(item) {
                            items.push(item.clone());
                        }
                    }
                }
                ListKind::Map(keys) => {
                    for item in wanted {
                        let key = key_of(item, &keys);
                        match items.iter_mut().find(|known| key_of(known, &keys) == key) {
                            Some(known) => merge(known, item, shape, path),
                            None => items.push(item.clone()),
                        }
                    }
                }
            }
        }
        _ => *live = config.clone(),
    }
}

/// Removes what is at `path`.
fn remove(object: &mut Value, path: &[Step]) {
    let Some((last, above)) = path.split_last() else { return };
    let mut place = object;
    for step in above {
        let next = match step {
            Step::Field(field) => place.get_mut(field),
            Step::Key(key) => place
                .as_array_mut()
                .and_then(|items| items.iter_mut().find(|item| has_key(item, key))),
            Step::Item(_) => None,
        };
        let Some(next) = next else { return };
        place = next;
    }
    match (last, place) {
        (Step::Field(field), Value::Object(fields)) => {
            fields.remove(field);
        }
        (Step::Key(key), Value::Array(items)) => items.retain(|item| !has_key(item, key)),
        (Step::Item(value), Value::Array(items)) => {
            let gone: Value = serde_json::from_str(value).unwrap_or_default();
            items.retain(|item| *item != gone);
        }
        _ => {}
    }
}

fn has_key(item: &Value, key: &str) -> bool {
    let keys: Value = serde_json::from_str(key).unwrap_or_default();
    keys.as_object().is_some_and(|keys| {
        keys.iter().all(|(name, value)| {
            item.get(name) == Some(value)
                || (name == "protocol" && item.get(name).is_none() && value == "TCP")
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Applied, Shape, apply};

    #[test]
    fn what_is_no_longer_applied_goes_and_what_others_own_is_disputed() {
        let how = |manager, force| Applied { manager, force, api_version: "v1", subresource: "" };
        let shape = Shape::Builtin("ConfigMap");
        let first = json!({"metadata": {"name": "x"}, "data": {"a": "1", "b": "1"}});
        let live = apply(None, &first, &how("one", false), shape).unwrap();
        let second = json!({"metadata": {"name": "x"}, "data": {"a": "1"}});
        let live = apply(Some(&live), &second, &how("one", false), shape).unwrap();
        assert_eq!(live["data"], json!({"a": "1"}));
        let other = json!({"metadata": {"name": "x"}, "data": {"a": "2"}});
        let error = apply(Some(&live), &other, &how("two", false), shape).unwrap_err();
        assert_eq!(error.message, "Apply failed with 1 conflict: conflict with \"one\": .data.a");
        let live = apply(Some(&live), &other, &how("two", true), shape).unwrap();
        assert_eq!(live["data"], json!({"a": "2"}));
    }
}
