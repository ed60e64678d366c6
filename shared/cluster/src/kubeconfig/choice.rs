//! Which entries of the kubeconfig are meant.

use kube::config::{AuthInfo, Cluster};

use super::{
    ConnectionFlags, KubeconfigError,
    environment::ServiceAccount,
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
    pub(super) user: Option<Entry<AuthInfo>>,
}

impl Choice {
    pub(super) fn make(files: &Files, flags: &ConnectionFlags) -> Result<Self, KubeconfigError> {
        let named = flags.context.as_ref().or(files.config.current_context.as_ref());
        let context = named.and_then(|name| files.context(name));
        match (named, context) {
            // A server that is given by flag can do without the current context, not without one
            // that was asked for.
            (Some(name), None) if flags.context.is_some() || flags.server.is_none() => {
                return Err(files.no_such_context(name));
            }
            _ => {}
        }
        let cluster_name = flags.cluster.as_deref().or(context.map(|it| it.cluster.as_str()));
        let user_name = flags.user.as_deref().or(context.and_then(|it| it.user.as_deref()));
        let (cluster_name, user_name) = (given(cluster_name), given(user_name));
        let cluster = cluster_name.and_then(|name| files.cluster(name));
        let user = user_name.and_then(|name| files.user(name));
        match cluster_name {
            Some(name)
                if cluster.is_none() && (flags.cluster.is_some() || flags.server.is_none()) =>
            {
                return Err(KubeconfigError::NoSuchCluster {
                    name: name.to_owned(),
                    asked_by: match named {
                        Some(context) if flags.cluster.is_none() => {
                            format!("context \"{context}\"")
                        }
                        _ => "--cluster".into(),
                    },
                    files: files.shown(),
                });
            }
            _ => {}
        }
        // Like kubectl, go on without credentials where only the context names a user that is not
        // there: a server behind `kubectl proxy` needs none.
        if let Some(name) = &flags.user
            && user.is_none()
        {
            return Err(KubeconfigError::NoSuchUser { name: name.clone(), files: files.shown() });
        }
        Ok(Self { context: context.and(named).cloned(), cluster, user })
    }

    /// The choice of a program in a pod.
    pub(super) fn of_service_account(account: &ServiceAccount) -> Self {
        Self { context: None, cluster: Some(account.cluster()), user: Some(account.user()) }
    }
}

fn given(name: Option<&str>) -> Option<&str> {
    name.filter(|name| !name.is_empty())
}
