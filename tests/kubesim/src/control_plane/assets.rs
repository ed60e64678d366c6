//! Where etcd and kube-apiserver are, and what becomes of tests where they are not.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

/// The variable that names the directory; other test environments for Kubernetes go by it too.
const VARIABLE: &str = "KUBEBUILDER_ASSETS";

/// The programs of a control plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assets {
    /// etcd.
    pub(super) etcd: PathBuf,
    /// kube-apiserver.
    pub(super) apiserver: PathBuf,
}

impl Assets {
    /// The programs in the directory that `KUBEBUILDER_ASSETS` names.
    pub fn from_environment() -> Result<Self> {
        let directory = named().with_context(missing)?;
        // The programs are started elsewhere.
        let directory = std::path::absolute(&directory).context(VARIABLE)?;
        Self::in_directory(&directory)
    }

    fn in_directory(directory: &Path) -> Result<Self> {
        let program = |name: &str| {
            let path = directory.join(name);
            ensure!(path.is_file(), "{VARIABLE} is {}, which holds no {name}", directory.display());
            Ok(path)
        };
        Ok(Self { etcd: program("etcd")?, apiserver: program("kube-apiserver")? })
    }
}

/// What the variable says; other test environments take an empty one for none, too.
fn named() -> Option<PathBuf> {
    env::var_os(VARIABLE).filter(|directory| !directory.is_empty()).map(PathBuf::from)
}

fn missing() -> String {
    format!("{VARIABLE} is not set: a directory with etcd and kube-apiserver")
}

/// The programs of a real control plane; to be asked first in every test that needs one.
///
/// ```no_run
/// let Some(assets) = kubesim::require_real_apiserver() else { return };
/// ```
///
/// Where `KUBEBUILDER_ASSETS` is not set or empty, it prints `skipped:` and the reason. That is no failure
/// even in CI: the same cases run on kubesim everywhere.
///
/// # Panics
///
/// Where `KUBEBUILDER_ASSETS` is set, and does not hold them.
#[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
pub fn require_real_apiserver() -> Option<Assets> {
    if named().is_none() {
        eprintln!("skipped: {}", missing());
        return None;
    }
    match Assets::from_environment() {
        Ok(assets) => Some(assets),
        Err(error) => panic!("{error:#}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let complaint = || Assets::in_directory(directory.path()).unwrap_err().to_string();
        let path = directory.path().display().to_string();
        assert_eq!(complaint(), format!("KUBEBUILDER_ASSETS is {path}, which holds no etcd"));
        std::fs::write(directory.path().join("etcd"), "").unwrap();
        assert!(complaint().ends_with("which holds no kube-apiserver"));
        std::fs::write(directory.path().join("kube-apiserver"), "").unwrap();
        assert!(Assets::in_directory(directory.path()).is_ok());
    }
}
