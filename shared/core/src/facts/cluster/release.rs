//! Helm releases.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A revision of a Helm release.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Release {
    /// Namespace that it was installed into.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Counts installs, upgrades and rollbacks from 1.
    pub revision: u32,
    /// `deployed`, `superseded`, `failed`, `pending-upgrade` …
    pub status: String,
    /// What Helm says about it, such as the reason of a failure; redacted.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Name of the chart: `cilium`, `rke2-cilium`.
    pub chart: String,
    /// Version of the chart.
    pub chart_version: String,
    /// `appVersion` of the chart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub app_version: String,
    /// When this revision was installed, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployed: Option<String>,
    /// What the user set, without the chart's defaults; redacted.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub values: Value,
}
