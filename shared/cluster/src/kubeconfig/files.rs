//! The kubeconfig files, and which entry stands in which.

use std::{env, fmt, io, path::PathBuf};

use kube::config::{AuthInfo, Cluster};

use super::{
    ConnectionFlags, Environment, KubeconfigError, Origin,
    choice::Entry,
    file::{Context, File},
};

/// Where a setting stands, for people who have to change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An entry of a file, such as `cluster "home"`.
    Entry {
        /// `context`, `cluster` or `user`.
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

/// The files, in the order in which they count: of two entries with one name the first wins.
pub(super) struct Files {
    read: Vec<(PathBuf, File)>,
    sought: Vec<PathBuf>,
}

impl Files {
    /// Reads `--kubeconfig`, or the files of `KUBECONFIG`, or `~/.kube/config`. Missing files are
    /// skipped, but for one that a flag names.
    pub(super) fn read(
        flags: &ConnectionFlags,
        environment: &Environment,
    ) -> Result<Self, KubeconfigError> {
        let explicit = flags.kubeconfig.as_deref();
        let sought: Vec<PathBuf> = match (explicit, &environment.kubeconfig) {
            (Some(path), _) => vec![path.to_owned()],
            (None, Some(list)) => {
                env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect()
            }
            (None, None) => {
                environment.home.iter().map(|home| home.join(".kube").join("config")).collect()
            }
        };
        let mut read = Vec::new();
        for path in &sought {
            match File::read(path) {
                Err(KubeconfigError::Unreadable { source, .. })
                    if source.kind() == io::ErrorKind::NotFound && explicit.is_none() => {}
                Err(error) => return Err(error),
                Ok(file) => read.push((path.clone(), file)),
            }
        }
        Ok(Self { read, sought })
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

    /// The first `current-context` that is not empty.
    pub(super) fn current_context(&self) -> Option<&str> {
        let named = self.read.iter().filter_map(|(_, file)| file.current_context.as_deref());
        named.into_iter().find(|name| !name.is_empty())
    }

    pub(super) fn context(&self, name: &str) -> Option<Entry<Context>> {
        self.entry("context", name, |file| {
            let entry = file.contexts.iter().find(|entry| entry.name == name)?;
            Some(entry.context.clone())
        })
    }

    pub(super) fn cluster(&self, name: &str) -> Option<Entry<Cluster>> {
        self.entry("cluster", name, |file| {
            let entry = file.clusters.iter().find(|entry| entry.name == name)?;
            Some(entry.cluster.clone().unwrap_or_default())
        })
    }

    pub(super) fn user(&self, name: &str) -> Option<Entry<AuthInfo>> {
        self.entry("user", name, |file| {
            let entry = file.users.iter().find(|entry| entry.name == name)?;
            Some(entry.auth_info.clone().unwrap_or_default())
        })
    }

    fn entry<T>(
        &self,
        kind: &'static str,
        name: &str,
        find: impl Fn(&File) -> Option<T>,
    ) -> Option<Entry<T>> {
        let (path, value) = self.read.iter().find_map(|(path, file)| Some((path, find(file)?)))?;
        let place = Place::Entry { kind, name: name.to_owned(), file: path.clone() };
        Some(Entry { name: name.to_owned(), place, value })
    }

    /// The names of all contexts.
    pub(super) fn contexts(&self) -> Vec<String> {
        self.names(|file| file.contexts.iter().map(|entry| &entry.name))
    }

    /// The names of all clusters.
    pub(super) fn clusters(&self) -> Vec<String> {
        self.names(|file| file.clusters.iter().map(|entry| &entry.name))
    }

    /// The names of all users.
    pub(super) fn users(&self) -> Vec<String> {
        self.names(|file| file.users.iter().map(|entry| &entry.name))
    }

    fn names<'a, I: Iterator<Item = &'a String>>(
        &'a self,
        of: impl Fn(&'a File) -> I,
    ) -> Vec<String> {
        let mut known = Vec::new();
        for name in self.read.iter().flat_map(|(_, file)| of(file)) {
            if !known.contains(name) {
                known.push(name.clone());
            }
        }
        known
    }

    /// Why there is no cluster to connect to.
    pub(super) fn lead_nowhere(&self) -> KubeconfigError {
        let (files, known) = (self.shown(), self.contexts());
        match &self.read[..] {
            [] => KubeconfigError::NoConfiguration { files },
            _ if known.is_empty() => KubeconfigError::Empty { files },
            _ => KubeconfigError::NoCurrentContext { files, known },
        }
    }

    pub(super) fn no_such_context(&self, name: &str, asked_by: &'static str) -> KubeconfigError {
        KubeconfigError::NoSuchContext {
            name: name.to_owned(),
            asked_by,
            files: self.shown(),
            known: self.contexts(),
        }
    }
}
