//! From a request to its answer.

mod authenticate;
mod body;
mod connect;
mod deletion;
mod document;
mod failing;
mod resource;
mod subresource;

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, body::Incoming, header, upgrade::OnUpgrade,
};

use crate::{
    breaker::Breaker,
    fault::Kind,
    identity::User,
    journal::Entry,
    rbac::{self, Action},
    reply::{self, Body},
    request::{Query, Target},
    server::Shared,
    status::{ApiError, ApiResult},
};

use authenticate::authenticate;
use failing::{cut, failing};

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
    breaker: Arc<Breaker>,
    certificate: Option<User>,
    mut request: Request<Incoming>,
) -> io::Result<Response<Body>> {
    let upgrade = hyper::upgrade::on(&mut request);
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
            return std::future::pending().await;
        }
        Some(Kind::Reset) => {
            shared.journal.add(entry);
            breaker.reset();
            return std::future::pending().await;
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
                    None => answer(&shared, &asked, upgrade, fault.as_ref()).await,
                }
            }
        },
    };
    let response = answer.unwrap_or_else(|error| reply::error(&error, &headers));
    entry.code = response.status().as_u16();
    shared.journal.add(entry);
    // What comes after an upgrade is the relay's to cut.
    Ok(match fault {
        Some(fault) if response.status() != StatusCode::SWITCHING_PROTOCOLS => {
            cut(response, &fault)
        }
        _ => response,
    })
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

async fn answer(
    shared: &Arc<Shared>,
    asked: &Asked,
    upgrade: OnUpgrade,
    fault: Option<&Kind>,
) -> ApiResult<Response<Body>> {
    let action = action(asked);
    if !rbac::allowed(&shared.store(), &asked.user, &action) {
        return Err(action.denied(&asked.user));
    }
    let answer = match Target::parse(&asked.path) {
        Some(target) if target.at_kubelet() => {
            connect::answer(shared, asked, &target, upgrade, fault).await
        }
        Some(target) => resource::answer(shared, asked, &target),
        None => document::answer(shared, asked),
    };
    answer.map_err(|error| {
        let unrouted = error.plain && error.code == StatusCode::NOT_FOUND;
        if unrouted && routed(shared, &asked.path) { ApiError::no_such_resource() } else { error }
    })
}

/// Whether the router of a built-in API answers for this path, and not the mux before it, which has
/// no more than plain text.
fn routed(shared: &Shared, path: &str) -> bool {
    let mut parts = path.trim_start_matches('/').split('/');
    match (parts.next(), parts.next()) {
        (Some("api"), Some(_)) => true,
        (Some("apis"), Some(group)) => {
            let store = shared.store();
            store.registry.all().iter().any(|kind| *kind.id.group == *group && !kind.traits.custom)
        }
        _ => false,
    }
}
