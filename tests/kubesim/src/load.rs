//! Putting objects into the store as they are, status and all: the state a test begins with.

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::Value;

use crate::{
    object::{group_version, list, meta, text},
    patch::PatchKind,
    store::{Key, Store},
    write::{LOADED, Write},
};

/// Reads the objects of a YAML or JSON text: documents, and Lists of objects.
pub(crate) fn read(text: &str) -> Result<Vec<Value>> {
    // JSON is YAML too, but its own parser is far quicker, and large states come as JSON.
    let documents: Vec<Value> = match serde_json::from_str(text) {
        Ok(document) => vec![document],
        Err(_) => serde_saphyr::from_multiple(text)?,
    };
    let mut objects = Vec::new();
    for document in documents {
        match document {
            Value::Null => {}
            Value::Array(items) => objects.extend(items),
            document if document["items"].is_array() => {
                objects.extend_from_slice(list(&document, &["items"]));
            }
            document => objects.push(document),
        }
    }
    Ok(objects)
}

/// Stores an object that says what it is, and creates its namespace if need be. One that is there
/// already is changed to say the same.
pub(crate) fn load(store: &mut Store, mut object: Value) -> Result<()> {
    let (group, version) = group_version(text(&object, &["apiVersion"]));
    let kind = text(&object, &["kind"]);
    if version.is_empty() || kind.is_empty() {
        bail!("an object says its apiVersion and kind");
    }
    let (namespace, name) = (meta(&object, "namespace"), meta(&object, "name"));
    let resource = store
        .registry
        .of_kind(group, version, kind)
        .cloned()
        .with_context(|| format!("no such kind is served: {group}/{version} {kind}"))?;
    let version = resource.version(version).cloned().context("version is served")?;
    let namespace = match (resource.namespaced, namespace) {
        (true, "") => "default",
        (true, namespace) => namespace,
        (false, _) => "",
    };
    let namespaces = crate::resource::GroupResource::new("", "namespaces");
    if !namespace.is_empty() && store.get(&namespaces, &Key::new("", namespace)).is_none() {
        load(
            store,
            serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}),
        )?;
    }
    let write = Write {
        resource: &resource,
        version: &version,
        key: Key::new(namespace, name),
        subresource: LOADED,
        dry_run: false,
        manager: "kubesim",
    };
    let what = format!("{kind} {namespace}/{name}");
    let loaded = if store.get(&resource.id, &write.key).is_none() {
        write.create(store, object).map(drop)
    } else {
        // What every server has from its start, a state may know better.
        forget_the_server(&mut object);
        write.patch(store, PatchKind::Merge, &object, false).map(drop)
    };
    loaded.map_err(|error| anyhow!("{what}: {}", error.message))
}

/// Takes away what another server's object says of that server, where this one has its own.
fn forget_the_server(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in ["creationTimestamp", "managedFields", "resourceVersion", "uid"] {
            metadata.remove(field);
        }
    }
}
