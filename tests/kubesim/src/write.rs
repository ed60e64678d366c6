//! Creating, changing and deleting objects.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    admission, crd,
    object::{
        finalizers, group_version, later, list, meta, now, number, set_finalizers, terminating,
        text, tidy,
    },
    packed::Object,
    patch::{self, Applied, Manager, PatchKind, Shape},
    resource::{Resource, ServedVersion},
    status::{ApiError, ApiResult, Cause},
    store::{Key, Store},
};

/// The finalizer of a deletion that waits for dependents.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
/// The finalizer of a deletion that sets dependents free.
pub(crate) const ORPHAN: &str = "orphan";

/// One request to change one object.
#[derive(Clone, Debug)]
pub(crate) struct Write<'a> {
    /// The kind.
    pub resource: &'a Arc<Resource>,
    /// The version in which the request speaks.
    pub version: &'a ServedVersion,
    /// The object.
    pub key: Key,
    /// `status`, `finalize`, or empty.
    pub subresource: &'a str,
    /// Do everything but store.
    pub dry_run: bool,
    /// Who is noted in `managedFields`.
    pub manager: &'a str,
}

/// What a DELETE asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deletion {
    /// `Background`, `Foreground`, `Orphan`, or empty for the kind's default.
    pub propagation: String,
    /// Seconds until a pod is killed.
    pub grace: Option<i64>,
    /// The uid that the object must have, if not empty.
    pub uid: String,
    /// The resourceVersion that the object must have, if not empty.
    pub resource_version: String,
}

/// What a DELETE did.
#[derive(Clone, Debug)]
pub(crate) enum Deleted {
    /// The object is gone; its last state.
    Gone(Object),
    /// It waits for finalizers, a grace period, or its content.
    Later(Object),
}

impl Write<'_> {
    fn shape(&self) -> Shape<'_> {
        if self.resource.traits.custom {
            Shape::Custom(self.version.schema.as_ref())
        } else {
            Shape::Builtin(&self.resource.kind)
        }
    }

    fn writer(&self) -> Manager {
        Manager {
            name: self.manager.to_owned(),
            operation: "Update".to_owned(),
            api_version: self.resource.api_version(&self.version.name),
            subresource: if self.subresource == LOADED { "" } else { self.subresource }.to_owned(),
            time: now(),
            fields: std::collections::BTreeSet::new(),
        }
    }

    fn current<'s>(&self, store: &'s Store) -> ApiResult<&'s Object> {
        store
            .get(&self.resource.id, &self.key)
            .ok_or_else(|| ApiError::not_found(&self.resource.named(&self.key.name)))
    }

    /// The object must say what it is, and say the same as the path.
    fn check_identity(&self, object: &mut Value) -> ApiResult<()> {
        if !object.is_object() {
            return Err(ApiError::bad_request(
                "the object provided is unrecognized (must be of type Object)",
            ));
        }
        let (group, version) = group_version(text(object, &["apiVersion"]));
        let kind = text(object, &["kind"]);
        // Clients of one kind may leave the type out, and then the path says it.
        if kind.is_empty() && version.is_empty() {
            object["kind"] = json!(self.resource.kind);
        } else if kind != self.resource.kind
            || *group != *self.resource.id.group
            || version != self.version.name
        {
            return Err(ApiError::bad_request(format!(
                "the API version in the data ({}) does not match the expected API version ({})",
                type_of(text(object, &["apiVersion"]), kind),
                type_of(&self.resource.api_version(&self.version.name), &self.resource.kind),
            )));
        }
        object["apiVersion"] = json!(self.resource.api_version(&self.version.name));
        crate::object::child(object, "metadata");
        let namespace = meta(object, "namespace");
        if !namespace.is_empty() && namespace != self.key.namespace {
            return Err(ApiError::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        if self.resource.namespaced {
            object["metadata"]["namespace"] = json!(self.key.namespace);
        }
        let name = meta(object, "name");
        if !self.key.name.is_empty() && !name.is_empty() && name != self.key.name {
            return Err(ApiError::bad_request(format!(
                "the name of the object ({name}) does not match the name on the URL ({})",
                self.key.name
            )));
        }
        if !self.key.name.is_empty() {
            object["metadata"]["name"] = json!(self.key.name);
        }
        Ok(())
    }

    /// Creates the object.
    pub(crate) fn create(&self, store: &mut Store, mut object: Value) -> ApiResult<Object> {
        self.check_identity(&mut object)?;
        if meta(&object, "name").is_empty() && !meta(&object, "generateName").is_empty() {
            let name = format!("{}{}", meta(&object, "generateName"), suffix());
            object["metadata"]["name"] = json!(name);
        }
        // What was read from another server, to be loaded here, has one.
        if self.subresource != LOADED && !meta(&object, "resourceVersion").is_empty() {
            return Err(ApiError::new(
                500,
                "",
                "resourceVersion should not be set on objects to be created",
            ));
        }
        self.insert(store, object, true)
    }

    fn insert(&self, store: &mut Store, mut object: Value, track: bool) -> ApiResult<Object> {
        let resource = self.resource;
        if resource.namespaced {
            admission::namespace_takes(store, resource, &object)?;
        }
        let name = meta(&object, "name").to_owned();
        let key = Key::new(&self.key.namespace, &name);
        if store.get(&resource.id, &key).is_some() {
            return Err(ApiError::already_exists(&resource.named(&name)));
        }
        tidy(&mut object);
        // Built-in kinds have no status at birth either, but what is loaded may come with one
        // (see `load`), and only then does it bypass this.
        if self.version.status && self.subresource != LOADED {
            object.as_object_mut().map(|object| object.remove("status"));
        }
        let metadata = &mut object["metadata"];
        if let Some(metadata) = metadata.as_object_mut() {
            for field in
                ["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"]
            {
                metadata.remove(field);
            }
        }
        if self.subresource != LOADED || metadata["creationTimestamp"].is_null() {
            metadata["creationTimestamp"] = json!(now());
        }
        if self.subresource != LOADED || metadata["uid"].is_null() {
            metadata["uid"] = json!(uuid::Uuid::new_v4().to_string());
        }
        if resource.traits.custom || resource.traits.generation {
            metadata["generation"] = json!(1);
        }
        if track {
            if let Some(metadata) = metadata.as_object_mut() {
                metadata.remove("managedFields");
            }
            patch::track(None, &mut object, self.writer(), self.shape());
            if self.subresource == LOADED {
                written_when_created(&mut object);
            }
        }
        admission::defaults(resource, &mut object, store);
        self.validate(&mut object, None)?;
        crd::defaults(&mut object, resource, store)?;
        if let Some(cause) = admission::taken(resource, &object, store) {
            return Err(ApiError::invalid(&resource.kind_named(&name), &[cause]));
        }
        if self.dry_run {
            return Ok(Object::pack(&object));
        }
        let object = store.put(&resource.id, &key, &object);
        crd::sync(store, resource, &key);
        Ok(store.get(&resource.id, &key).cloned().unwrap_or(object))
    }

    fn validate(&self, object: &mut Value, old: Option<&Value>) -> ApiResult<()> {
        let mut causes = admission::causes(self.resource, object);
        if let Some(old) = old {
            causes.extend(admission::changes(self.resource, old, object));
        }
        if let (true, Some(schema)) = (self.resource.traits.custom, &self.version.schema) {
            crate::schema::prune(object, schema);
            causes.extend(crate::schema::causes(object, schema));
        }
        if causes.is_empty() {
            return Ok(());
        }
        Err(ApiError::invalid(&self.resource.kind_named(meta(object, "name")), &causes))
    }

    /// Replaces the object, or its status.
    pub(crate) fn update(&self, store: &mut Store, mut object: Value) -> ApiResult<Object> {
        self.check_identity(&mut object)?;
        let old = self.current(store)?.clone();
        self.replace(store, &old, object, true)
    }

    /// Changes the object by a patch; tells whether it was created.
    pub(crate) fn patch(
        &self,
        store: &mut Store,
        kind: PatchKind,
        body: &Value,
        force: bool,
    ) -> ApiResult<(Object, bool)> {
        if kind == PatchKind::Apply {
            return self.apply(store, body.clone(), force);
        }
        let old = self.current(store)?.clone();
        let mut object = self.in_version(&old);
        match kind {
            PatchKind::Json => patch::json_patch(&mut object, body)?,
            PatchKind::Strategic => patch::strategic_merge(&mut object, body, self.shape())?,
            _ => patch::merge_patch(&mut object, body),
        }
        self.check_identity(&mut object)?;
        self.replace(store, &old, object, true).map(|object| (object, false))
    }

    fn in_version(&self, object: &Object) -> Value {
        let mut object = object.value();
        object["apiVersion"] = json!(self.resource.api_version(&self.version.name));
        object
    }

    fn apply(
        &self,
        store: &mut Store,
        mut config: Value,
        force: bool,
    ) -> ApiResult<(Object, bool)> {
        self.check_identity(&mut config)?;
        tidy(&mut config);
        if !list(&config, &["metadata", "managedFields"]).is_empty() {
            return Err(ApiError::bad_request("metadata.managedFields must be nil"));
        }
        let api_version = self.resource.api_version(&self.version.name);
        let how = Applied {
            manager: self.manager,
            force,
            api_version: &api_version,
            subresource: self.subresource,
        };
        let old = store.get(&self.resource.id, &self.key).cloned();
        let Some(old) = old else {
            if !self.subresource.is_empty() {
                return Err(ApiError::not_found(&self.resource.named(&self.key.name)));
            }
            let object = patch::apply(None, &config, &how, self.shape())?;
            return self.insert(store, object, false).map(|object| (object, true));
        };
        let live = self.in_version(&old);
        if !meta(&config, "uid").is_empty() && meta(&config, "uid") != meta(&live, "uid") {
            return Err(self.uid_conflict(meta(&config, "uid"), &live));
        }
        let object = patch::apply(Some(&live), &config, &how, self.shape())?;
        self.replace(store, &old, object, false).map(|object| (object, false))
    }

    fn uid_conflict(&self, uid: &str, old: &Value) -> ApiError {
        ApiError::conflict(
            &self.resource.named(&self.key.name),
            &format!(
                "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
                meta(old, "uid")
            ),
        )
    }

    fn replace(
        &self,
        store: &mut Store,
        stored: &Object,
        mut object: Value,
        track: bool,
    ) -> ApiResult<Object> {
        let resource = self.resource;
        let old = &stored.value();
        let sent = meta(&object, "resourceVersion").to_owned();
        if sent.is_empty() && resource.traits.custom && self.subresource.is_empty() && track {
            // Custom resources take no unconditional updates.
            return Err(ApiError::invalid(
                &resource.kind_named(&self.key.name),
                &[Cause::invalid(
                    "metadata.resourceVersion",
                    &json!(0),
                    "must be specified for an update",
                )],
            ));
        }
        if !sent.is_empty() && sent != meta(old, "resourceVersion") {
            return Err(ApiError::modified(&resource.named(&self.key.name)));
        }
        let uid = meta(&object, "uid");
        if !uid.is_empty() && uid != meta(old, "uid") {
            return Err(self.uid_conflict(uid, old));
        }
        tidy(&mut object);
        self.keep_what_is_not_theirs(old, &mut object);
        if self.subresource.is_empty() {
            if terminating(old) {
                let before = finalizers(old);
                if let Some(added) = finalizers(&object).iter().find(|f| !before.contains(f)) {
                    return Err(ApiError::invalid(
                        &resource.kind_named(&self.key.name),
                        &[Cause::forbidden(
                            "metadata.finalizers",
                            &format!(
                                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{added:?}}}"
                            ),
                        )],
                    ));
                }
            }
            admission::defaults(resource, &mut object, store);
        }
        self.validate(&mut object, Some(old))?;
        crd::defaults(&mut object, resource, store)?;
        if (resource.traits.custom || resource.traits.generation) && wanted(old) != wanted(&object)
        {
            object["metadata"]["generation"] = json!(number(old, &["metadata", "generation"]) + 1);
        }
        if track {
            patch::track(Some(old), &mut object, self.writer(), self.shape());
        }
        if self.dry_run || same(old, &object) {
            return Ok(if self.dry_run { Object::pack(&object) } else { stored.clone() });
        }
        let object = store.put(&resource.id, &self.key, &object);
        crd::sync(store, resource, &self.key);
        Ok(finish(store, resource, &self.key).unwrap_or(object))
    }

    /// A status update changes the status alone, and any other everything else.
    fn keep_what_is_not_theirs(&self, old: &Value, object: &mut Value) {
        let mut kept = object.clone();
        match self.subresource {
            "status" => {
                kept = old.clone();
                kept["status"] = object["status"].clone();
                kept["metadata"]["managedFields"] = object["metadata"]["managedFields"].clone();
            }
            "finalize" => {
                kept = old.clone();
                kept["spec"]["finalizers"] = object["spec"]["finalizers"].clone();
            }
            LOADED => {}
            _ => {
                if self.version.status {
                    kept["status"] = old["status"].clone();
                }
                if &*self.resource.id.plural == "namespaces" {
                    kept["spec"] = old["spec"].clone();
                }
                if &*self.resource.id.plural == "services" && kept["spec"]["clusterIP"].is_null() {
                    kept["spec"]["clusterIP"] = old["spec"]["clusterIP"].clone();
                }
            }
        }
        for field in [
            "uid",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "generation",
            "generateName",
            "resourceVersion",
        ] {
            kept["metadata"][field] = old["metadata"][field].clone();
        }
        tidy(&mut kept);
        *object = kept;
    }

    /// Deletes the object, at once or as its finalizers allow.
    pub(crate) fn delete(&self, store: &mut Store, how: &Deletion) -> ApiResult<Deleted> {
        let stored = self.current(store)?.clone();
        let old = stored.value();
        self.check_deletable(&old, how)?;
        let mut object = old.clone();
        let mut kept = finalizers(&object);
        kept.retain(|finalizer| finalizer != FOREGROUND && finalizer != ORPHAN);
        match how.propagation.as_str() {
            "Foreground" => kept.push(FOREGROUND.to_owned()),
            "Orphan" => kept.push(ORPHAN.to_owned()),
            "" if self.resource.traits.orphans => kept.push(ORPHAN.to_owned()),
            // A second DELETE without a wish doesn't undo the first one's.
            "" => kept = finalizers(&object),
            _ => {}
        }
        set_finalizers(&mut object, &kept);
        let grace = self.grace(&old, how);
        if &*self.resource.id.plural == "namespaces" {
            object["status"]["phase"] = json!("Terminating");
        }
        if terminating(&old) {
            let left = number(&old, &["metadata", "deletionGracePeriodSeconds"]);
            if grace < left {
                object["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
                object["metadata"]["deletionTimestamp"] = json!(later(grace));
            }
        } else {
            crd::protect(self.resource, &mut object);
            object["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
            object["metadata"]["deletionTimestamp"] = json!(later(grace));
            if let Some(generation) = object["metadata"].get("generation").and_then(Value::as_i64) {
                object["metadata"]["generation"] = json!(generation + 1);
            }
        }
        let waits = holds(self.resource, &object);
        if self.dry_run {
            let object = Object::pack(&object);
            return Ok(if waits { Deleted::Later(object) } else { Deleted::Gone(object) });
        }
        if waits {
            if same(&old, &object) {
                return Ok(Deleted::Later(stored));
            }
            return Ok(Deleted::Later(store.put(&self.resource.id, &self.key, &object)));
        }
        let gone = store.remove(&self.resource.id, &self.key).unwrap_or(stored);
        crd::gone(store, self.resource, &old);
        Ok(Deleted::Gone(gone))
    }

    fn check_deletable(&self, old: &Value, how: &Deletion) -> ApiResult<()> {
        let (uid, version) = (meta(old, "uid"), meta(old, "resourceVersion"));
        // It says the kind where others say the resource.
        let conflict =
            |why: String| ApiError::conflict(&self.resource.kind_named(&self.key.name), &why);
        if !how.uid.is_empty() && how.uid != uid {
            return Err(conflict(format!(
                "the UID in the precondition ({}) does not match the UID in record ({uid}). The object might have been deleted and then recreated",
                how.uid
            )));
        }
        if !how.resource_version.is_empty() && how.resource_version != version {
            return Err(conflict(format!(
                "the ResourceVersion in the precondition ({}) does not match the ResourceVersion in record ({version}). The object might have been modified",
                how.resource_version
            )));
        }
        if admission::immortal(self.resource, &self.key.name) {
            let namespace = self.resource.named(&self.key.name);
            return Err(ApiError::forbidden(&namespace, "this namespace may not be deleted"));
        }
        Ok(())
    }

    /// Only pods that a kubelet has taken get time to end.
    fn grace(&self, old: &Value, how: &Deletion) -> i64 {
        let pod = &*self.resource.id.plural == "pods" && self.resource.id.group.is_empty();
        let running = !text(old, &["spec", "nodeName"]).is_empty()
            && !matches!(text(old, &["status", "phase"]), "Succeeded" | "Failed");
        if pod && running {
            how.grace.unwrap_or_else(|| {
                let spec = crate::object::at(old, &["spec", "terminationGracePeriodSeconds"]);
                spec.and_then(Value::as_i64).unwrap_or(30)
            })
        } else {
            0
        }
    }
}

/// What a state was made of was not written today, or all agents would be older than their
/// configuration.
fn written_when_created(object: &mut Value) {
    let created = meta(object, "creationTimestamp").to_owned();
    let managed = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
    for entry in managed.into_iter().flatten() {
        entry["time"] = json!(created);
    }
}

/// Stands in [`Write::subresource`] for objects that are loaded as they are, status and all.
pub(crate) const LOADED: &str = "loaded";

fn type_of(api_version: &str, kind: &str) -> String {
    // This is how the server's GroupVersionKind prints itself.
    if kind.is_empty() { api_version.to_owned() } else { format!("{api_version}, Kind={kind}") }
}

/// Whether a dying object has to wait.
fn holds(resource: &Resource, object: &Value) -> bool {
    !finalizers(object).is_empty()
        || number(object, &["metadata", "deletionGracePeriodSeconds"]) > 0
        || (&*resource.id.plural == "namespaces"
            && !list(object, &["spec", "finalizers"]).is_empty())
}

/// Removes the object if it is dying and nothing holds it any more; gives its last state.
pub(crate) fn finish(store: &mut Store, resource: &Resource, key: &Key) -> Option<Object> {
    let object = store.get(&resource.id, key).filter(|object| object.ties().terminating)?.value();
    if holds(resource, &object) {
        return None;
    }
    let gone = store.remove(&resource.id, key)?;
    crd::gone(store, resource, &object);
    Some(gone)
}

/// What `generation` counts changes of: everything but metadata and status.
fn wanted(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        for field in ["metadata", "status", "apiVersion"] {
            fields.remove(field);
        }
    }
    object
}

/// Whether storing would change nothing; times in `managedFields` do not count.
fn same(old: &Value, new: &Value) -> bool {
    let bare = |object: &Value| {
        let mut object = object.clone();
        let managed = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
        for entry in managed.into_iter().flatten() {
            entry.as_object_mut().and_then(|entry| entry.remove("time"));
        }
        object
    };
    bare(old) == bare(new)
}

/// Five letters and digits without vowels and lookalikes, as generated names end.
fn suffix() -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let bytes = *uuid::Uuid::new_v4().as_bytes();
    bytes[..5].iter().map(|byte| LETTERS[usize::from(*byte) % LETTERS.len()] as char).collect()
}
