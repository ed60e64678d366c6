//! Answers on their way out: JSON or YAML, compressed where it pays, streamed for watches.

use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use futures_util::stream;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::BoxBody};
use hyper::{HeaderMap, Response, StatusCode, body::Frame, header};
use serde_json::Value;

use crate::status::ApiError;

/// The body of every answer; its error breaks the connection.
pub(crate) type Body = BoxBody<Bytes, io::Error>;

/// Answers below this size go uncompressed, as upstream has it.
const COMPRESS_FROM: usize = 128 * 1024;

/// A whole body.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}

/// An answer with a body of that type.
pub(crate) fn with_body(
    code: u16,
    content_type: &str,
    bytes: Vec<u8>,
    request: &HeaderMap,
) -> Response<Body> {
    let compressed = (accepts_gzip(request) && bytes.len() >= COMPRESS_FROM)
        .then(|| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&bytes).and_then(|()| encoder.finish()).ok()
        })
        .flatten();
    let gzip = compressed.is_some();
    let mut response = Response::new(full(compressed.unwrap_or(bytes)));
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    label(&mut response, content_type, gzip);
    response
}

fn accepts_gzip(request: &HeaderMap) -> bool {
    let accepted = request.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("gzip"))
}

fn label(response: &mut Response<Body>, content_type: &str, gzip: bool) {
    let headers = response.headers_mut();
    let set = |headers: &mut HeaderMap, name, value: &str| {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    };
    set(headers, header::CONTENT_TYPE, content_type);
    set(headers, header::CACHE_CONTROL, "no-cache, private");
    if gzip {
        set(headers, header::CONTENT_ENCODING, "gzip");
        set(headers, header::VARY, "Accept-Encoding");
    }
}

/// An answer of one object.
pub(crate) fn object(code: u16, value: &Value, yaml: bool, request: &HeaderMap) -> Response<Body> {
    if yaml && let Ok(text) = serde_saphyr::to_string(value) {
        return with_body(code, "application/yaml", text.into_bytes(), request);
    }
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    bytes.push(b'\n');
    with_body(code, "application/json", bytes, request)
}

/// An answer of JSON that is written already.
pub(crate) fn text(code: u16, mut text: String, yaml: bool, request: &HeaderMap) -> Response<Body> {
    if yaml && let Ok(value) = serde_json::from_str(&text) {
        return object(code, &value, true, request);
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    with_body(code, "application/json", text.into(), request)
}

/// An answer of JSON that is made while it is sent, so that it is never in memory as a whole.
pub(crate) fn pieces(
    mut pieces: impl Iterator<Item = Bytes> + Send + Sync + 'static,
    request: &HeaderMap,
) -> Response<Body> {
    let (first, second) = (pieces.next().unwrap_or_default(), pieces.next());
    let Some(second) = second else {
        return with_body(200, "application/json", first.into(), request);
    };
    let all = [first, second].into_iter().chain(pieces);
    let gzip = accepts_gzip(request);
    let body = if gzip { streamed(Compressed::new(all)) } else { streamed(all) };
    let mut response = Response::new(body);
    label(&mut response, "application/json", gzip);
    response
}

fn streamed(pieces: impl Iterator<Item = Bytes> + Send + Sync + 'static) -> Body {
    StreamBody::new(stream::iter(pieces.map(|piece| Ok(Frame::data(piece))))).boxed()
}

/// Pieces on their way through gzip.
struct Compressed<P> {
    pieces: P,
    encoder: Option<GzEncoder<Vec<u8>>>,
}

impl<P> Compressed<P> {
    fn new(pieces: P) -> Self {
        Self { pieces, encoder: Some(GzEncoder::new(Vec::new(), Compression::fast())) }
    }
}

impl<P: Iterator<Item = Bytes>> Iterator for Compressed<P> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let encoder = self.encoder.as_mut()?;
        // Writing to a Vec cannot fail.
        for piece in self.pieces.by_ref() {
            encoder.write_all(&piece).ok()?;
            if !encoder.get_ref().is_empty() {
                return Some(std::mem::take(encoder.get_mut()).into());
            }
        }
        self.encoder.take()?.finish().ok().map(Bytes::from)
    }
}

/// An answer that is an error.
pub(crate) fn error(error: &ApiError, request: &HeaderMap) -> Response<Body> {
    let mut response = if error.plain {
        let text = error.message.clone().into_bytes();
        with_body(error.code, "text/plain; charset=utf-8", text, request)
    } else {
        object(error.code, &error.to_status(), false, request)
    };
    if let Some(wait) = error.wait() {
        response.headers_mut().insert(header::RETRY_AFTER, wait.into());
    }
    response
}

#[cfg(test)]
mod tests {
    use hyper::{HeaderMap, header};

    use super::{COMPRESS_FROM, with_body};

    #[test]
    fn large_answers_are_compressed_for_who_reads_that() {
        let mut request = HeaderMap::new();
        let encoding = |request: &HeaderMap, size: usize| {
            let response = with_body(200, "text/plain", vec![b' '; size], request);
            response.headers().get(header::CONTENT_ENCODING).cloned()
        };
        assert_eq!(encoding(&request, COMPRESS_FROM), None);
        request.insert(header::ACCEPT_ENCODING, "gzip".parse().unwrap());
        assert_eq!(encoding(&request, COMPRESS_FROM - 1), None);
        assert_eq!(encoding(&request, COMPRESS_FROM).unwrap(), "gzip");
    }
}
