//! The body of a request.

use hyper::header;
use serde_json::Value;

use super::Asked;
use crate::{
    protobuf,
    status::{ApiError, ApiResult},
};

/// The body as an object, empty for none.
pub(super) fn read(asked: &Asked) -> ApiResult<Value> {
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

/// The media type of the body, without its parameters.
pub(super) fn content_type(asked: &Asked) -> String {
    let value = asked.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned()
}
