//! Events.

use serde::{Deserialize, Serialize};

/// An Event, of either API (`v1`, `events.k8s.io/v1`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Such as `FailedCreatePodSandBox`.
    pub reason: String,
    /// What happened, in prose; redacted.
    pub message: String,
    /// How often it happened; at least 1.
    pub count: u32,
    /// When it happened first, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<String>,
    /// When it happened last, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
    /// What it is about.
    pub object: ObjectReference,
    /// Who reports it: `kubelet`, `default-scheduler` …
    pub source: String,
    /// Host of the one who reports it; for a kubelet its node.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
}

/// An object by kind and name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectReference {
    /// Kind, such as `Pod`.
    pub kind: String,
    /// Namespace; empty for what has none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name.
    pub name: String,
}
