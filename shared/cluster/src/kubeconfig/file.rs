//! One kubeconfig file, as client-go reads it.
//!
//! kube's own reader refuses a whole file for what client-go passes over (a context without a
//! cluster, a key that stands twice), takes what client-go refuses (two entries with one name), and
//! shows the lines around a mistake, which may hold keys.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{MAIN_SEPARATOR, Path, PathBuf},
};

use kube::config::{AuthInfo, Cluster, NamedAuthInfo, NamedCluster};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;
use serde_saphyr::DuplicateKeyPolicy;

use super::KubeconfigError;

/// What of a kubeconfig matters for a connection.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct File {
    kind: Option<String>,
    #[serde(rename = "apiVersion")]
    api_version: Option<String>,
    #[serde(rename = "current-context")]
    pub(super) current_context: Option<String>,
    #[serde(deserialize_with = "null_is_default")]
    pub(super) contexts: Vec<NamedContext>,
    #[serde(deserialize_with = "null_is_default")]
    pub(super) clusters: Vec<NamedCluster>,
    #[serde(deserialize_with = "null_is_default")]
    pub(super) users: Vec<NamedAuthInfo>,
}

/// A context and its name.
#[derive(Deserialize)]
pub(super) struct NamedContext {
    pub(super) name: String,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(super) context: Context,
}

/// Which cluster and which user belong together.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Context {
    pub(super) cluster: Option<String>,
    pub(super) user: Option<String>,
}

fn null_is_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl File {
    /// Reads a file; relative paths in it are relative to its folder.
    pub(super) fn read(path: &Path) -> Result<Self, KubeconfigError> {
        let text = fs::read(path)
            .and_then(|bytes| decode(&bytes))
            .map_err(|source| KubeconfigError::Unreadable { path: path.to_owned(), source })?;
        let mut file = Self::parse(&text)
            .map_err(|reason| KubeconfigError::Malformed { path: path.to_owned(), reason })?;
        file.resolve_paths(path.parent().unwrap_or(Path::new("")));
        Ok(file)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file = first_document::<Self>(text).map_err(|error| {
            // The reader's own words quote the text, which may be secret.
            let what = match first_document::<Value>(text) {
                Ok(_) => "there is a value that does not belong there",
                Err(_) => "it is not YAML",
            };
            error.location().map_or_else(
                || what.to_owned(),
                |at| format!("{what} (line {}, column {})", at.line(), at.column()),
            )
        })?;
        let Some(file) = file else { return Ok(Self::default()) };
        let is_other = |given: &Option<String>, expected| {
            given.as_deref().is_some_and(|given| !given.is_empty() && given != expected)
        };
        if is_other(&file.kind, "Config") || is_other(&file.api_version, "v1") {
            return Err("its kind and apiVersion are not Config and v1".into());
        }
        unique("clusters", file.clusters.iter().map(|entry| &entry.name))?;
        unique("users", file.users.iter().map(|entry| &entry.name))?;
        unique("contexts", file.contexts.iter().map(|entry| &entry.name))?;
        Ok(file)
    }

    fn resolve_paths(&mut self, folder: &Path) {
        let resolve = |path: &mut Option<String>| {
            if let Some(path) = path.as_mut().filter(|path| !path.is_empty()) {
                let whole: PathBuf = folder.join(&*path).components().collect();
                *path = whole.to_string_lossy().into_owned();
            }
        };
        for Cluster { certificate_authority, .. } in
            self.clusters.iter_mut().filter_map(|entry| entry.cluster.as_mut())
        {
            resolve(certificate_authority);
        }
        for AuthInfo { client_certificate, client_key, token_file, exec, .. } in
            self.users.iter_mut().filter_map(|entry| entry.auth_info.as_mut())
        {
            resolve(client_certificate);
            resolve(client_key);
            resolve(token_file);
            // A bare name is looked for in PATH.
            if let Some(exec) = exec
                && exec.command.as_ref().is_some_and(|command| command.contains(MAIN_SEPARATOR))
            {
                resolve(&mut exec.command);
            }
        }
    }
}

/// The text of a file; Windows' editors and shells mark theirs, and write UTF-16.
fn decode(bytes: &[u8]) -> io::Result<String> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().copied().map(unit).collect();
        String::from_utf16(&units).map_err(|_| io::ErrorKind::InvalidData.into())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => {
            String::from_utf8(rest.to_vec()).map_err(|_| io::ErrorKind::InvalidData.into())
        }
    }
}

/// The first document, like client-go, and of a key that stands twice the last.
fn first_document<T: DeserializeOwned>(text: &str) -> Result<Option<T>, serde_saphyr::Error> {
    let options = serde_saphyr::options! { duplicate_keys: DuplicateKeyPolicy::LastWins };
    Ok(serde_saphyr::from_multiple_with_options(text, options)?.into_iter().next())
}

fn unique<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(format!("two of its {what} are named \"{name}\""));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{File, decode};

    fn refused(text: &str) -> String {
        match File::parse(text) {
            Ok(_) => panic!("{text}"),
            Err(reason) => reason,
        }
    }

    #[test]
    fn what_client_go_passes_over_is_passed_over() {
        for text in [
            "",
            "# nothing",
            "clusters: null",
            "contexts: [{name: a}]",
            "contexts: [{name: a, context: null}]",
            "contexts: [{name: a, context: {user: b}}]",
            "unknown: 1",
            "current-context: a\ncurrent-context: b",
            "{}\n---\nkind: Other",
        ] {
            assert!(File::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn mistakes_are_told_by_their_place_alone() {
        assert_eq!(
            refused("users:\n- name: a\n  user: {token: [s3cret]}"),
            "there is a value that does not belong there (line 3, column 17)"
        );
        assert_eq!(
            refused("users: s3cret"),
            "there is a value that does not belong there (line 1, column 8)"
        );
        assert_eq!(refused("a: 's3cret"), "it is not YAML (line 1, column 4)");
        assert_eq!(refused("users: [{name: a}, {name: a}]"), "two of its users are named \"a\"");
        assert_eq!(refused("kind: Pod"), "its kind and apiVersion are not Config and v1");
    }

    #[test]
    fn files_of_windows_are_read() {
        assert_eq!(decode(b"\xef\xbb\xbfa").unwrap(), "a");
        assert_eq!(decode(b"\xff\xfea\0").unwrap(), "a");
        assert_eq!(decode(b"\xfe\xff\0a").unwrap(), "a");
        assert!(decode(b"\xc0").is_err());
    }
}
