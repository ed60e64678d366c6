//! What a kubeconfig can be asked for by name.

use super::{ConnectionFlags, Environment, KubeconfigError, files::Files};

/// The names of all entries, in the order of the files; a name that several files give stands once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Of contexts.
    pub contexts: Vec<String>,
    /// Of clusters.
    pub clusters: Vec<String>,
    /// Of users.
    pub users: Vec<String>,
}

impl Names {
    /// Reads the files that flags and environment name.
    ///
    /// # Errors
    /// When a file cannot be read or understood.
    pub fn read(
        flags: &ConnectionFlags,
        environment: &Environment,
    ) -> Result<Self, KubeconfigError> {
        let files = Files::read(&flags.given(), environment)?;
        Ok(Self { contexts: files.contexts(), clusters: files.clusters(), users: files.users() })
    }
}
