//! Values at paths with dots.

use std::collections::btree_map::Entry;

use crate::layers::{Map, Node, Value};

/// What stands at a path.
pub(super) fn get<'a>(values: &'a Map, path: &str) -> Option<&'a Node> {
    let mut keys = path.split('.');
    values.get(keys.next()?)?.at(keys)
}

/// Whether something that is no map stands where the path leads through.
pub(super) fn is_blocked(values: &Map, path: &str) -> bool {
    let parents = path.match_indices('.').map(|(at, _)| &path[..at]);
    parents.filter_map(|parent| get(values, parent)).any(|node| node.as_map().is_none())
}

/// Takes away what stands at a path, and the maps that are empty without it.
pub(super) fn remove(values: &mut Map, path: &str) {
    let Some((key, rest)) = path.split_once('.') else {
        values.remove(path);
        return;
    };
    let Some(Node { value: Value::Map(inner), .. }) = values.get_mut(key) else { return };
    remove(inner, rest);
    if inner.is_empty() {
        values.remove(key);
    }
}

/// Puts a value at a path where there is none; whether it did.
pub(super) fn insert(values: &mut Map, path: &str, node: Node) -> bool {
    let Some((key, rest)) = path.split_once('.') else {
        return match values.entry(path.to_owned()) {
            Entry::Vacant(place) => {
                place.insert(node);
                true
            }
            Entry::Occupied(_) => false,
        };
    };
    let parent = values
        .entry(key.to_owned())
        .or_insert_with(|| Node::new(Value::Map(Map::new()), node.origin.clone()));
    match &mut parent.value {
        Value::Map(inner) => insert(inner, rest, node),
        _ => false,
    }
}
