//! What people wrote, put back after Cilium was installed again.

use std::path::Path;

use kcilium_core::removal::ObjectRef;
use serde_json::Value;

use super::{
    backup::{Backup, BackupError, RESOURCES},
    discovery::Discovery,
    documents::documents,
};
use crate::{Api, ApiError};

/// What became of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restored {
    /// It was created.
    Created(ObjectRef),
    /// One of its name is there, and was left as it is.
    Exists(ObjectRef),
    /// It is not there, and why.
    Failed {
        /// Which, as far as its file says.
        what: String,
        /// Why.
        why: String,
    },
}

/// Creates what is in backups and not in the cluster. `tell` is told of each object.
///
/// # Errors
/// When a file cannot be read.
pub async fn restore(
    api: &Api,
    backups: &[Backup],
    tell: &mut dyn FnMut(Restored),
) -> Result<(), BackupError> {
    let mut discovery = Discovery::new(api);
    // The last run knows best, but for what earlier ones had deleted.
    for backup in backups.iter().rev() {
        for (name, _) in &backup.index.resources {
            if !is_within(name) {
                continue;
            }
            let path = backup.folder.join(name);
            let text = std::fs::read_to_string(&path)
                .map_err(|source| BackupError::Io { path: path.clone(), source })?;
            for document in documents(&text) {
                tell(object(api, &mut discovery, document, name).await);
            }
        }
    }
    Ok(())
}

/// Whether a file is where backups have theirs: an index may have been written by anybody.
fn is_within(name: &str) -> bool {
    name.strip_prefix(RESOURCES)
        .and_then(|rest| rest.strip_prefix('/'))
        .is_some_and(|file| Path::new(file).file_name().is_some_and(|plain| plain == file))
}

async fn object(api: &Api, discovery: &mut Discovery<'_>, document: &str, file: &str) -> Restored {
    let failed = |what: &str, why: String| Restored::Failed { what: what.to_owned(), why };
    let object: Value = match serde_saphyr::from_str(document) {
        Ok(object) => object,
        Err(error) => return failed(file, error.to_string()),
    };
    let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("/apiVersion"), text("/kind"));
    let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
    let what = format!("{kind} {namespace}/{name}");
    let place = match discovery.place(api_version, kind, namespace, name).await {
        Ok(Some(place)) => place,
        Ok(None) => {
            return failed(&what, format!("the server has no {kind} of {api_version}"));
        }
        Err(error) => return failed(&what, error.to_string()),
    };
    match api.add(&place.collection(), &object).await {
        Ok(_) => Restored::Created(place),
        Err(ApiError::AlreadyExists { .. }) => Restored::Exists(place),
        Err(error) => failed(&what, error.to_string()),
    }
}
