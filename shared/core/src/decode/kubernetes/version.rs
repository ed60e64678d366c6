//! `/version`.

use serde::Deserialize;

use crate::{decode::DecodeError, facts::KubernetesVersion};

/// Reads what `/version` answers, or what `kubectl version -o json` prints.
///
/// # Errors
/// When it says no `gitVersion`.
pub fn version(json: &[u8]) -> Result<KubernetesVersion, DecodeError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Raw {
        server_version: Option<Version>,
        #[serde(flatten)]
        version: Option<Version>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        git_version: String,
        #[serde(default)]
        platform: String,
    }

    let raw: Raw = serde_json::from_slice(json)?;
    let version = raw.server_version.or(raw.version);
    let version = version.ok_or_else(|| DecodeError::new("the field `gitVersion` is missing"))?;
    Ok(KubernetesVersion { git_version: version.git_version, platform: version.platform })
}
