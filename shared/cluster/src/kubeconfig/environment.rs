//! What the process environment says about the connection.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use kube::config::{AuthInfo, Cluster};

use super::{choice::Entry, files::Place};

/// Where a pod finds its service account.
const ACCOUNT_FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The parts of the process environment that say how to connect.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `KUBECONFIG`: a list of files.
    pub kubeconfig: Option<OsString>,
    /// The user's home, where `.kube/config` is looked for.
    pub home: Option<PathBuf>,
    /// `HTTPS_PROXY`, or in small letters.
    pub https_proxy: Option<String>,
    /// `HTTP_PROXY`, or in small letters.
    pub http_proxy: Option<String>,
    /// `NO_PROXY`, or in small letters.
    pub no_proxy: Option<String>,
    /// What a pod is given to reach its API server.
    pub service_account: Option<ServiceAccount>,
}

impl Environment {
    /// Of this process.
    pub fn of_process() -> Self {
        let either = |name: &str| {
            let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
            set(name).or_else(|| set(&name.to_lowercase()))
        };
        Self {
            kubeconfig: env::var_os("KUBECONFIG").filter(|list| !list.is_empty()),
            home: env::home_dir(),
            https_proxy: either("HTTPS_PROXY"),
            http_proxy: either("HTTP_PROXY"),
            no_proxy: either("NO_PROXY"),
            service_account: ServiceAccount::of_process(),
        }
    }
}

/// How a program in a pod reaches the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    /// `KUBERNETES_SERVICE_HOST`.
    pub host: String,
    /// `KUBERNETES_SERVICE_PORT`.
    pub port: String,
    /// The folder with `token` and `ca.crt`.
    pub folder: PathBuf,
}

impl ServiceAccount {
    fn of_process() -> Option<Self> {
        let host = env::var("KUBERNETES_SERVICE_HOST").ok()?;
        let port = env::var("KUBERNETES_SERVICE_PORT").ok()?;
        let folder = Path::new(ACCOUNT_FOLDER);
        folder.join("token").is_file().then(|| Self { host, port, folder: folder.to_owned() })
    }

    pub(super) fn cluster(&self) -> Entry<Cluster> {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        Entry {
            name: "in-cluster".into(),
            place: Place::ServiceAccount,
            value: Cluster {
                server: Some(format!("https://{host}:{}", self.port)),
                certificate_authority: Some(self.file("ca.crt")),
                ..Cluster::default()
            },
        }
    }

    pub(super) fn user(&self) -> Entry<AuthInfo> {
        Entry {
            name: "service account".into(),
            place: Place::ServiceAccount,
            value: AuthInfo { token_file: Some(self.file("token")), ..AuthInfo::default() },
        }
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }
}
