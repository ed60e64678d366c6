//! Requests for kinds that are served: the verbs.

use std::sync::Arc;

use bytes::Bytes;
use hyper::{Response, header};
use serde_json::{Value, json};

use super::{Asked, body};
use crate::{
    object,
    packed::Object,
    patch::{self, PatchKind},
    read::{self, Filter, Sheet},
    reply::{self, Body},
    request::{Negotiated, Target, negotiate},
    resource::{GroupResource, Resource, ServedVersion},
    review, scale, schema,
    server::Shared,
    status::{ApiError, ApiResult, Cause, Subject},
    store::Key,
    watch::Watch,
    write::Write,
};

/// Answers a request for a resource.
pub(super) fn answer(
    shared: &Arc<Shared>,
    asked: &Asked,
    target: &Target,
) -> ApiResult<Response<Body>> {
    let verb = target.verb(&asked.method, &asked.query);
    let (kind, version) = {
        let store = shared.store();
        let kind = store
            .registry
            .served(&target.group, &target.version, &target.resource)
            .cloned()
            .ok_or_else(ApiError::no_such_path)?;
        let version = kind.version(&target.version).cloned().ok_or_else(ApiError::no_such_path)?;
        (kind, version)
    };
    let sub = target.subresource.as_str();
    let allowed = if sub.is_empty() {
        kind.allows(verb)
    } else {
        let subs = kind.subresources(&version);
        let sub = subs.iter().find(|known| known.name == sub).ok_or_else(|| {
            if kind.traits.custom {
                ApiError::not_found(&kind.named(&target.name))
            } else {
                ApiError::no_such_path()
            }
        })?;
        sub.verbs.contains(&verb)
    };
    if misplaced(&kind, target, verb) {
        return Err(ApiError::no_such_path());
    }
    // Objects are not created by name or without their namespace, and many are not changed at once.
    let placed = !kind.namespaced || !target.namespace.is_empty();
    let suits = match verb {
        "create" if sub.is_empty() => target.name.is_empty() && placed,
        "deletecollection" => placed,
        "update" | "patch" => !target.name.is_empty(),
        _ => true,
    };
    if !allowed || !suits {
        return Err(ApiError::no_such_method());
    }
    let negotiated = negotiate(&asked.headers, &asked.query)?;
    let call = Call { shared, asked, target, kind: &kind, version: &version, negotiated };
    match verb {
        "create" if !sub.is_empty() => call.create_sub(),
        "list" => call.list(),
        "watch" => call.watch(),
        "get" => call.get(),
        "create" => call.create(),
        "update" | "patch" => call.change(verb),
        "delete" => call.delete(),
        _ => call.delete_all(),
    }
}

/// Whether the kind has no such path: in a namespace, or in none.
fn misplaced(kind: &Resource, target: &Target, verb: &str) -> bool {
    if !kind.namespaced {
        // A namespace counts as its own.
        return !target.namespace.is_empty() && kind.id != GroupResource::new("", "namespaces");
    }
    let everywhere =
        target.name.is_empty() && (!kind.traits.custom || matches!(verb, "list" | "watch"));
    target.namespace.is_empty() && !everywhere
}

/// A request for a kind that is served.
pub(super) struct Call<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) asked: &'a Asked,
    pub(super) target: &'a Target,
    pub(super) kind: &'a Arc<Resource>,
    pub(super) version: &'a ServedVersion,
    pub(super) negotiated: Negotiated,
}

impl Call<'_> {
    fn namespace(&self) -> &str {
        if self.kind.namespaced { &self.target.namespace } else { "" }
    }

    pub(super) fn filter(&self) -> ApiResult<Filter> {
        Filter::parse(self.kind, self.version, self.namespace(), &self.asked.query)
    }

    pub(super) fn object(&self, code: u16, object: &Object) -> Response<Body> {
        let body = read::shape(object, self.kind, self.version, self.negotiated.form);
        reply::text(code, body, self.negotiated.yaml, &self.asked.headers)
    }

    fn list(&self) -> ApiResult<Response<Body>> {
        let filter = self.filter()?;
        let page = {
            let store = self.shared.store();
            read::list(&store, self.kind, &filter, &self.asked.query)?
        };
        Ok(self.page(page))
    }

    pub(super) fn page(&self, page: read::Page) -> Response<Body> {
        let sheet = Sheet::new(page, self.kind, self.version, self.negotiated.form);
        if self.negotiated.yaml {
            return reply::text(200, sheet.collect(), true, &self.asked.headers);
        }
        reply::pieces(sheet.map(Bytes::from), &self.asked.headers)
    }

    fn watch(&self) -> ApiResult<Response<Body>> {
        let watch = Watch {
            resource: Arc::clone(self.kind),
            version: self.version.clone(),
            filter: self.filter()?,
            form: self.negotiated.form,
        };
        watch.start(Arc::clone(self.shared), &self.asked.query)
    }

    fn get(&self) -> ApiResult<Response<Body>> {
        let key = Key::new(self.namespace(), &self.target.name);
        let object = {
            let store = self.shared.store();
            store.get(&self.kind.id, &key).cloned()
        };
        let object =
            object.ok_or_else(|| ApiError::not_found(&self.kind.named(&self.target.name)))?;
        if self.target.subresource == "scale" {
            let scale = scale::of(&object.value(), self.version);
            return Ok(reply::object(200, &scale, self.negotiated.yaml, &self.asked.headers));
        }
        Ok(self.object(200, &object))
    }

    pub(super) fn dry_run(&self, body: &Value) -> ApiResult<bool> {
        let in_body = object::list(body, &["dryRun"]).first().and_then(Value::as_str);
        match in_body.unwrap_or(self.asked.query.get("dryRun")) {
            "" => Ok(false),
            "All" => Ok(true),
            other => Err(ApiError::bad_request(format!(
                "dryRun: Unsupported value: {other:?}: supported values: \"All\""
            ))),
        }
    }

    fn manager(&self) -> String {
        let manager = self.asked.query.get("fieldManager");
        if !manager.is_empty() {
            return manager.to_owned();
        }
        let agent = self.asked.headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok());
        agent.unwrap_or("unknown").split('/').next().unwrap_or_default().to_owned()
    }

    pub(super) fn write<'w>(&'w self, manager: &'w str, dry_run: bool) -> Write<'w> {
        Write {
            resource: self.kind,
            version: self.version,
            key: Key::new(self.namespace(), &self.target.name),
            subresource: &self.target.subresource,
            dry_run,
            manager,
        }
    }

    /// What kubectl asks for by default: no field that the schema does not know.
    ///
    /// Custom resources only; built-in kinds have no schema here to be strict by.
    fn unknown_fields(&self, object: &Value) -> Option<String> {
        let schema = self.version.schema.as_ref()?;
        if self.asked.query.get("fieldValidation") != "Strict" {
            return None;
        }
        let fields: Vec<String> = schema::unknown(object, schema)
            .into_iter()
            .map(|field| format!("unknown field {field:?}"))
            .collect();
        (!fields.is_empty()).then(|| format!("strict decoding error: {}", fields.join(", ")))
    }

    fn check_strictly(&self, object: &Value) -> ApiResult<()> {
        let Some(why) = self.unknown_fields(object) else { return Ok(()) };
        let (version, kind) = (&self.version.name, &self.kind.kind);
        Err(ApiError::bad_request(format!(
            "{kind} in version {version:?} cannot be handled as a {kind}: {why}"
        )))
    }

    /// A patch is checked by what it makes of the object.
    fn check_patched(&self, current: &Object, patch: PatchKind, body: &Value) -> ApiResult<()> {
        let mut object = current.value();
        match patch {
            PatchKind::Json => patch::json_patch(&mut object, body)?,
            PatchKind::Merge => patch::merge_patch(&mut object, body),
            PatchKind::Strategic | PatchKind::Apply => return Ok(()),
        }
        let Some(why) = self.unknown_fields(&object) else { return Ok(()) };
        let nameless = Subject { group: "", resource: "", name: "" };
        let cause = Cause::invalid("patch", &json!(object.to_string()), &why);
        Err(ApiError::invalid(&nameless, &[cause]))
    }

    fn create(&self) -> ApiResult<Response<Body>> {
        let body = body::read(self.asked)?;
        self.check_strictly(&body)?;
        if !self.kind.stored() {
            let store = self.shared.store();
            let (user, plural) = (&self.asked.user, &self.kind.id.plural);
            let answer = review::answer(&store, self.shared, user, plural, body)?;
            return Ok(reply::object(201, &answer, self.negotiated.yaml, &self.asked.headers));
        }
        let manager = self.manager();
        let write = self.write(&manager, self.dry_run(&Value::Null)?);
        let object = write.create(&mut self.shared.store(), body)?;
        Ok(self.object(201, &object))
    }

    fn change(&self, verb: &str) -> ApiResult<Response<Body>> {
        let manager = self.manager();
        let write = self.write(&manager, self.dry_run(&Value::Null)?);
        let patch = match verb {
            "patch" => {
                Some(PatchKind::of(&body::content_type(self.asked), self.kind.traits.custom)?)
            }
            _ => None,
        };
        if patch == Some(PatchKind::Apply) && self.asked.query.get("fieldManager").is_empty() {
            let subject = Subject { group: "meta.k8s.io", resource: "PatchOptions", name: "" };
            let cause = Cause::required("fieldManager", "is required for apply patch");
            return Err(ApiError::invalid(&subject, &[cause]));
        }
        let body = body::read(self.asked)?;
        let mut store = self.shared.store();
        if self.target.subresource == "scale" {
            return self.rescale(&mut store, &write, patch, &body);
        }
        match (patch, store.get(&self.kind.id, &write.key)) {
            (None, _) => self.check_strictly(&body)?,
            (Some(kind), Some(current)) => self.check_patched(current, kind, &body)?,
            (Some(_), None) => {}
        }
        let (object, created) = match patch {
            Some(kind) => write.patch(&mut store, kind, &body, self.asked.query.flag("force"))?,
            None => (write.update(&mut store, body)?, false),
        };
        Ok(self.object(if created { 201 } else { 200 }, &object))
    }

    fn rescale(
        &self,
        store: &mut crate::store::Store,
        write: &Write<'_>,
        patch: Option<PatchKind>,
        body: &Value,
    ) -> ApiResult<Response<Body>> {
        let found = store.get(&self.kind.id, &write.key);
        let found =
            found.ok_or_else(|| ApiError::not_found(&self.kind.named(&self.target.name)))?;
        let mut object = found.value();
        object["apiVersion"] = json!(self.kind.api_version(&self.version.name));
        let mut wanted = scale::of(&object, self.version);
        match patch {
            None => wanted = body.clone(),
            Some(PatchKind::Json) => patch::json_patch(&mut wanted, body)?,
            Some(_) => patch::merge_patch(&mut wanted, body),
        }
        scale::set(&mut object, self.version, &wanted)?;
        let whole = Write { subresource: "", ..write.clone() };
        let object = whole.update(store, object)?;
        let scale = scale::of(&object.value(), self.version);
        Ok(reply::object(200, &scale, self.negotiated.yaml, &self.asked.headers))
    }
}
