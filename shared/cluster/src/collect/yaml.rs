//! YAML inside ConfigMaps.

use serde_json::Value;

/// Reads YAML as kubeadm and kubectl do.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    serde_saphyr::from_str(text).map_err(|error| {
        // The reader shows the lines round the mistake; the first line says where it is.
        error.to_string().lines().next().unwrap_or_default().to_owned()
    })
}
