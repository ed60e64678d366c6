//! One difference.

use serde::{Deserialize, Serialize};

/// Something that is not Cilium's, and not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What it is, such as `link eth0` or `IPv4 chain FORWARD in filter (nft)`.
    pub what: String,
    /// How it was, empty where its being there is all; none where it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// How it is; none where it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, before, after } = self;
        match (before.as_deref(), after.as_deref()) {
            (Some(before), Some(after)) => write!(f, "{what}: was {before}, is {after}"),
            (Some(""), None) => write!(f, "{what}: gone"),
            (None, Some("")) => write!(f, "{what}: new"),
            (Some(before), None) => write!(f, "{what}: gone: {before}"),
            (None, Some(after)) => write!(f, "{what}: new: {after}"),
            (None, None) => write!(f, "{what}: in another order"),
        }
    }
}
