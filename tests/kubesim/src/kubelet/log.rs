//! `pods/log`: a kubelet's text, handed on as it comes.

use std::{io, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{Request, Response, StatusCode, body::Incoming, header, header::HeaderValue};

use super::{
    dial::dial,
    locate::{self, Address, Container},
};
use crate::{
    reply::{self, Body},
    request::{Query, Target},
    server::Shared,
    status::{ApiError, ApiResult},
};

/// The parameters that kubelets know; `container` is in the path.
const FLAGS: [&str; 3] = ["follow", "previous", "timestamps"];
const VALUES: [&str; 4] = ["sinceSeconds", "sinceTime", "tailLines", "limitBytes"];
/// No more of a kubelet's error is told.
const LONGEST: usize = 50_000;

/// Answers with a container's log.
pub(crate) async fn log(
    shared: &Arc<Shared>,
    target: &Target,
    query: &Query,
) -> ApiResult<Response<Body>> {
    let (container, address) = {
        let store = shared.store();
        let wanted = query.get("container");
        let container = locate::container(&store, &target.namespace, &target.name, wanted)?;
        if container.node.is_empty() {
            // A pod that is nowhere has said nothing, which is no error.
            let mut response = Response::new(reply::full(""));
            *response.status_mut() = StatusCode::NO_CONTENT;
            return Ok(response);
        }
        let address = locate::kubelet(&store, &container.node)?;
        (container, address)
    };
    let uri = uri(&container, query);
    let answer = ask(&address, &uri).await.map_err(|why| {
        let Address { host, port } = &address;
        ApiError::new(500, "", format!("Get \"https://{host}:{port}{uri}\": {why}"))
    })?;
    if answer.status() != StatusCode::OK {
        return Err(refused(answer, &target.name).await);
    }
    let mut response = Response::new(answer.into_body().map_err(io::Error::other).boxed());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    Ok(response)
}

fn uri(container: &Container, query: &Query) -> String {
    let mut wanted = form_urlencoded::Serializer::new(String::new());
    for name in FLAGS.into_iter().filter(|name| query.flag(name)) {
        wanted.append_pair(name, "true");
    }
    for name in VALUES.into_iter().filter(|name| !query.get(name).is_empty()) {
        wanted.append_pair(name, query.get(name));
    }
    let Container { namespace, pod, name, .. } = container;
    let path = format!("/containerLogs/{namespace}/{pod}/{name}");
    match wanted.finish() {
        query if query.is_empty() => path,
        query => format!("{path}?{query}"),
    }
}

async fn ask(address: &Address, uri: &str) -> Result<Response<Incoming>, String> {
    let mut sender = dial(address).await?;
    let request = Request::get(uri)
        .header(header::HOST, format!("{}:{}", address.host, address.port))
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    sender.send_request(request).await.map_err(|error| error.to_string())
}

/// What an API server makes of a kubelet's refusal.
async fn refused(answer: Response<Incoming>, pod: &str) -> ApiError {
    let (code, body) = (answer.status(), Limited::new(answer.into_body(), LONGEST));
    let text = match body.collect().await {
        Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        Err(error) => return ApiError::internal(error),
    };
    match code {
        StatusCode::INTERNAL_SERVER_ERROR => ApiError::internal(text),
        StatusCode::BAD_REQUEST => ApiError::bad_request(text),
        _ => ApiError::backend(code.as_u16(), "pods/log", pod),
    }
}
