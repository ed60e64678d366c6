//! Certificates and keys, from a file or as base64 in the kubeconfig itself.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use rustls::RootCertStore;
use secrecy::SecretString;

use super::{KubeconfigError, files::Place};

/// A PEM text, and where it comes from.
pub(super) struct Pem {
    pub(super) text: Vec<u8>,
    what: &'static str,
    path: Option<PathBuf>,
    pub(super) place: Place,
}

impl Pem {
    /// Reads `FIELD-data`, or the file that `FIELD` names.
    pub(super) fn of_entry(
        field: &str,
        what: &'static str,
        data: Option<&str>,
        file: Option<&str>,
        place: &Place,
    ) -> Result<Option<Self>, KubeconfigError> {
        let wrong = |reason| Err(KubeconfigError::Setting { place: place.clone(), reason });
        let given = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        match (given(data), given(file)) {
            (None, None) => Ok(None),
            (None, Some(file)) => Self::of_file(Path::new(&file), what, place.clone()).map(Some),
            // Nor does kubectl take both.
            (Some(_), Some(_)) => wrong(format!("{field} and {field}-data exclude each other")),
            (Some(mut data), None) => {
                // Go's decoder passes over line ends, and people wrap long lines.
                data.retain(|letter| !matches!(letter, '\n' | '\r'));
                match STANDARD.decode(data) {
                    Err(_) => wrong(format!("{field}-data is not base64")),
                    Ok(text) => Ok(Some(Self { text, what, path: None, place: place.clone() })),
                }
            }
        }
    }

    /// Reads a file.
    pub(super) fn of_file(
        path: &Path,
        what: &'static str,
        place: Place,
    ) -> Result<Self, KubeconfigError> {
        match fs::read(path) {
            Ok(text) => Ok(Self { text, what, path: Some(path.to_owned()), place }),
            Err(source) => {
                Err(KubeconfigError::File { place, what, path: path.to_owned(), source })
            }
        }
    }

    /// The certificates, DER.
    pub(super) fn certificates(&self) -> Result<Vec<Vec<u8>>, KubeconfigError> {
        let found: Vec<Vec<u8>> = self
            .blocks()?
            .into_iter()
            .filter(|block| block.tag() == "CERTIFICATE")
            .map(::pem::Pem::into_contents)
            .collect();
        if found.is_empty() {
            return Err(self.wrong("holds no certificate"));
        }
        Ok(found)
    }

    /// The certificates that can vouch for a server, DER. Like Go, passes over those of a bundle that
    /// are of no use.
    pub(super) fn authorities(&self) -> Result<Vec<Vec<u8>>, KubeconfigError> {
        let mut found = self.certificates()?;
        found.retain(|der| RootCertStore::empty().add(der.as_slice().into()).is_ok());
        if found.is_empty() {
            return Err(self.wrong("holds no certificate that can be read"));
        }
        Ok(found)
    }

    /// The text, which holds a private key.
    pub(super) fn private_key(self) -> Result<SecretString, KubeconfigError> {
        // PKCS #8, or the older forms with the algorithm before it.
        if !self.blocks()?.iter().any(|block| block.tag().ends_with("PRIVATE KEY")) {
            return Err(self.wrong("holds no private key"));
        }
        let wrong = self.wrong("is not text");
        String::from_utf8(self.text).map(SecretString::from).map_err(|_| wrong)
    }

    fn blocks(&self) -> Result<Vec<::pem::Pem>, KubeconfigError> {
        ::pem::parse_many(&self.text).map_err(|_| self.wrong("is not PEM"))
    }

    /// What is wrong with it, without its text, which may be secret.
    pub(super) fn wrong(&self, reason: &str) -> KubeconfigError {
        let what = match &self.path {
            Some(path) => format!("{} {}", self.what, path.display()),
            None => self.what.to_owned(),
        };
        let reason = format!("the {what} {reason}");
        KubeconfigError::Setting { place: self.place.clone(), reason }
    }
}
