//! Why there is no connection to be had from what was configured.

use std::{io, path::PathBuf};

use super::files::Place;

/// Why flags, kubeconfig and environment lead to no API server.
#[derive(Debug, thiserror::Error)]
pub enum KubeconfigError {
    /// A kubeconfig file cannot be read.
    #[error("cannot read the kubeconfig {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A kubeconfig file is no kubeconfig.
    #[error("{} is not a kubeconfig: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, without the file's text, which may be secret.
        reason: String,
    },
    /// There is no kubeconfig, and this is no pod.
    #[error("no cluster to connect to: no kubeconfig is there ({files})")]
    NoConfiguration {
        /// Where it was looked for.
        files: String,
    },
    /// The kubeconfig has nothing to choose from.
    #[error("no cluster to connect to: there is no context in {files}")]
    Empty {
        /// The files.
        files: String,
    },
    /// The kubeconfig has contexts, and none is the current one.
    #[error("no context is chosen in {files}; it has: {}", known.join(", "))]
    NoCurrentContext {
        /// The files.
        files: String,
        /// The contexts that there are.
        known: Vec<String>,
    },
    /// There is no context of that name.
    #[error("context \"{name}\", which {asked_by} names, is not in {files}{}", listed(known))]
    NoSuchContext {
        /// The name.
        name: String,
        /// `--context` or `current-context`.
        asked_by: &'static str,
        /// The files.
        files: String,
        /// The contexts that there are.
        known: Vec<String>,
    },
    /// There is no cluster of that name.
    #[error("cluster \"{name}\", which {asked_by} names, is not in {files}")]
    NoSuchCluster {
        /// The name.
        name: String,
        /// The flag or the context that names it.
        asked_by: String,
        /// The files.
        files: String,
    },
    /// There is no user of that name.
    #[error("user \"{name}\", which {asked_by} names, is not in {files}")]
    NoSuchUser {
        /// The name.
        name: String,
        /// The flag or the context that names it.
        asked_by: String,
        /// The files.
        files: String,
    },
    /// The API server's address cannot be understood.
    #[error("{place}: the server \"{url}\" {reason}")]
    BadServer {
        /// As it is written.
        url: String,
        /// Where it stands.
        place: Place,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file that the kubeconfig or a flag names cannot be read.
    #[error("{place}: cannot read the {what} {}", path.display())]
    File {
        /// Where the file is named.
        place: Place,
        /// What it holds.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A setting that makes no sense.
    #[error("{place}: {reason}")]
    Setting {
        /// Where it stands.
        place: Place,
        /// What is wrong.
        reason: String,
    },
}

fn listed(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!("; it has: {}", known.join(", ")) }
}

impl KubeconfigError {
    /// What the reader can do.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoConfiguration { .. } | Self::Empty { .. } => {
                Some("--kubeconfig FILE or the environment variable KUBECONFIG says where it is")
            }
            Self::NoCurrentContext { .. } => {
                Some("--context NAME chooses one, `kubectl config use-context NAME` for good")
            }
            Self::NoSuchContext { .. } => Some("`kubectl config get-contexts` lists them"),
            _ => None,
        }
    }
}
