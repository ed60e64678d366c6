//! The controllers whose work every client relies on: garbage collection, the end of namespaces
//! and of definitions, and what every namespace is given.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    crd,
    object::{child, finalizers, list, meta, now, set_finalizers, terminating, text},
    packed::Object,
    resource::GroupResource,
    store::{Event, Key, Place, Store},
    write::{Deletion, FOREGROUND, ORPHAN, Write, finish},
};

/// What the controllers have seen so far.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    seen: u64,
}

impl Collector {
    /// Reacts to what happened since the last time, until nothing is left to do.
    pub(crate) fn run(&mut self, store: &mut Store) {
        // Each round sees what the one before it did; a handful settles any cascade step by step.
        while self.seen < store.version() {
            let events: Vec<Event> = match store.since(self.seen.max(store.compacted())) {
                Ok(events) => events.cloned().collect(),
                Err(_) => Vec::new(),
            };
            self.seen = store.version();
            for event in &events {
                let ties = event.new.ties();
                if event.deleted {
                    orphaned(store, &ties.uid);
                } else if !ties.owners.is_empty() {
                    abandoned(store, &(event.id.clone(), event.key.clone()));
                }
                if !event.deleted && &*event.id.plural == "namespaces" {
                    furnish(store, &event.new.value());
                }
            }
            for place in store.dying() {
                dying(store, &place);
            }
        }
    }
}

/// Deletes the object at `place` as a controller does.
fn delete(store: &mut Store, place: &Place, propagation: &str) {
    let (id, key) = place;
    let Some(resource) = store.registry.get(&id.group, &id.plural).cloned() else { return };
    let Some(version) = resource.versions.first().cloned() else { return };
    let write = Write {
        resource: &resource,
        version: &version,
        key: Key::clone(key),
        subresource: "",
        dry_run: false,
        manager: "kube-controller-manager",
    };
    let how = Deletion { propagation: propagation.to_owned(), ..Deletion::default() };
    // Gone meanwhile is as good as deleted.
    drop(write.delete(store, &how));
}

/// Deletes what the object with that uid owned, unless somebody else owns it too.
fn orphaned(store: &mut Store, uid: &str) {
    for place in store.dependents(uid) {
        abandoned(store, &place);
    }
}

/// Deletes the object if none of its owners exists.
fn abandoned(store: &mut Store, place: &Place) {
    let Some(ties) = store.get(&place.0, &place.1).map(Object::ties) else { return };
    let alive = ties.owners.iter().any(|owner| store.has_uid(owner));
    if !ties.owners.is_empty() && !alive && !ties.terminating {
        delete(store, place, "Background");
    }
}

fn dying(store: &mut Store, place: &Place) {
    let Some(object) = store.get(&place.0, &place.1).map(Object::value) else { return };
    let held = finalizers(&object);
    if held.iter().any(|finalizer| finalizer == ORPHAN) {
        for dependent in store.dependents(meta(&object, "uid")) {
            set_free(store, &dependent, meta(&object, "uid"));
        }
        release(store, place, ORPHAN);
    }
    if held.iter().any(|finalizer| finalizer == FOREGROUND) {
        foreground(store, place, &object);
    }
    if &*place.0.plural == "namespaces" && place.0.group.is_empty() {
        end_namespace(store, place);
    }
    if place.0 == crd::definitions() && held.iter().any(|finalizer| finalizer == crd::CLEANUP) {
        let kind = crd::defined(&object).id;
        let left = empty(store, &kind, "");
        if left.is_empty() {
            release(store, place, crd::CLEANUP);
        }
    }
}

/// Deletes the dependents, and lets the object go when none is left that blocks.
fn foreground(store: &mut Store, place: &Place, object: &Value) {
    let uid = meta(object, "uid");
    let mut blocked = false;
    for dependent in store.dependents(uid) {
        let Some(found) = store.get(&dependent.0, &dependent.1).map(Object::value) else {
            continue;
        };
        let owners = list(&found, &["metadata", "ownerReferences"]);
        let blocks = owners.iter().any(|owner| {
            text(owner, &["uid"]) == uid && owner["blockOwnerDeletion"] == json!(true)
        });
        if !terminating(&found) {
            delete(store, &dependent, "Foreground");
        }
        blocked |= blocks && store.get(&dependent.0, &dependent.1).is_some();
    }
    if !blocked {
        release(store, place, FOREGROUND);
    }
}

/// Takes one owner off the object.
fn set_free(store: &mut Store, place: &Place, uid: &str) {
    let Some(mut object) = store.get(&place.0, &place.1).map(Object::value) else { return };
    let metadata = child(&mut object, "metadata");
    if let Some(owners) = metadata.get_mut("ownerReferences").and_then(Value::as_array_mut) {
        owners.retain(|owner| text(owner, &["uid"]) != uid);
        if owners.is_empty() {
            metadata.as_object_mut().map(|metadata| metadata.remove("ownerReferences"));
        }
    }
    store.put(&place.0, &place.1, &object);
}

/// Takes one finalizer off the object, which may be the end of it.
fn release(store: &mut Store, place: &Place, finalizer: &str) {
    let Some(mut object) = store.get(&place.0, &place.1).map(Object::value) else { return };
    let mut held = finalizers(&object);
    held.retain(|known| known != finalizer);
    set_finalizers(&mut object, &held);
    store.put(&place.0, &place.1, &object);
    end(store, place);
}

fn end(store: &mut Store, place: &Place) {
    if let Some(resource) = store.registry.get(&place.0.group, &place.0.plural).cloned() {
        finish(store, &resource, &place.1);
    }
}

/// Deletes all objects of a kind in a namespace (everywhere if empty); gives what is left.
fn empty(store: &mut Store, id: &GroupResource, namespace: &str) -> Vec<Object> {
    let here = |key: &Key| namespace.is_empty() || key.namespace == namespace;
    let places: Vec<Place> = store
        .all(id)
        .filter(|(key, object)| here(key) && !object.ties().terminating)
        .map(|(key, _)| (id.clone(), Arc::new(key.clone())))
        .collect();
    for place in places {
        delete(store, &place, "Background");
    }
    store.all(id).filter(|(key, _)| here(key)).map(|(_, object)| object.clone()).collect()
}

fn end_namespace(store: &mut Store, place: &Place) {
    let name = place.1.name.clone();
    let kinds: Vec<_> = store
        .registry
        .all()
        .iter()
        .filter(|kind| kind.namespaced && kind.stored())
        .map(|kind| kind.id.clone())
        .collect();
    let (mut remaining, mut held) = (Vec::new(), Vec::new());
    for id in kinds {
        let left = empty(store, &id, &name);
        if left.is_empty() {
            continue;
        }
        let dot = if id.group.is_empty() { "" } else { "." };
        remaining.push(format!(
            "{}{dot}{} has {} resource instances",
            id.plural,
            id.group,
            left.len()
        ));
        for finalizer in left.iter().flat_map(|object| finalizers(&object.value())) {
            held.push(finalizer);
        }
    }
    let Some(mut object) = store.get(&place.0, &place.1).map(Object::value) else { return };
    if remaining.is_empty() {
        object["spec"]["finalizers"] = json!([]);
        store.put(&place.0, &place.1, &object);
        end(store, place);
        return;
    }
    let finalizing = finalizer_counts(&held);
    let conditions = json!([
        condition(
            "NamespaceDeletionDiscoveryFailure",
            false,
            "ResourcesDiscovered",
            "All resources successfully discovered"
        ),
        condition(
            "NamespaceDeletionGroupVersionParsingFailure",
            false,
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed"
        ),
        condition(
            "NamespaceDeletionContentFailure",
            false,
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization"
        ),
        condition(
            "NamespaceContentRemaining",
            true,
            "SomeResourcesRemain",
            &format!("Some resources are remaining: {}", remaining.join(", "))
        ),
        condition(
            "NamespaceFinalizersRemaining",
            !held.is_empty(),
            if held.is_empty() { "ContentHasNoFinalizers" } else { "SomeFinalizersRemain" },
            &finalizing
        ),
    ]);
    let stateless = |conditions: &Value| -> Vec<String> {
        list(conditions, &[]).iter().map(|c| format!("{}{}", c["type"], c["message"])).collect()
    };
    if stateless(&object["status"]["conditions"]) != stateless(&conditions) {
        object["status"]["conditions"] = conditions;
        store.put(&place.0, &place.1, &object);
    }
}

fn finalizer_counts(held: &[String]) -> String {
    if held.is_empty() {
        return "All content-preserving finalizers finished".to_owned();
    }
    let mut counts = std::collections::BTreeMap::new();
    for finalizer in held {
        *counts.entry(finalizer).or_insert(0) += 1;
    }
    let counts: Vec<_> = counts
        .iter()
        .map(|(name, count)| format!("{name} in {count} resource instances"))
        .collect();
    format!("Some content in the namespace has finalizers remaining: {}", counts.join(", "))
}

fn condition(kind: &str, holds: bool, reason: &str, message: &str) -> Value {
    json!({
        "type": kind,
        "status": if holds { "True" } else { "False" },
        "reason": reason,
        "message": message,
        "lastTransitionTime": now(),
    })
}

/// Gives a namespace its default ServiceAccount.
fn furnish(store: &mut Store, namespace: &Value) {
    let name = meta(namespace, "name");
    let id = GroupResource::new("", "serviceaccounts");
    let key = Key::new(name, "default");
    if text(namespace, &["status", "phase"]) != "Active" || store.get(&id, &key).is_some() {
        return;
    }
    let object = json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": "default",
            "namespace": name,
            "uid": uuid::Uuid::new_v4().to_string(),
            "creationTimestamp": now(),
        },
    });
    store.put(&id, &key, &object);
}
