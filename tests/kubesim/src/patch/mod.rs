//! The four kinds of PATCH.

mod apply;
mod list_kind;
mod managed;
mod strategic;

use serde_json::Value;

pub(crate) use apply::{Applied, apply};
pub(crate) use list_kind::Shape;
pub(crate) use managed::{Manager, track};
pub(crate) use strategic::merge as strategic_merge;

use crate::status::{ApiError, ApiResult};

/// What a PATCH request's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatchKind {
    /// RFC 6902.
    Json,
    /// RFC 7386.
    Merge,
    /// Kubernetes' own, for built-in kinds.
    Strategic,
    /// Server-side apply.
    Apply,
}

impl PatchKind {
    /// By the content type.
    pub(crate) fn of(content_type: &str, custom: bool) -> ApiResult<Self> {
        match content_type {
            "application/json-patch+json" => Ok(Self::Json),
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/strategic-merge-patch+json" if !custom => Ok(Self::Strategic),
            "application/apply-patch+yaml" => Ok(Self::Apply),
            _ => {
                let mut known = vec!["application/json-patch+json", "application/merge-patch+json"];
                if !custom {
                    known.push("application/strategic-merge-patch+json");
                }
                known.push("application/apply-patch+yaml");
                Err(ApiError::unsupported_media(&known))
            }
        }
    }
}

/// Applies an RFC 6902 patch.
pub(crate) fn json_patch(object: &mut Value, patch: &Value) -> ApiResult<()> {
    let patch: json_patch::Patch = serde_json::from_value(patch.clone())
        .map_err(|error| ApiError::bad_request(format!("error decoding patch: {error}")))?;
    json_patch::patch(object, &patch).map_err(|_| {
        // The one failure of a patch that a real server keeps to itself.
        ApiError::new(
            422,
            "Invalid",
            "the server rejected our request due to an error in our request",
        )
    })
}

/// Applies an RFC 7386 patch.
pub(crate) fn merge_patch(object: &mut Value, patch: &Value) {
    json_patch::merge(object, patch);
}
