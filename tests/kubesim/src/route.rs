//! From a request to its answer.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, channel::Channel};
use hyper::{HeaderMap, Method, Request, Response, body::Incoming, header};
use serde_json::{Value, json};

use crate::{
    discovery,
    fault::{Fault, Kind},
    identity::{MASTERS, User},
    journal::Entry,
    object::{self, meta},
    openapi,
    packed::Object,
    patch::{self, PatchKind},
    protobuf,
    rbac::{self, Action},
    read::{self, Filter, Sheet},
    reply::{self, Body},
    request::{Form, Negotiated, Query, Target, negotiate},
    resource::{Resource, ServedVersion},
    review, scale, schema,
    server::Shared,
    status::{ApiError, ApiResult, Cause, Subject},
    store::Key,
    watch::Watch,
    write::{Deleted, Deletion, Write},
};

/// A request with its body read.
struct Asked {
    method: Method,
    path: String,
    query: Query,
    headers: HeaderMap,
    body: Bytes,
    user: User,
}

/// Answers a request; the error breaks the connection.
pub(crate) async fn handle(
    shared: Arc<Shared>,
    certificate: Option<User>,
    request: Request<Incoming>,
) -> io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let header =
        |name| parts.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let route = parts.uri.path_and_query().map_or("/", |route| route.as_str()).to_owned();
    let user = authenticate(&shared, certificate, &parts.headers);
    let mut entry = Entry {
        method: parts.method.to_string(),
        route: route.clone(),
        user: user.as_ref().map(|user| user.name.clone()).unwrap_or_default(),
        accept: header(header::ACCEPT),
        content_type: header(header::CONTENT_TYPE),
        agent: header(header::USER_AGENT),
        code: 0,
    };
    let fault = shared.faults.meet(parts.method.as_str(), &route);
    match fault {
        Some(Kind::Delay(milliseconds)) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        }
        Some(Kind::Hang) => {
            shared.journal.add(entry);
            std::future::pending::<()>().await;
            return Err(io::ErrorKind::TimedOut.into());
        }
        Some(Kind::Reset) => {
            shared.journal.add(entry);
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        _ => {}
    }
    let headers = parts.headers.clone();
    let answer = match body.collect().await {
        Err(error) => Err(ApiError::bad_request(error.to_string())),
        Ok(body) => match user {
            Err(error) => Err(error),
            Ok(user) => {
                let asked = Asked {
                    method: parts.method,
                    path: parts.uri.path().to_owned(),
                    query: Query::parse(parts.uri.query().unwrap_or_default()),
                    headers: parts.headers,
                    body: body.to_bytes(),
                    user,
                };
                match fault.as_ref().and_then(|fault| failing(fault, &asked)) {
                    Some(error) => Err(error),
                    None => answer(&shared, &asked),
                }
            }
        },
    };
    let response = answer.unwrap_or_else(|error| reply::error(&error, &headers));
    entry.code = response.status().as_u16();
    shared.journal.add(entry);
    match fault {
        Some(Kind::Cut(bytes)) => cut(response, bytes).await,
        _ => Ok(response),
    }
}

/// The error that a fault stands for, in a real server's words.
fn failing(fault: &Kind, asked: &Asked) -> Option<ApiError> {
    match fault {
        Kind::ExpiredToken => Some(ApiError::unauthorized()),
        Kind::Forbidden => Some(action(asked).denied(&asked.user)),
        Kind::Status { code, retry_after } => {
            let error = match code {
                401 => ApiError::unauthorized(),
                403 => action(asked).denied(&asked.user),
                410 => ApiError::expired("The resourceVersion for the provided list is too old."),
                // Priority and fairness rejects before any API is reached.
                429 => ApiError {
                    plain: true,
                    ..ApiError::new(
                        429,
                        "TooManyRequests",
                        "Too many requests, please try again later.\n",
                    )
                },
                500 => ApiError::internal("etcdserver: request timed out"),
                503 => ApiError::new(503, "ServiceUnavailable", "apiserver not ready"),
                504 => ApiError::new(
                    504,
                    "Timeout",
                    "Timeout: request did not complete within the allotted timeout",
                ),
                other => ApiError::new(*other, "", format!("the server answered {other}")),
            };
            Some(match retry_after {
                Some(seconds) => error.retry_after(*seconds),
                None => error,
            })
        }
        _ => None,
    }
}

/// Lets the connection break after so many bytes of the body.
async fn cut(response: Response<Body>, bytes: usize) -> io::Result<Response<Body>> {
    let (mut parts, body) = response.into_parts();
    let whole = body.collect().await?.to_bytes();
    // With the length left as it was the client knows that something is missing.
    parts.headers.insert(header::CONTENT_LENGTH, whole.len().into());
    let (mut sender, body) = Channel::<Bytes, io::Error>::new(2);
    tokio::spawn(async move {
        let head = whole.slice(..bytes.min(whole.len()));
        // A client that went away has its wish already.
        let _ = sender.send_data(head).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        sender.abort(io::ErrorKind::ConnectionReset.into());
    });
    Ok(Response::from_parts(parts, body.boxed()))
}

fn authenticate(
    shared: &Shared,
    certificate: Option<User>,
    headers: &HeaderMap,
) -> ApiResult<User> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    // A certificate is looked at first, as upstream does.
    let user = match (certificate, bearer) {
        (Some(user), _) => user,
        (None, Some(token)) => {
            shared.config.tokens.get(token).cloned().ok_or_else(ApiError::unauthorized)?
        }
        (None, None) => {
            let groups = vec!["system:unauthenticated".to_owned()];
            User { name: "system:anonymous".to_owned(), groups, ..User::default() }
        }
    };
    let Some(other) = User::impersonated(headers) else { return Ok(user) };
    let wanted = std::iter::once(("users", other.name.as_str())).chain(
        other
            .groups
            .iter()
            .filter(|group| *group != "system:authenticated")
            .map(|group| ("groups", group.as_str())),
    );
    let store = shared.store();
    for (resource, name) in wanted {
        let action = Action {
            verb: "impersonate".to_owned(),
            resource: resource.to_owned(),
            name: name.to_owned(),
            ..Action::default()
        };
        if !rbac::allowed(&store, &user, &action) {
            return Err(action.denied(&user));
        }
    }
    Ok(other)
}

/// What RBAC is asked about this request.
fn action(asked: &Asked) -> Action {
    match Target::parse(&asked.path) {
        Some(target) => target.action(target.verb(&asked.method, &asked.query)),
        None => Action {
            verb: asked.method.as_str().to_lowercase(),
            path: asked.path.clone(),
            ..Action::default()
        },
    }
}

fn answer(shared: &Arc<Shared>, asked: &Asked) -> ApiResult<Response<Body>> {
    let action = action(asked);
    // One lock for asking and doing, so that nobody changes the rules in between.
    if !rbac::allowed(&shared.store(), &asked.user, &action) {
        return Err(action.denied(&asked.user));
    }
    match Target::parse(&asked.path) {
        Some(target) => resource(shared, asked, &target),
        None => document(shared, asked),
    }
}

fn document(shared: &Shared, asked: &Asked) -> ApiResult<Response<Body>> {
    let path = asked.path.trim_end_matches('/');
    if path == "/kubesim/faults" {
        return faults(shared, asked);
    }
    if !matches!(asked.method, Method::GET | Method::HEAD) {
        return Err(ApiError::no_such_method());
    }
    let plain = |text: &str| {
        Ok(reply::with_body(200, "text/plain; charset=utf-8", text.into(), &asked.headers))
    };
    if matches!(path, "/healthz" | "/livez" | "/readyz") {
        return plain("ok");
    }
    let store = shared.store();
    let registry = &store.registry;
    if let Some(document) = path.strip_prefix("/openapi/v3") {
        let document = document.trim_start_matches('/');
        let found = if document.is_empty() {
            Some(openapi::index(registry))
        } else {
            openapi::document(registry, document)
        };
        let found = found.ok_or_else(ApiError::no_such_path)?;
        return Ok(reply::object(200, &found, false, &asked.headers));
    }
    if path == "/openapi/v2" && accepts(asked, OPENAPI_PROTOBUF) {
        let document = openapi::legacy_protobuf(&shared.config.version);
        return Ok(reply::with_body(200, OPENAPI_PROTOBUF_SENT, document, &asked.headers));
    }
    let Negotiated { form, yaml } = negotiate(&asked.headers, &asked.query)?;
    let groups: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let body = match (groups.as_slice(), form) {
        (["version"], _) => version(&shared.config.version),
        (["openapi", "v2"], _) => openapi::legacy(registry, &shared.config.version),
        ([root @ ("api" | "apis")], Form::Discovery(document)) => {
            let body = discovery::aggregated(registry, *root == "api", document);
            let mut response = reply::object(200, &body, yaml, &asked.headers);
            let typed = format!(
                "application/json;g=apidiscovery.k8s.io;v={document};as=APIGroupDiscoveryList"
            );
            if let Ok(typed) = typed.parse() {
                response.headers_mut().insert(header::CONTENT_TYPE, typed);
            }
            return Ok(response);
        }
        (["api"], _) => discovery::core_versions(&shared.address),
        (["apis"], _) => discovery::groups(registry),
        (["apis", group], _) => {
            discovery::group(registry, group).ok_or_else(ApiError::no_such_path)?
        }
        (["api", version], _) => {
            discovery::resources(registry, "", version).ok_or_else(ApiError::no_such_path)?
        }
        (["apis", group, version], _) => {
            discovery::resources(registry, group, version).ok_or_else(ApiError::no_such_path)?
        }
        _ => return Err(ApiError::no_such_path()),
    };
    Ok(reply::object(200, &body, yaml, &asked.headers))
}

const OPENAPI_PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
/// The answer has a dot where the question has an @, which no media type may hold.
const OPENAPI_PROTOBUF_SENT: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

fn accepts(asked: &Asked, content_type: &str) -> bool {
    let accept = asked.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.starts_with(content_type))
}

fn version(text: &str) -> Value {
    let mut parts = text.trim_start_matches('v').split('.');
    json!({
        "major": parts.next().unwrap_or_default(),
        "minor": parts.next().unwrap_or_default(),
        "gitVersion": text,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "linux/amd64",
    })
}

/// `POST /kubesim/faults` adds one, `DELETE` removes all: for tests that run the program.
fn faults(shared: &Shared, asked: &Asked) -> ApiResult<Response<Body>> {
    if !asked.user.groups.iter().any(|group| group == MASTERS) {
        return Err(ApiError::no_such_path());
    }
    match asked.method {
        Method::POST => {
            let fault: Fault = serde_json::from_slice(&asked.body)
                .map_err(|error| ApiError::bad_request(error.to_string()))?;
            shared.faults.add(fault);
        }
        Method::DELETE => shared.faults.clear(),
        _ => return Err(ApiError::no_such_method()),
    }
    Ok(reply::object(200, &json!({}), false, &asked.headers))
}

/// The body as an object, empty for none.
fn body(asked: &Asked) -> ApiResult<Value> {
    if asked.body.is_empty() {
        return Ok(Value::Null);
    }
    let kind = content_type(asked);
    if kind == "application/vnd.kubernetes.protobuf" || asked.body.starts_with(b"k8s\0") {
        return protobuf::read(&asked.body)
            .ok_or_else(|| ApiError::unsupported_media(&["application/json", "application/yaml"]));
    }
    let text = std::str::from_utf8(&asked.body)
        .map_err(|error| ApiError::bad_request(error.to_string()))?;
    if kind.ends_with("yaml") {
        return serde_saphyr::from_str(text)
            .map_err(|error| ApiError::bad_request(format!("error decoding YAML: {error}")));
    }
    if !kind.is_empty() && !kind.ends_with("json") {
        return Err(ApiError::unsupported_media(&["application/json", "application/yaml"]));
    }
    serde_json::from_str(text).map_err(|error| {
        ApiError::bad_request(format!("couldn't get version/kind; json parse error: {error}"))
    })
}

fn content_type(asked: &Asked) -> String {
    let value = asked.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned()
}

fn resource(shared: &Arc<Shared>, asked: &Asked, target: &Target) -> ApiResult<Response<Body>> {
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
    if !sub.is_empty() && !kind.subresources(&version).contains(&sub) {
        return Err(ApiError::no_such_path());
    }
    if !kind.allows(verb) || (!sub.is_empty() && !matches!(verb, "get" | "update" | "patch")) {
        return Err(ApiError::no_such_method());
    }
    if kind.namespaced && target.namespace.is_empty() && !matches!(verb, "list" | "watch") {
        return Err(ApiError::no_such_method());
    }
    let negotiated = negotiate(&asked.headers, &asked.query)?;
    let call = Call { shared, asked, target, kind: &kind, version: &version, negotiated };
    match verb {
        "list" => call.list(),
        "watch" => call.watch(),
        "get" => call.get(),
        "create" => call.create(),
        "update" | "patch" => call.change(verb),
        "delete" => call.delete(),
        _ => call.delete_all(),
    }
}

/// A request for a kind that is served.
struct Call<'a> {
    shared: &'a Arc<Shared>,
    asked: &'a Asked,
    target: &'a Target,
    kind: &'a Arc<Resource>,
    version: &'a ServedVersion,
    negotiated: Negotiated,
}

impl Call<'_> {
    fn namespace(&self) -> &str {
        if self.kind.namespaced { &self.target.namespace } else { "" }
    }

    fn filter(&self) -> ApiResult<Filter> {
        Filter::parse(self.kind, self.version, self.namespace(), &self.asked.query)
    }

    fn object(&self, code: u16, object: &Object) -> Response<Body> {
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

    fn page(&self, page: read::Page) -> Response<Body> {
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

    fn dry_run(&self, body: &Value) -> ApiResult<bool> {
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

    fn write<'w>(&'w self, manager: &'w str, dry_run: bool) -> Write<'w> {
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
        let body = body(self.asked)?;
        self.check_strictly(&body)?;
        if !self.kind.stored() {
            let store = self.shared.store();
            let (user, plural) = (&self.asked.user, &self.kind.id.plural);
            let answer = review::answer(&store, &self.shared.config, user, plural, body)?;
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
            "patch" => Some(PatchKind::of(&content_type(self.asked), self.kind.traits.custom)?),
            _ => None,
        };
        if patch == Some(PatchKind::Apply) && self.asked.query.get("fieldManager").is_empty() {
            let subject = Subject { group: "meta.k8s.io", resource: "PatchOptions", name: "" };
            let cause = Cause::required("fieldManager", "is required for apply patch");
            return Err(ApiError::invalid(&subject, &[cause]));
        }
        let body = body(self.asked)?;
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

    fn deletion(&self, options: &Value) -> ApiResult<Deletion> {
        let word = |field: &str| match object::text(options, &[field]) {
            "" => self.asked.query.get(field).to_owned(),
            word => word.to_owned(),
        };
        let grace = match options.get("gracePeriodSeconds").and_then(Value::as_i64) {
            Some(grace) => Some(grace),
            None => self.asked.query.number("gracePeriodSeconds")?,
        };
        let propagation = match options.get("orphanDependents").and_then(Value::as_bool) {
            Some(true) => "Orphan".to_owned(),
            Some(false) => "Background".to_owned(),
            None => word("propagationPolicy"),
        };
        if !matches!(propagation.as_str(), "" | "Background" | "Foreground" | "Orphan") {
            let subject = Subject { group: "meta.k8s.io", resource: "DeleteOptions", name: "" };
            let cause = Cause::unsupported(
                "propagationPolicy",
                &json!(propagation),
                &["Foreground", "Background", "Orphan", "nil"],
            );
            return Err(ApiError::invalid(&subject, &[cause]));
        }
        Ok(Deletion {
            propagation,
            grace,
            uid: object::text(options, &["preconditions", "uid"]).to_owned(),
            resource_version: object::text(options, &["preconditions", "resourceVersion"])
                .to_owned(),
        })
    }

    fn delete(&self) -> ApiResult<Response<Body>> {
        let options = body(self.asked)?;
        let how = self.deletion(&options)?;
        let write = self.write("", self.dry_run(&options)?);
        let deleted = write.delete(&mut self.shared.store(), &how)?;
        let object = match deleted {
            Deleted::Later(object) => object,
            Deleted::Gone(object) if self.kind.traits.returns_deleted => object,
            Deleted::Gone(object) => {
                let mut details = json!({
                    "name": self.target.name,
                    "kind": &*self.kind.id.plural,
                    "uid": object.ties().uid,
                });
                if !self.kind.id.group.is_empty() {
                    details["group"] = json!(&*self.kind.id.group);
                }
                let status = json!({
                    "kind": "Status",
                    "apiVersion": "v1",
                    "metadata": {},
                    "status": "Success",
                    "details": details,
                });
                let yaml = self.negotiated.yaml;
                return Ok(reply::object(200, &status, yaml, &self.asked.headers));
            }
        };
        Ok(self.object(200, &object))
    }

    fn delete_all(&self) -> ApiResult<Response<Body>> {
        let options = body(self.asked)?;
        let how = self.deletion(&options)?;
        let dry_run = self.dry_run(&options)?;
        let filter = self.filter()?;
        let mut store = self.shared.store();
        let mut page = read::list(&store, self.kind, &filter, &self.asked.query)?;
        for object in &mut page.items {
            let value = object.value();
            let key = Key::new(meta(&value, "namespace"), meta(&value, "name"));
            let write = Write { key, ..self.write("", dry_run) };
            let (Deleted::Gone(left) | Deleted::Later(left)) = write.delete(&mut store, &how)?;
            *object = left;
        }
        Ok(self.page(page))
    }
}
