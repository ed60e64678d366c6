//! What Helm keeps of a release.

use std::io::{Read as _, Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use kcilium_core::removal::{ObjectRef, ReleaseFound};
use serde_json::{Value, json};

use super::{Failure, Work, words};
use crate::{ApiError, Form, Patch};

/// The largest record that is rewritten, bytes.
const LARGEST: u64 = 64 << 20;

/// Why a release's history stays for now.
const NEEDED: &str = "kept, because not all of it is gone: a second run needs it";

impl Work<'_> {
    /// Deletes the revisions, the newest last: it says what the release is made of.
    pub(super) async fn forget(&self, release: &ReleaseFound) -> Result<(), Failure> {
        if self.has_failed() {
            return Err(NEEDED.into());
        }
        for record in &release.records {
            self.delete(record).await?;
        }
        Ok(())
    }

    /// Marks the newest revision as `helm uninstall --keep-history` does.
    pub(super) async fn mark_uninstalled(&self, release: &ReleaseFound) -> Result<(), Failure> {
        if self.has_failed() {
            return Err(NEEDED.into());
        }
        match release.records.last() {
            None => Ok(()),
            Some(record) => self.mark(record).await.map_err(|error| words(&error)),
        }
    }

    async fn mark(&self, record: &ObjectRef) -> Result<(), ApiError> {
        let path = record.path();
        let object: Value = read(&self.api.get(&path, Form::Json).await?)?;
        let layers = if record.kind == "Secret" { 2 } else { 1 };
        let data = object.pointer("/data/release").and_then(Value::as_str).unwrap_or_default();
        let mut bytes = data.as_bytes().to_vec();
        for _ in 0..layers {
            bytes = STANDARD.decode(bytes.trim_ascii()).map_err(|error| unreadable(&error))?;
        }
        let mut text = Vec::new();
        let inflated = GzDecoder::new(&bytes[..]).take(LARGEST).read_to_end(&mut text);
        inflated.map_err(|error| unreadable(&error))?;
        let mut content: Value = read(&text)?;
        let now = self.api.server_time().to_string();
        content["info"]["status"] = json!("uninstalled");
        content["info"]["deleted"] = json!(now);
        content["info"]["description"] = json!("Uninstallation complete");
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        let written = gzip.write_all(content.to_string().as_bytes()).and_then(|()| gzip.finish());
        let mut data = STANDARD.encode(written.map_err(|error| unreadable(&error))?);
        for _ in 1..layers {
            data = STANDARD.encode(data);
        }
        let version = &object["metadata"]["resourceVersion"];
        let change = json!({
            "metadata": {"resourceVersion": version, "labels": {"status": "uninstalled"}},
            "data": {"release": data},
        });
        self.api.patch(&path, Patch::Merge, &change).await?;
        Ok(())
    }
}

fn read(json: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(json).map_err(|error| unreadable(&error))
}

fn unreadable(error: &dyn std::fmt::Display) -> ApiError {
    ApiError::Unreadable { reason: error.to_string() }
}
