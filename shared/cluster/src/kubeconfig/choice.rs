//! Which entries of the kubeconfig are meant.

use kube::config::{AuthInfo, Cluster};

use super::{
    ConnectionFlags, KubeconfigError,
    environment::ServiceAccount,
    file::Context,
    files::{Files, Place},
};

/// An entry, what it is called, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Entry<T> {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) value: T,
}

/// The context, cluster and user that flags and files choose.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) context: Option<String>,
    pub(super) cluster: Option<Entry<Cluster>>,
    pub(super) user: User,
}

/// The user that is chosen.
#[derive(Clone, Debug)]
pub(super) enum User {
    /// The context names none.
    None,
    /// There it is.
    Found(Box<Entry<AuthInfo>>),
    /// The context names one that is in no file. That does no harm where it is not needed.
    Missing {
        /// The name.
        name: String,
        /// The context.
        asked_by: String,
        /// The files.
        files: String,
    },
}

impl User {
    pub(super) fn name(self) -> Option<String> {
        match self {
            Self::Found(entry) => Some(entry.name),
            Self::None | Self::Missing { .. } => None,
        }
    }
}

impl Choice {
    pub(super) fn make(files: &Files, flags: &ConnectionFlags) -> Result<Self, KubeconfigError> {
        let context = context(files, flags)?;
        Ok(Self {
            cluster: cluster(files, flags, context.as_ref())?,
            user: user(files, flags, context.as_ref())?,
            context: context.map(|entry| entry.name),
        })
    }

    /// Whether neither flags nor files choose anything.
    pub(super) fn is_empty(&self) -> bool {
        self.context.is_none() && self.cluster.is_none() && matches!(self.user, User::None)
    }

    /// The choice of a program in a pod.
    pub(super) fn of_service_account(account: &ServiceAccount) -> Self {
        Self {
            context: None,
            cluster: Some(account.cluster()),
            user: User::Found(Box::new(account.user())),
        }
    }
}

fn context(
    files: &Files,
    flags: &ConnectionFlags,
) -> Result<Option<Entry<Context>>, KubeconfigError> {
    let (name, asked_by) = match &flags.context {
        Some(name) => (Some(name.as_str()), "--context"),
        None => (files.current_context(), "current-context"),
    };
    name.map(|name| files.context(name).ok_or_else(|| files.no_such_context(name, asked_by)))
        .transpose()
}

fn cluster(
    files: &Files,
    flags: &ConnectionFlags,
    context: Option<&Entry<Context>>,
) -> Result<Option<Entry<Cluster>>, KubeconfigError> {
    let missing = |name: &str, asked_by| KubeconfigError::NoSuchCluster {
        name: name.to_owned(),
        asked_by,
        files: files.shown(),
    };
    if let Some(name) = &flags.cluster {
        return match files.cluster(name) {
            None => Err(missing(name, "--cluster".into())),
            found => Ok(found),
        };
    }
    let Some(context) = context else { return Ok(None) };
    let name = context.value.cluster.as_deref().unwrap_or_default();
    let cluster = files.cluster(name);
    // kubectl goes to localhost:8080 then, which is never meant.
    match cluster {
        None if flags.server.is_some() => Ok(None),
        None if name.is_empty() => Err(KubeconfigError::Setting {
            place: context.place.clone(),
            reason: "it names no cluster".into(),
        }),
        None => Err(missing(name, format!("context \"{}\"", context.name))),
        found => Ok(found),
    }
}

fn user(
    files: &Files,
    flags: &ConnectionFlags,
    context: Option<&Entry<Context>>,
) -> Result<User, KubeconfigError> {
    if let Some(name) = &flags.user {
        let found = files.user(name).map(|entry| User::Found(Box::new(entry)));
        return found.ok_or_else(|| KubeconfigError::NoSuchUser {
            name: name.clone(),
            asked_by: "--user".into(),
            files: files.shown(),
        });
    }
    let Some(context) = context else { return Ok(User::None) };
    let name = context.value.user.as_deref().unwrap_or_default();
    Ok(match files.user(name) {
        Some(entry) => User::Found(Box::new(entry)),
        None if name.is_empty() => User::None,
        None => User::Missing {
            name: name.to_owned(),
            asked_by: format!("context \"{}\"", context.name),
            files: files.shown(),
        },
    })
}
