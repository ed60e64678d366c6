//! Strategic merge patch, with its directives.

use serde_json::{Map, Value};

use super::list_kind::{ListKind, Shape};
use crate::status::{ApiError, ApiResult};

const ORDER: &str = "$setElementOrder/";
const DELETE: &str = "$deleteFromPrimitiveList/";

/// Merges `patch` into `object`.
pub(crate) fn merge(object: &mut Value, patch: &Value, shape: Shape<'_>) -> ApiResult<()> {
    let patch =
        patch.as_object().ok_or_else(|| ApiError::bad_request("the patch is not an object"))?;
    merge_fields(object, patch, shape, &mut Vec::new())
}

fn merge_fields<'a>(
    object: &mut Value,
    patch: &'a Map<String, Value>,
    shape: Shape<'_>,
    trail: &mut Vec<&'a str>,
) -> ApiResult<()> {
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let Some(fields) = object.as_object_mut() else { return Ok(()) };
    match patch.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            fields.clone_from(patch);
            fields.remove("$patch");
            return Ok(());
        }
        Some("delete") => {
            fields.clear();
            return Ok(());
        }
        Some("merge") | None => {}
        Some(other) => {
            return Err(ApiError::bad_request(format!("unrecognized type: {other}")));
        }
    }
    if let Some(keep) = patch.get("$retainKeys").and_then(Value::as_array) {
        fields.retain(|field, _| keep.iter().any(|kept| kept == field));
    }
    for (field, wanted) in patch {
        if let Some(list) = field.strip_prefix(DELETE)
            && let (Some(Value::Array(items)), Some(gone)) =
                (fields.get_mut(list), wanted.as_array())
        {
            items.retain(|item| !gone.contains(item));
        }
        if field.starts_with('$') {
            continue;
        }
        trail.push(field);
        match wanted {
            Value::Null => {
                fields.remove(field);
            }
            Value::Object(wanted) => {
                let inner = fields.entry(field.clone()).or_insert(Value::Null);
                merge_fields(inner, wanted, shape, trail)?;
            }
            Value::Array(wanted) => {
                let inner = fields.entry(field.clone()).or_insert_with(|| Value::Array(vec![]));
                merge_list(inner, wanted, shape, trail)?;
            }
            plain => {
                fields.insert(field.clone(), plain.clone());
            }
        }
        trail.pop();
    }
    for (field, order) in patch {
        if let (Some(list), Some(order)) = (field.strip_prefix(ORDER), order.as_array()) {
            trail.push(list);
            if let Some(Value::Array(items)) = fields.get_mut(list) {
                sort(items, order, &shape.list(trail));
            }
            trail.pop();
        }
    }
    Ok(())
}

fn merge_list<'a>(
    list: &mut Value,
    wanted: &'a [Value],
    shape: Shape<'_>,
    trail: &mut Vec<&'a str>,
) -> ApiResult<()> {
    let replace = wanted.iter().any(|item| item.get("$patch").is_some_and(|p| p == "replace"));
    let kind = shape.list(trail);
    if !list.is_array() || replace || kind == ListKind::Atomic {
        *list = wanted.iter().filter(|item| item.get("$patch").is_none()).cloned().collect();
        return Ok(());
    }
    let Some(items) = list.as_array_mut() else { return Ok(()) };
    let ListKind::Map(keys) = kind else {
        for item in wanted {
            if !items.contains(item) {
                items.push(item.clone());
            }
        }
        return Ok(());
    };
    // Strategic merge tells items apart by the first key alone.
    let key = keys.first().map(String::as_str).unwrap_or_default();
    for item in wanted {
        let name = item.get(key).ok_or_else(|| {
            ApiError::bad_request(format!("map: {item} does not contain declared merge key: {key}"))
        })?;
        let place = items.iter().position(|known| known.get(key) == Some(name));
        if item.get("$patch").is_some_and(|directive| directive == "delete") {
            if let Some(place) = place {
                items.remove(place);
            }
        } else if let (Some(place), Some(fields)) = (place, item.as_object()) {
            merge_fields(&mut items[place], fields, shape, trail)?;
        } else {
            items.push(item.clone());
        }
    }
    Ok(())
}

/// Orders as the patch wants; what it does not name keeps its place behind.
fn sort(items: &mut [Value], order: &[Value], kind: &ListKind) {
    let rank = |item: &Value| {
        order.iter().position(|wanted| match kind {
            ListKind::Map(keys) => {
                let key = keys.first().map(String::as_str).unwrap_or_default();
                wanted.get(key) == item.get(key)
            }
            _ => wanted == item,
        })
    };
    items.sort_by_key(|item| rank(item).unwrap_or(usize::MAX));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Shape, merge};

    #[test]
    fn lists_merge_by_key_and_directives_hold() {
        let mut pod = json!({"spec": {
            "containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}],
            "tolerations": [{"key": "x"}],
        }, "metadata": {"finalizers": ["one", "two"]}});
        let patch = json!({"spec": {
            "$setElementOrder/containers": [{"name": "c"}, {"name": "a"}],
            "containers": [
                {"name": "a", "image": "a:2"},
                {"name": "b", "$patch": "delete"},
                {"name": "c", "image": "c:1"},
            ],
            "tolerations": [{"key": "y"}],
        }, "metadata": {"$deleteFromPrimitiveList/finalizers": ["one"]}});
        merge(&mut pod, &patch, Shape::Builtin("Pod")).unwrap();
        assert_eq!(
            pod,
            json!({"spec": {
                "containers": [{"name": "c", "image": "c:1"}, {"name": "a", "image": "a:2"}],
                "tolerations": [{"key": "y"}],
            }, "metadata": {"finalizers": ["two"]}})
        );
    }
}
