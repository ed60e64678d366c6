//! From a [`Connection`] to an HTTP client.

use std::{collections::HashMap, error::Error, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kube::{Client, Config, client::ClientBuilder, config::AuthInfo};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;

use crate::{
    credential::{PluginError, Tokens, UnfitToken, header},
    kubeconfig::{ClientCertificate, Connection, Credential, Impersonation, Place},
};

/// How long a TCP connection may take. A LAN answers in milliseconds, and a server behind a dead
/// route never does.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A credential plugin gave nothing.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The token cannot be sent.
    #[error(transparent)]
    Token(#[from] UnfitToken),
    /// The user's certificate and key, or its provider, are of no use.
    #[error("{place}: {reason}")]
    Login {
        /// Who names them.
        place: Place,
        /// What is wrong.
        reason: String,
    },
    /// Something else does not fit together.
    #[error("cannot prepare the connection to {server}")]
    Setup {
        /// The API server.
        server: String,
        /// What kube said.
        source: Box<kube::Error>,
    },
}

/// An HTTP client for one API server, and the tokens to send with each request.
pub(crate) struct Connected {
    pub(crate) client: Client,
    pub(crate) tokens: Option<Tokens>,
}

/// Makes a client; a credential plugin is run once, and not beyond the deadline.
pub(crate) async fn connect(
    connection: &Connection,
    deadline: Instant,
) -> Result<Connected, ConnectError> {
    let mut config = Config::new(connection.server.uri().clone());
    config.root_cert.clone_from(&connection.settings.authorities);
    config.accept_invalid_certs = connection.settings.insecure;
    config.tls_server_name.clone_from(&connection.settings.tls_server_name);
    config.disable_compression = connection.settings.disable_compression;
    config.proxy_url = connection.proxy().cloned();
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    // kube retries for minutes by default; the deadline is the caller's.
    config.default_retry = false;
    config.auth_info = acting_as(&connection.impersonation);
    let mut certificate = connection.certificate.clone();
    let mut tokens = None;
    match &connection.credential {
        Credential::None => {}
        Credential::Token { token, place } => {
            let token = SecretString::from(token.expose_secret().trim());
            // kube panics at those that are unfit.
            header(&token, place)?;
            config.auth_info.token = Some(token);
        }
        Credential::TokenFile { path, place } => {
            tokens = Some(Tokens::in_file(path.clone(), place.clone()));
        }
        Credential::Basic { user, password, .. } => {
            config.auth_info.username = Some(user.clone());
            config.auth_info.password = Some(password.clone());
        }
        Credential::Provider { provider, .. } => {
            config.auth_info.auth_provider = Some(provider.clone());
        }
        Credential::Plugin(plugin) => {
            let issued = plugin.run_until(deadline).await?;
            certificate = issued.certificate.or(certificate);
            tokens =
                issued.token.map(|token| Tokens::of_plugin(plugin.clone(), token, issued.expires));
        }
    }
    let identity = certificate.as_ref().map(|certificate| certificate.place.clone());
    if let Some(ClientCertificate { certificate, key, .. }) = certificate {
        config.auth_info.client_certificate_data = Some(STANDARD.encode(certificate));
        config.auth_info.client_key_data =
            Some(SecretString::from(STANDARD.encode(key.expose_secret())));
    }
    let builder =
        ClientBuilder::try_from(config).map_err(|error| setup(error, connection, identity))?;
    Ok(Connected { client: builder.build(), tokens })
}

/// Whose fault it is that there is no client. Authorities and names have been looked at before, so
/// what TLS complains of is the user's certificate.
fn setup(source: kube::Error, connection: &Connection, identity: Option<Place>) -> ConnectError {
    let cause = root_cause(&source);
    match (&source, identity, &connection.credential) {
        (kube::Error::RustlsTls(_), Some(place), _) => {
            let reason = match cause.downcast_ref() {
                Some(rustls::Error::InconsistentKeys(_)) => {
                    "the client key belongs to another certificate".into()
                }
                _ => format!("the client certificate or its key cannot be used: {cause}"),
            };
            ConnectError::Login { place, reason }
        }
        (kube::Error::Auth(_), _, Credential::Provider { place, .. }) => {
            ConnectError::Login { place: place.clone(), reason: cause.to_string() }
        }
        _ => {
            ConnectError::Setup { server: connection.server.to_string(), source: Box::new(source) }
        }
    }
}

fn root_cause<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    error.source().map_or(error, root_cause)
}

fn acting_as(impersonation: &Impersonation) -> AuthInfo {
    let Impersonation { user, uid, groups, extra } = impersonation.clone();
    AuthInfo {
        impersonate: user,
        impersonate_uid: uid,
        impersonate_groups: (!groups.is_empty()).then_some(groups),
        impersonate_user_extra: (!extra.is_empty())
            .then(|| extra.into_iter().collect::<HashMap<_, _>>()),
        ..AuthInfo::default()
    }
}
