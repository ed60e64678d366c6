//! Why there is nothing from a node.

use kcilium_core::facts::Unavailable;

use crate::ApiError;

/// Why a pod gave no result. Its display is the reason, for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Absence {
    /// The cluster has no such node.
    #[error("the cluster has no node of this name")]
    NoNode,
    /// Another system, or no machine at all.
    #[error("the node does not run Linux, or is no machine of its own")]
    NotLinux,
    /// Its kubelet is not heard of, so nothing would start there.
    #[error("the node is not ready: {why}")]
    NotReady {
        /// What the node's condition says.
        why: String,
    },
    /// There is no program for its architecture.
    #[error("there is no node agent for the architecture {architecture}")]
    NoProgram {
        /// The architecture.
        architecture: String,
    },
    /// It has no image with a shell and gzip that is known, and none was named.
    #[error("the node has no image that is known to have a shell and gzip; --node-image names one")]
    NoImage,
    /// A permission is missing.
    #[error("forbidden: needs {need}")]
    Forbidden {
        /// The permission, such as `create pods`.
        need: String,
    },
    /// The API server turned the objects down: admission, PodSecurity, a quota.
    #[error("the API server turned it down: {why}")]
    TurnedDown {
        /// In its words.
        why: String,
    },
    /// Something went wrong between here and the API server.
    #[error("{why}")]
    Failed {
        /// What.
        why: String,
    },
    /// The kubelet does not have the image, or does not let the pod use it.
    #[error("the image cannot be used: {why}")]
    Image {
        /// In the kubelet's words.
        why: String,
    },
    /// The kubelet turned the pod down, or could not start it.
    #[error("the pod did not start: {why}")]
    Unstartable {
        /// In the kubelet's words.
        why: String,
    },
    /// The kubelet did not take the pod.
    #[error("the node's kubelet did not take the pod within {seconds} s")]
    Silent {
        /// How long it was waited for.
        seconds: u64,
    },
    /// The program could not be brought into the pod.
    #[error("the program could not be sent into the pod: {why}")]
    Undelivered {
        /// Why.
        why: String,
    },
    /// It did not end in time.
    #[error("the pod did not end in time")]
    Late,
    /// It was not begun in time.
    #[error("the time was over before its turn")]
    NotBegun,
    /// Somebody deleted it.
    #[error("somebody deleted the pod")]
    Deleted,
    /// The run was interrupted.
    #[error("interrupted")]
    Interrupted,
}

impl Absence {
    /// By the API server's answer; `need` is the permission that was needed.
    pub(super) fn of(error: &ApiError, need: &str) -> Self {
        match error {
            // RBAC, Node and webhook authorizers end all with this; admission plugins do not.
            ApiError::Forbidden { message } if message.contains(" cannot ") => {
                Self::Forbidden { need: need.to_owned() }
            }
            ApiError::Forbidden { message }
            | ApiError::Status { code: 400 | 409 | 422, message, .. } => {
                Self::TurnedDown { why: message.clone() }
            }
            ApiError::Status { message, .. } if message.contains("webhook") => {
                Self::TurnedDown { why: message.clone() }
            }
            ApiError::OutOfTime => Self::NotBegun,
            error => Self::Failed { why: error.to_string() },
        }
    }

    /// The same as a fact. `what` is what was to be had.
    pub fn unavailable(&self, what: &str) -> Unavailable {
        match self {
            Self::Forbidden { .. } => Unavailable::forbidden(what, self.to_string()),
            Self::NoNode | Self::NotLinux => Unavailable::absent(what, self.to_string()),
            other => Unavailable::failed(what, other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Absence;
    use crate::ApiError;

    fn of(message: &str) -> Absence {
        Absence::of(&ApiError::Forbidden { message: message.into() }, "create pods")
    }

    #[test]
    fn a_missing_permission_is_told_from_admission() {
        let rbac = "pods is forbidden: User \"a\" cannot create resource \"pods\" in API group \"\" in the namespace \"b\"";
        assert_eq!(of(rbac), Absence::Forbidden { need: "create pods".into() });
        let security = "pods \"host-0\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)";
        assert_eq!(of(security), Absence::TurnedDown { why: security.into() });
        let quota = "pods \"host-0\" is forbidden: exceeded quota: objects, requested: pods=1, used: pods=0, limited: pods=0";
        assert_eq!(of(quota), Absence::TurnedDown { why: quota.into() });
    }
}
