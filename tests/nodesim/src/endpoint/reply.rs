//! Answers: plain text, as the kubelet's are.

use std::io;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::{Response, StatusCode, header};

use crate::runtime::RuntimeError;

/// The body of every answer; its error breaks the connection.
pub(super) type Body = BoxBody<Bytes, io::Error>;

/// An answer of that text.
pub(super) fn plain(code: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = with_body(Full::new(text.into()).map_err(|never| match never {}).boxed());
    *response.status_mut() = code;
    response
}

/// A text that comes bit by bit.
pub(super) fn with_body(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let plain = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

/// What the runtime has against a request.
pub(super) fn refused(error: &RuntimeError) -> Response<Body> {
    let (code, text) = match error {
        RuntimeError::NotFound(text) => (StatusCode::NOT_FOUND, text),
        RuntimeError::BadRequest(text) => (StatusCode::BAD_REQUEST, text),
        RuntimeError::Internal(text) => (StatusCode::INTERNAL_SERVER_ERROR, text),
    };
    plain(code, format!("{text}\n"))
}
