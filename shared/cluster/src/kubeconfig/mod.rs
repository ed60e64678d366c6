//! From kubeconfig files, flags and environment to one connection, as kubectl does it.
//!
//! kube's own loader differs from client-go where it hurts: a missing file of the `KUBECONFIG` list
//! is an error, an empty `current-context` of the first file wins over a real one in the second, and
//! `NO_PROXY` is compared with the proxy's address instead of the API server's. So kube lends its
//! types for clusters and users, and everything else happens here.
//!
//! On purpose unlike kubectl: nobody is asked for a user name and password, `localhost:8080` is
//! never tried, in a pod all flags count and not only three, and `--token` wins over whatever else
//! the user's entry has.

mod choice;
mod cluster;
mod environment;
mod error;
mod exec;
mod file;
mod files;
mod names;
mod pem;
mod proxy;
mod server;
mod user;

use std::{fmt, path::PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

pub use environment::{Environment, ServiceAccount};
pub use error::KubeconfigError;
pub use exec::{ExecPlugin, InteractiveMode};
pub use files::Place;
pub use names::Names;
pub use server::ServerUrl;
pub use user::{ClientCertificate, Credential, Impersonation};

use choice::Choice;
use cluster::ClusterSettings;
use exec::Target;
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

impl ConnectionFlags {
    /// What was really given: like kubectl, takes an empty value for none.
    fn given(&self) -> Self {
        let text = |flag: &Option<String>| flag.clone().filter(|text| !text.is_empty());
        let path =
            |flag: &Option<PathBuf>| flag.clone().filter(|path| !path.as_os_str().is_empty());
        Self {
            kubeconfig: path(&self.kubeconfig),
            context: text(&self.context),
            cluster: text(&self.cluster),
            user: text(&self.user),
            server: text(&self.server),
            tls_server_name: text(&self.tls_server_name),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify,
            certificate_authority: path(&self.certificate_authority),
            client_certificate: path(&self.client_certificate),
            client_key: path(&self.client_key),
            token: self.token.clone().filter(|token| !token.expose_secret().is_empty()),
            impersonation: Impersonation {
                user: text(&self.impersonation.user),
                uid: text(&self.impersonation.uid),
                ..self.impersonation.clone()
            },
            disable_compression: self.disable_compression,
        }
    }
}

/// Everything that is needed to talk to one API server as one user.
#[derive(Clone)]
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
    proxy: Option<http::Uri>,
}

/// Says where to and as whom; of what proves it, and of the proxy's URL, nothing.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, context, cluster, user, server, .. } = self;
        f.debug_struct("Connection")
            .field("origin", origin)
            .field("context", context)
            .field("cluster", cluster)
            .field("user", user)
            .field("server", server)
            .finish_non_exhaustive()
    }
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
    /// The PEM text of the authorities whose certificates are trusted; none for the system's.
    pub fn authority(&self) -> Option<&[u8]> {
        self.settings.authorities_pem.as_deref()
    }

    /// The authorities whose certificates are trusted, DER; none for the system's.
    pub fn authorities(&self) -> Option<&[Vec<u8>]> {
        self.settings.authorities.as_deref()
    }

    /// Whether any certificate of the server will do.
    pub fn is_insecure(&self) -> bool {
        self.settings.insecure
    }

    /// The name that the server's certificate must be for, if not the host's.
    pub fn tls_server_name(&self) -> Option<&str> {
        self.settings.tls_server_name.as_deref()
    }

    /// The proxy on the way. The URL may hold a password.
    pub fn proxy(&self) -> Option<&http::Uri> {
        self.proxy.as_ref()
    }

    /// Finds out where to connect and as whom.
    ///
    /// # Errors
    /// Names the file, context, cluster or user that is at fault. Without any configuration this is
    /// [`KubeconfigError::NoConfiguration`]: unlike kubectl, `localhost:8080` is not tried.
    pub fn resolve(
        flags: &ConnectionFlags,
        environment: &Environment,
    ) -> Result<Self, KubeconfigError> {
        let flags = &flags.given();
        let files = Files::read(flags, environment)?;
        let mut choice = Choice::make(&files, flags)?;
        let mut origin = files.origin();
        match &environment.service_account {
            Some(account) if choice.is_empty() => {
                origin = Origin::ServiceAccount;
                choice = Choice::of_service_account(account);
            }
            _ if choice.cluster.is_none() && flags.server.is_none() => {
                return Err(files.lead_nowhere());
            }
            _ => {}
        }
        let settings = ClusterSettings::resolve(&choice, flags)?;
        if settings.server.is_empty() {
            let place = settings.server_place;
            return Err(KubeconfigError::Setting { place, reason: "it has no server".into() });
        }
        let server =
            ServerUrl::parse(&settings.server).map_err(|reason| KubeconfigError::BadServer {
                url: server::without_login(&settings.server),
                place: settings.server_place.clone(),
                reason,
            })?;
        let proxy = proxy::choose(&settings, &server, environment)?;
        let target = Target { settings: &settings, server: &server, proxy: proxy.as_ref() };
        let user = UserSettings::resolve(&choice.user, flags, &target)?;
        Ok(Self {
            origin,
            context: choice.context,
            cluster: choice.cluster.map(|entry| entry.name),
            user: choice.user.name(),
            credential: user.credential,
            certificate: user.certificate,
            impersonation: user.impersonation,
            proxy,
            settings,
            server,
        })
    }
}
