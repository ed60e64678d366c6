//! What has to be loaded before what.

use std::collections::{BTreeSet, HashMap, HashSet};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::{
    object::{meta, text},
    scenario::Item,
};

/// The namespaces that the objects live in.
pub(super) fn namespaces(items: &[Item]) -> BTreeSet<&str> {
    items
        .iter()
        .map(|item| meta(&item.object, "namespace"))
        .filter(|namespace| !namespace.is_empty())
        .collect()
}

/// Whether it defines kinds of objects.
pub(super) fn is_definition(item: &Item) -> bool {
    item.object["kind"] == "CustomResourceDefinition"
}

/// The objects in steps: definitions, then each object after those that it refers to by uid, as
/// owned objects do to their owners and events to whatever they tell of.
pub(super) fn steps(items: &[Item]) -> Result<Vec<Vec<&Item>>> {
    let (definitions, mut waiting): (Vec<&Item>, Vec<&Item>) =
        items.iter().partition(|item| is_definition(item));
    let mut missing: HashSet<&str> = waiting
        .iter()
        .map(|item| meta(&item.object, "uid"))
        .filter(|uid| !uid.is_empty())
        .collect();
    let mut steps = vec![definitions];
    while !waiting.is_empty() {
        let (ready, rest): (Vec<&Item>, Vec<&Item>) = waiting
            .into_iter()
            .partition(|item| !references(&item.object).iter().any(|uid| missing.contains(uid)));
        if ready.is_empty() {
            let first = rest.first().map(|item| item.describe()).unwrap_or_default();
            bail!("objects refer to each other in a circle: {first}");
        }
        for item in &ready {
            missing.remove(meta(&item.object, "uid"));
        }
        steps.push(ready);
        waiting = rest;
    }
    Ok(steps)
}

/// The uids that the object refers to.
fn references(object: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    let own = meta(object, "uid");
    collect(object, &mut found);
    found.retain(|uid| *uid != own);
    found
}

fn collect<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("uid").and_then(Value::as_str));
            fields.values().for_each(|value| collect(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

/// Replaces each uid that has a new one.
pub(super) fn translate(value: &mut Value, uids: &HashMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                match uids.get(text(value, &[])) {
                    Some(new) if field == "uid" => *value = json!(new),
                    _ => translate(value, uids),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|value| translate(value, uids)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(objects: &[Value]) -> Vec<Item> {
        let item = |object: &Value| Item { object: object.clone(), file: "f".to_owned() };
        objects.iter().map(item).collect()
    }

    #[test]
    fn owners_and_definitions_come_first() {
        let items = items(&[
            json!({"kind": "Event", "metadata": {"name": "e"}, "involvedObject": {"uid": "2"}}),
            json!({"kind": "Pod", "metadata": {"name": "p", "uid": "2", "ownerReferences": [{"uid": "1"}]}}),
            json!({"kind": "DaemonSet", "metadata": {"name": "d", "uid": "1"}}),
            json!({"kind": "CustomResourceDefinition", "metadata": {"name": "c"}}),
            json!({"kind": "Pod", "metadata": {"name": "lost", "ownerReferences": [{"uid": "gone"}]}}),
        ]);
        let steps: Vec<Vec<&str>> = steps(&items)
            .unwrap()
            .into_iter()
            .map(|step| step.iter().map(|item| meta(&item.object, "name")).collect())
            .collect();
        assert_eq!(steps, [vec!["c"], vec!["d", "lost"], vec!["p"], vec!["e"]]);
    }

    #[test]
    fn circles_are_refused() {
        let items = items(&[
            json!({"kind": "Pod", "metadata": {"name": "a", "uid": "1", "ownerReferences": [{"uid": "2"}]}}),
            json!({"kind": "Pod", "metadata": {"name": "b", "uid": "2", "ownerReferences": [{"uid": "1"}]}}),
        ]);
        let error = steps(&items).unwrap_err().to_string();
        assert_eq!(error, "objects refer to each other in a circle: f: Pod a");
    }

    #[test]
    fn only_uids_are_translated() {
        let mut object = json!({"metadata": {"name": "1", "ownerReferences": [{"uid": "1"}]}});
        translate(&mut object, &HashMap::from([("1".to_owned(), "x".to_owned())]));
        assert_eq!(object, json!({"metadata": {"name": "1", "ownerReferences": [{"uid": "x"}]}}));
    }
}
