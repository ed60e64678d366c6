//! CustomResourceDefinitions: what becomes served when one is stored, and goes with it.

use serde_json::{Value, json};

use crate::{
    object::{at, child, default, list, meta, now, terminating, text},
    packed::Object,
    resource::{GroupResource, Resource, ServedVersion, Traits, precedence},
    status::{ApiError, ApiResult, Cause},
    store::{Key, Store},
};

/// The finalizer that waits for the definition's objects.
pub(crate) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

const VERBS: &[&str] =
    &["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

fn is_definition(resource: &Resource) -> bool {
    &*resource.id.plural == "customresourcedefinitions"
        && &*resource.id.group == "apiextensions.k8s.io"
}

/// The kind that definitions are of.
pub(crate) fn definitions() -> GroupResource {
    GroupResource::new("apiextensions.k8s.io", "customresourcedefinitions")
}

/// Fills in a definition's defaults, and refuses what cannot be served.
pub(crate) fn defaults(object: &mut Value, resource: &Resource, store: &Store) -> ApiResult<()> {
    if !is_definition(resource) {
        return Ok(());
    }
    let name = meta(object, "name").to_owned();
    let spec = child(object, "spec");
    default(spec, "conversion", json!({"strategy": "None"}));
    let kind = text(spec, &["names", "kind"]).to_owned();
    let names = child(spec, "names");
    default(names, "singular", json!(kind.to_lowercase()));
    default(names, "listKind", json!(format!("{kind}List")));
    let (group, plural) = (text(spec, &["group"]), text(spec, &["names", "plural"]));
    let mut causes = Vec::new();
    for (field, value) in
        [("spec.group", group), ("spec.names.plural", plural), ("spec.names.kind", &kind)]
    {
        if value.is_empty() {
            causes.push(Cause::required(field, ""));
        }
    }
    if causes.is_empty() && name != format!("{plural}.{group}") {
        causes.push(Cause::invalid(
            "metadata.name",
            &json!(name),
            "must be spec.names.plural+\".\"+spec.group",
        ));
    }
    let scope = &spec["scope"];
    if !matches!(scope.as_str(), Some("Cluster" | "Namespaced")) {
        causes.push(Cause::unsupported("spec.scope", scope, &["Cluster", "Namespaced"]));
    }
    let versions = list(spec, &["versions"]);
    if versions.iter().filter(|version| version["storage"] == json!(true)).count() != 1 {
        causes.push(Cause::invalid(
            "spec.versions",
            &spec["versions"],
            "must have exactly one version marked as storage version",
        ));
    }
    for (i, version) in versions.iter().enumerate() {
        if at(version, &["schema", "openAPIV3Schema"]).is_none() {
            causes.push(Cause::required(
                &format!("spec.versions[{i}].schema.openAPIV3Schema"),
                "schemas are required",
            ));
        }
    }
    // A built-in kind of that name would be shadowed.
    if store.registry.get(group, plural).is_some_and(|kind| !kind.traits.custom) {
        causes.push(Cause::forbidden("spec.group", "is served by the API server itself"));
    }
    if causes.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(&resource.kind_named(&name), &causes))
}

/// Serves what the definition at `key` defines, and says so in its status.
pub(crate) fn sync(store: &mut Store, resource: &Resource, key: &Key) {
    if !is_definition(resource) {
        return;
    }
    let Some(definition) = store.get(&resource.id, key).map(Object::value) else { return };
    if terminating(&definition) {
        return;
    }
    store.registry.put(defined(&definition));
    let established = list(&definition, &["status", "conditions"])
        .iter()
        .any(|condition| condition["type"] == "Established");
    let mut changed = definition.clone();
    let spec = definition["spec"].clone();
    let status = child(&mut changed, "status");
    status["acceptedNames"] = spec["names"].clone();
    let storage =
        list(&spec, &["versions"]).iter().find(|version| version["storage"] == json!(true));
    let storage = storage.map(|version| version["name"].clone()).unwrap_or_default();
    let mut stored = list(status, &["storedVersions"]).to_vec();
    if !stored.contains(&storage) {
        stored.push(storage);
    }
    status["storedVersions"] = json!(stored);
    if !established {
        let condition = |kind: &str, reason: &str, message: &str| json!({"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now()});
        status["conditions"] = json!([
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition(
                "Established",
                "InitialNamesAccepted",
                "the initial names have been accepted"
            ),
        ]);
    }
    if changed != definition {
        store.put(&resource.id, key, &changed);
    }
}

/// Has a definition wait for its objects: the finalizer comes with the first DELETE, not before.
pub(crate) fn protect(resource: &Resource, definition: &mut Value) {
    let mut finalizers = crate::object::finalizers(definition);
    if is_definition(resource) && !finalizers.iter().any(|finalizer| finalizer == CLEANUP) {
        finalizers.push(CLEANUP.to_owned());
        crate::object::set_finalizers(definition, &finalizers);
    }
}

/// Stops serving what a deleted definition defined.
pub(crate) fn gone(store: &mut Store, resource: &Resource, definition: &Value) {
    if is_definition(resource) {
        store.registry.remove(&defined(definition).id);
    }
}

/// The kind that a definition defines.
pub(crate) fn defined(definition: &Value) -> Resource {
    let spec = &definition["spec"];
    let names = |field: &str| -> Vec<String> {
        list(spec, &["names", field]).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let name = |field: &str| text(spec, &["names", field]).to_owned();
    let mut versions: Vec<ServedVersion> = list(spec, &["versions"])
        .iter()
        .filter(|version| version["served"] != json!(false))
        .map(version)
        .collect();
    versions.sort_by_key(|version| std::cmp::Reverse(precedence(&version.name)));
    Resource {
        id: GroupResource::new(text(spec, &["group"]), &name("plural")),
        versions,
        kind: name("kind"),
        list_kind: name("listKind"),
        singular: name("singular"),
        short_names: names("shortNames"),
        categories: names("categories"),
        namespaced: spec["scope"] == "Namespaced",
        verbs: VERBS.iter().map(|&verb| verb.to_owned()).collect(),
        traits: Traits { generation: true, custom: true, ..Traits::default() },
    }
}

fn version(version: &Value) -> ServedVersion {
    ServedVersion {
        name: text(version, &["name"]).to_owned(),
        schema: at(version, &["schema", "openAPIV3Schema"]).cloned(),
        columns: list(version, &["additionalPrinterColumns"]).to_vec(),
        selectable: list(version, &["selectableFields"])
            .iter()
            .map(|field| text(field, &["jsonPath"]).to_owned())
            .collect(),
        status: at(version, &["subresources", "status"]).is_some(),
        scale: at(version, &["subresources", "scale"]).cloned(),
    }
}
