//! From kubeconfig files, flags and environment to one connection, as kubectl does it.
//!
//! kube's own loader differs from client-go where it hurts: a missing file of the `KUBECONFIG` list
//! is an error, an empty `current-context` of the first file wins over a real one in the second, and
//! `NO_PROXY` is compared with the proxy's address instead of the API server's. So the files are
//! read with kube's types, and everything after that happens here.

mod choice;
mod cluster;
mod environment;
mod error;
mod files;
mod pem;
mod proxy;
mod server;
mod user;

use std::path::PathBuf;

use secrecy::SecretString;

pub use environment::{Environment, ServiceAccount};
pub use error::KubeconfigError;
pub use files::Place;
pub use server::ServerUrl;
pub use user::{ClientCertificate, Credential, ExecPlugin, Impersonation, InteractiveMode};

use choice::Choice;
use cluster::ClusterSettings;
use files::Files;
use user::UserSettings;

/// What the command line says about the connection: kubectl's flags. Each wins over the
/// kubeconfig.
#[derive(Clone, Debug, Default)]
pub struct ConnectionFlags {
    /// `--kubeconfig`: the only file that is read.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`.
    pub context: Option<String>,
    /// `--cluster`: a cluster of the kubeconfig, instead of the context's.
    pub cluster: Option<String>,
    /// `--user`: a user of the kubeconfig, instead of the context's.
    pub user: Option<String>,
    /// `--server`.
    pub server: Option<String>,
    /// `--tls-server-name`.
    pub tls_server_name: Option<String>,
    /// `--insecure-skip-tls-verify`.
    pub insecure_skip_tls_verify: bool,
    /// `--certificate-authority`.
    pub certificate_authority: Option<PathBuf>,
    /// `--client-certificate`.
    pub client_certificate: Option<PathBuf>,
    /// `--client-key`.
    pub client_key: Option<PathBuf>,
    /// `--token`.
    pub token: Option<SecretString>,
    /// `--as`, `--as-uid`, `--as-group`, `--as-user-extra`.
    pub impersonation: Impersonation,
    /// `--disable-compression`; none if it was not given.
    pub disable_compression: Option<bool>,
}

/// Everything that is needed to talk to one API server as one user.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Where the connection was read from.
    pub origin: Origin,
    /// Name of the context; none without a kubeconfig, or where only flags say where to go.
    pub context: Option<String>,
    /// Name of the cluster in the kubeconfig.
    pub cluster: Option<String>,
    /// Name of the user in the kubeconfig.
    pub user: Option<String>,
    /// The API server.
    pub server: ServerUrl,
    /// How the user proves who it is, beside [`Self::certificate`].
    pub credential: Credential,
    /// The user's certificate.
    pub certificate: Option<ClientCertificate>,
    /// Whom to act as.
    pub impersonation: Impersonation,
    pub(crate) settings: ClusterSettings,
    /// The proxy on the way to the API server.
    pub(crate) proxy: Option<http::Uri>,
}

/// Where a connection was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Kubeconfig files, in the order in which they were read.
    Files(Vec<PathBuf>),
    /// The service account of the pod that this program runs in.
    ServiceAccount,
    /// The flags alone.
    Flags,
}

impl Connection {
    /// Finds out where to connect and as whom.
    ///
    /// # Errors
    /// Names the file, context, cluster or user that is at fault. Without any configuration this is
    /// [`KubeconfigError::NoConfiguration`]: unlike kubectl, `localhost:8080` is not tried.
    pub fn resolve(
        flags: &ConnectionFlags,
        environment: &Environment,
    ) -> Result<Self, KubeconfigError> {
        let files = Files::read(flags, environment)?;
        let mut choice = Choice::make(&files, flags)?;
        let mut origin = files.origin();
        if choice.cluster.is_none() && flags.server.is_none() {
            let account = environment
                .service_account
                .as_ref()
                .filter(|_| files.config.contexts.is_empty())
                .ok_or_else(|| files.lead_nowhere())?;
            origin = Origin::ServiceAccount;
            choice = Choice::of_service_account(account);
        }
        let settings = ClusterSettings::resolve(&choice, flags)?;
        let user = UserSettings::resolve(&choice, flags, &settings)?;
        let wants_tls = settings.wants_tls() || user.certificate.is_some();
        let server = ServerUrl::parse(&settings.server, wants_tls).map_err(|reason| {
            KubeconfigError::BadServer {
                url: settings.server.clone(),
                place: settings.server_place.clone(),
                reason,
            }
        })?;
        Ok(Self {
            origin,
            context: choice.context,
            cluster: choice.cluster.map(|entry| entry.name),
            user: choice.user.map(|entry| entry.name),
            credential: user.credential,
            certificate: user.certificate,
            impersonation: user.impersonation,
            proxy: proxy::choose(&settings, &server, environment)?,
            settings,
            server,
        })
    }
}
