//! The kubeconfig files, and which entry stands in which.

use std::{
    env, fmt, fs, io,
    path::{Path, PathBuf},
};

use kube::config::{AuthInfo, Cluster, Context, Kubeconfig};

use super::{ConnectionFlags, Environment, KubeconfigError, Origin, choice::Entry};

/// Where a setting stands, for people who have to change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An entry of a file, such as `cluster "home"`.
    Entry {
        /// `cluster` or `user`.
        kind: &'static str,
        /// Name of the entry.
        name: String,
        /// The file.
        file: PathBuf,
    },
    /// A flag, with its dashes.
    Flag(&'static str),
    /// An environment variable.
    Variable(&'static str),
    /// The service account that the pod was given.
    ServiceAccount,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry { kind, name, file } => {
                write!(f, "{kind} \"{name}\" in {}", file.display())
            }
            Self::Flag(flag) => f.write_str(flag),
            Self::Variable(name) => write!(f, "the environment variable {name}"),
            Self::ServiceAccount => f.write_str("the pod's service account"),
        }
    }
}

/// The files, read and merged.
pub(super) struct Files {
    /// All files in one: of two entries with one name the first wins.
    pub(super) config: Kubeconfig,
    read: Vec<(PathBuf, Names)>,
    sought: Vec<PathBuf>,
}

struct Names {
    clusters: Vec<String>,
    users: Vec<String>,
}

impl Files {
    /// Reads `--kubeconfig`, or the files of `KUBECONFIG`, or `~/.kube/config`. Missing files are
    /// skipped, but for one that a flag names.
    pub(super) fn read(
        flags: &ConnectionFlags,
        environment: &Environment,
    ) -> Result<Self, KubeconfigError> {
        let explicit = flags.kubeconfig.as_deref().filter(|path| !path.as_os_str().is_empty());
        let sought: Vec<PathBuf> = match (explicit, &environment.kubeconfig) {
            (Some(path), _) => vec![path.to_owned()],
            (None, Some(list)) => {
                env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect()
            }
            (None, None) => {
                environment.home.iter().map(|home| home.join(".kube").join("config")).collect()
            }
        };
        let mut files = Self { config: Kubeconfig::default(), read: Vec::new(), sought };
        for path in files.sought.clone() {
            match read_file(&path) {
                Err(KubeconfigError::Unreadable { source, .. })
                    if source.kind() == io::ErrorKind::NotFound && explicit.is_none() => {}
                Err(error) => return Err(error),
                Ok(config) => files.add(path, config)?,
            }
        }
        Ok(files)
    }

    fn add(&mut self, path: PathBuf, config: Kubeconfig) -> Result<(), KubeconfigError> {
        let names = Names {
            clusters: config.clusters.iter().map(|entry| entry.name.clone()).collect(),
            users: config.auth_infos.iter().map(|entry| entry.name.clone()).collect(),
        };
        self.config = std::mem::take(&mut self.config).merge(config).map_err(|error| {
            KubeconfigError::Malformed { path: path.clone(), reason: error.to_string() }
        })?;
        self.read.push((path, names));
        Ok(())
    }

    pub(super) fn origin(&self) -> Origin {
        if self.read.is_empty() {
            return Origin::Flags;
        }
        Origin::Files(self.read.iter().map(|(path, _)| path.clone()).collect())
    }

    /// The files that were read, or those that were looked for in vain, for a message.
    pub(super) fn shown(&self) -> String {
        let shown = |paths: &mut dyn Iterator<Item = &PathBuf>| {
            paths.map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
        };
        if self.read.is_empty() {
            shown(&mut self.sought.iter())
        } else {
            shown(&mut self.read.iter().map(|(path, _)| path))
        }
    }

    pub(super) fn context(&self, name: &str) -> Option<&Context> {
        let entry = self.config.contexts.iter().find(|entry| entry.name == name)?;
        entry.context.as_ref()
    }

    fn context_names(&self) -> Vec<String> {
        self.config.contexts.iter().map(|entry| entry.name.clone()).collect()
    }

    pub(super) fn cluster(&self, name: &str) -> Option<Entry<Cluster>> {
        let entry = self.config.clusters.iter().find(|entry| entry.name == name)?;
        let file = self.file_with(|names| names.clusters.iter().any(|known| known == name));
        Some(Entry {
            name: name.to_owned(),
            place: Place::Entry { kind: "cluster", name: name.to_owned(), file },
            value: entry.cluster.clone().unwrap_or_default(),
        })
    }

    pub(super) fn user(&self, name: &str) -> Option<Entry<AuthInfo>> {
        let entry = self.config.auth_infos.iter().find(|entry| entry.name == name)?;
        let file = self.file_with(|names| names.users.iter().any(|known| known == name));
        Some(Entry {
            name: name.to_owned(),
            place: Place::Entry { kind: "user", name: name.to_owned(), file },
            value: entry.auth_info.clone().unwrap_or_default(),
        })
    }

    fn file_with(&self, has: impl Fn(&Names) -> bool) -> PathBuf {
        self.read
            .iter()
            .find(|(_, names)| has(names))
            .map(|(path, _)| path.clone())
            .unwrap_or_default()
    }

    /// Why there is no cluster to connect to.
    pub(super) fn lead_nowhere(&self) -> KubeconfigError {
        if self.config.contexts.is_empty() {
            return KubeconfigError::NoConfiguration { files: self.shown() };
        }
        KubeconfigError::NoCurrentContext { files: self.shown(), known: self.context_names() }
    }

    pub(super) fn no_such_context(&self, name: &str) -> KubeconfigError {
        KubeconfigError::NoSuchContext {
            name: name.to_owned(),
            files: self.shown(),
            known: self.context_names(),
        }
    }
}

/// Reads a file; an empty `current-context` is none.
fn read_file(path: &Path) -> Result<Kubeconfig, KubeconfigError> {
    // kube's own error tells no missing file from a broken one.
    fs::metadata(path)
        .and_then(
            |found| if found.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(()) },
        )
        .map_err(|source| KubeconfigError::Unreadable { path: path.to_owned(), source })?;
    let mut config = Kubeconfig::read_from(path).map_err(|error| match error {
        kube::config::KubeconfigError::ReadConfig(source, path) => {
            KubeconfigError::Unreadable { path, source }
        }
        error => KubeconfigError::Malformed {
            path: path.to_owned(),
            reason: without_secrets(&error.to_string()),
        },
    })?;
    config.current_context = config.current_context.filter(|name| !name.is_empty());
    Ok(config)
}

/// The YAML reader shows the lines around a mistake, and in a kubeconfig these may hold keys. The
/// first line says where and what.
fn without_secrets(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_end_matches(':').to_owned()
}
