//! Paths that are no resources: discovery, OpenAPI, health, and the faults.

use hyper::{Method, Response, header};
use serde_json::{Value, json};

use super::Asked;
use crate::{
    discovery,
    fault::Fault,
    identity::MASTERS,
    openapi,
    reply::{self, Body},
    request::{Form, Negotiated, negotiate},
    server::Shared,
    status::{ApiError, ApiResult},
};

/// Answers a request for a path that is no resource.
pub(super) fn answer(shared: &Shared, asked: &Asked) -> ApiResult<Response<Body>> {
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
