//! From a request to its answer.

use std::{convert::Infallible, sync::Arc};

use hyper::{Method, Request, Response, StatusCode, body::Incoming};
use percent_encoding::percent_decode_str;
use tokio::sync::mpsc::UnboundedSender;

use super::{
    Session, exec, log,
    reply::{self, Body},
};
use crate::runtime::{ContainerRef, Runtime};

/// Answers a request; if it upgrades the connection, what follows is put into `upgraded`.
pub(super) async fn answer<R: Runtime>(
    runtime: Arc<R>,
    request: Request<Incoming>,
    upgraded: UnboundedSender<Session>,
) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    let parts: Vec<_> = path
        .trim_matches('/')
        .split('/')
        .map(|part| percent_decode_str(part).decode_utf8_lossy())
        .collect();
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    let named = |namespace: &str, pod: &str, container: &str| ContainerRef {
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        container: container.to_owned(),
    };
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    Ok(match parts.as_slice() {
        ["healthz"] if reads => reply::plain(StatusCode::OK, "ok"),
        // The uid is the pod's; a name is enough where no pod comes back under another one.
        ["exec", namespace, pod, container] | ["exec", namespace, pod, _, container]
            if reads || request.method() == Method::POST =>
        {
            let container = named(namespace, pod, container);
            exec::answer(&*runtime, &container, request, &upgraded).await
        }
        ["containerLogs", namespace, pod, container] if reads => {
            let query = request.uri().query().unwrap_or_default();
            log::answer(&*runtime, &named(namespace, pod, container), query).await
        }
        ["healthz"] | ["exec" | "containerLogs", _, _, _, ..] => {
            reply::plain(StatusCode::METHOD_NOT_ALLOWED, "405: Method Not Allowed")
        }
        _ => reply::plain(StatusCode::NOT_FOUND, "404 page not found\n"),
    })
}
