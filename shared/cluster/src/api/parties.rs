//! Who talks to whom, in the words of error messages.

use crate::kubeconfig::{Connection, Credential, Place};

/// The parties of a connection.
#[derive(Clone, Debug)]
pub(super) struct Parties {
    /// The API server, and the proxy on the way.
    pub(super) server: String,
    /// What the user shows of itself.
    pub(super) login: String,
    /// Who has to have signed the server's certificate.
    pub(super) authority: String,
}

impl Parties {
    pub(super) fn of(connection: &Connection) -> Self {
        let server = &connection.server;
        Self {
            server: match connection.proxy() {
                None => server.to_string(),
                // Its URL may hold a password, its host does not.
                Some(proxy) => {
                    let host = proxy.host().unwrap_or_default();
                    let port = proxy.port().map(|port| format!(":{port}")).unwrap_or_default();
                    format!("{server} through the proxy {host}{port}")
                }
            },
            login: login(connection),
            authority: match &connection.settings.authorities_place {
                None => "an authority that this machine trusts".into(),
                Some(place) => format!("the certificate authority of {place}"),
            },
        }
    }
}

fn login(connection: &Connection) -> String {
    let certificate = connection.certificate.as_ref().map(|it| ("client certificate", &it.place));
    let shown = match &connection.credential {
        Credential::Token { place, .. } | Credential::TokenFile { place, .. } => {
            Some(("token", place))
        }
        Credential::Basic { place, .. } => Some(("password", place)),
        Credential::Plugin(plugin) => Some(("credential plugin", &plugin.place)),
        Credential::Provider { place, .. } => Some(("auth-provider", place)),
        Credential::None => certificate,
    };
    match (shown, &connection.user) {
        (Some((what, Place::Flag(flag))), _) => format!("the {what} of {flag}"),
        (Some((what, place)), _) => format!("the {what} of {place}"),
        (None, Some(user)) => format!("user \"{user}\", who shows no credentials"),
        (None, None) => "requests without credentials".into(),
    }
}
