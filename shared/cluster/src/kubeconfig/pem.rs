//! Certificates and keys, from a file or as base64 in the kubeconfig itself.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{KubeconfigError, files::Place};

/// Reads `FIELD-data`, or the file that `FIELD` names. Data wins, as in client-go.
pub(super) fn data_or_file(
    field: &str,
    what: &'static str,
    data: Option<&str>,
    file: Option<&str>,
    place: &Place,
) -> Result<Option<Vec<u8>>, KubeconfigError> {
    if let Some(data) = data.filter(|data| !data.is_empty()) {
        return STANDARD.decode(data).map(Some).map_err(|error| KubeconfigError::Setting {
            place: place.clone(),
            reason: format!("{field}-data is not base64: {error}"),
        });
    }
    file.filter(|file| !file.is_empty()).map(|file| read(Path::new(file), what, place)).transpose()
}

/// Reads a file.
pub(super) fn read(
    path: &Path,
    what: &'static str,
    place: &Place,
) -> Result<Vec<u8>, KubeconfigError> {
    fs::read(path).map_err(|source| KubeconfigError::File {
        place: place.clone(),
        what,
        path: path.to_owned(),
        source,
    })
}

/// The certificates in a PEM text, DER.
pub(super) fn certificates(
    text: &[u8],
    what: &str,
    place: &Place,
) -> Result<Vec<Vec<u8>>, KubeconfigError> {
    let wrong = |reason| KubeconfigError::Setting { place: place.clone(), reason };
    let found: Vec<Vec<u8>> = ::pem::parse_many(text)
        .map_err(|error| wrong(format!("the {what} is not PEM: {error}")))?
        .into_iter()
        .filter(|block| block.tag() == "CERTIFICATE")
        .map(::pem::Pem::into_contents)
        .collect();
    if found.is_empty() {
        return Err(wrong(format!("the {what} holds no certificate")));
    }
    Ok(found)
}
