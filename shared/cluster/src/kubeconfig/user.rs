//! The user's half of a connection: who it is, and whom it acts as.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use kube::config::{AuthInfo, AuthProviderConfig};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    ConnectionFlags, ExecPlugin, KubeconfigError,
    choice::User,
    exec::{self, Target},
    files::Place,
    pem::Pem,
};

/// How a user proves who it is.
#[derive(Clone, Default)]
pub enum Credential {
    /// Not at all, or by certificate alone.
    #[default]
    None,
    /// A bearer token.
    Token {
        /// The token.
        token: SecretString,
        /// Who gives it.
        place: Place,
    },
    /// A file with a bearer token that somebody else renews.
    TokenFile {
        /// The file.
        path: PathBuf,
        /// Who names it.
        place: Place,
    },
    /// User name and password.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: SecretString,
        /// Who gives them.
        place: Place,
    },
    /// A program that gives credentials.
    Plugin(ExecPlugin),
    /// A provider of the old kind, such as `oidc`; kube knows them.
    Provider {
        /// The provider.
        provider: AuthProviderConfig,
        /// Who names it.
        place: Place,
    },
}

/// Names the kind alone: kube shows the secrets of an auth-provider, and plugins have environments.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Token { .. } => "Token",
            Self::TokenFile { .. } => "TokenFile",
            Self::Basic { .. } => "Basic",
            Self::Plugin(_) => "Plugin",
            Self::Provider { .. } => "Provider",
        })
    }
}

/// A client certificate and its key, PEM.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate, with its chain.
    pub certificate: Vec<u8>,
    /// The private key.
    pub key: SecretString,
    /// Who names them.
    pub place: Place,
}

/// Whom to act as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Impersonation {
    /// `--as`.
    pub user: Option<String>,
    /// `--as-uid`.
    pub uid: Option<String>,
    /// `--as-group`.
    pub groups: Vec<String>,
    /// `--as-user-extra`: values by key.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// A user entry with the flags laid over it.
pub(super) struct UserSettings {
    pub(super) credential: Credential,
    pub(super) certificate: Option<ClientCertificate>,
    pub(super) impersonation: Impersonation,
}

impl UserSettings {
    pub(super) fn resolve(
        chosen: &User,
        flags: &ConnectionFlags,
        target: &Target<'_>,
    ) -> Result<Self, KubeconfigError> {
        let is_tls = target.server.is_tls();
        let (user, place) = match chosen {
            User::Found(entry) => (entry.value.clone(), entry.place.clone()),
            // Here kubectl asks for a user name and password.
            User::Missing { name, asked_by, files } if is_tls && !says_who(flags) => {
                return Err(KubeconfigError::NoSuchUser {
                    name: name.clone(),
                    asked_by: asked_by.clone(),
                    files: files.clone(),
                });
            }
            User::Missing { .. } | User::None => (AuthInfo::default(), Place::Flag("--user")),
        };
        let impersonation = impersonation(&user, &place, &flags.impersonation)?;
        let certificate = certificate(&user, &place, flags)?;
        let credential = credential(user, &place, flags, certificate.is_some(), target)?;
        // As in client-go, nothing secret goes where anybody can read it, and no plugin is run.
        Ok(if is_tls {
            Self { credential, certificate, impersonation }
        } else {
            Self { credential: Credential::None, certificate: None, impersonation }
        })
    }
}

/// Whether the flags do without the user's entry.
fn says_who(flags: &ConnectionFlags) -> bool {
    flags.token.is_some() || flags.client_certificate.is_some()
}

fn credential(
    user: AuthInfo,
    place: &Place,
    flags: &ConnectionFlags,
    has_certificate: bool,
    target: &Target<'_>,
) -> Result<Credential, KubeconfigError> {
    let exclusive = |what: &str| {
        Err(KubeconfigError::Setting {
            place: place.clone(),
            reason: format!("{what} exclude each other"),
        })
    };
    if user.exec.is_some() && user.auth_provider.is_some() {
        return exclusive("exec and auth-provider");
    }
    let plugin = user.exec.map(|exec| exec::read(exec, place, target)).transpose()?;
    if let Some(token) = &flags.token {
        let place = Place::Flag("--token");
        return Ok(Credential::Token { token: token.clone(), place });
    }
    let given = |secret: &SecretString| !secret.expose_secret().is_empty();
    let token = user.token.filter(given);
    let password = user.password.filter(given);
    let file = user.token_file.filter(|path| !path.is_empty()).map(PathBuf::from);
    let name = user.username.filter(|name| !name.is_empty());
    if (name.is_some() || password.is_some()) && (token.is_some() || file.is_some()) {
        return exclusive("a user name and a token");
    }
    Ok(match (file, token, name) {
        // client-go reads the file all the time, and falls back to the token.
        (Some(path), token, _) if token.is_none() || path.is_file() => {
            Credential::TokenFile { path, place: place.clone() }
        }
        (_, Some(token), _) => Credential::Token { token, place: place.clone() },
        (_, None, Some(user)) => Credential::Basic {
            user,
            password: password.unwrap_or_else(|| SecretString::from(String::new())),
            place: place.clone(),
        },
        (_, None, None) => match (plugin, user.auth_provider) {
            // Whoever has a certificate needs no plugin.
            (Some(plugin), _) if !has_certificate => Credential::Plugin(plugin),
            (_, Some(provider)) => Credential::Provider { provider, place: place.clone() },
            _ => Credential::None,
        },
    })
}

fn certificate(
    user: &AuthInfo,
    place: &Place,
    flags: &ConnectionFlags,
) -> Result<Option<ClientCertificate>, KubeconfigError> {
    let certificate = match &flags.client_certificate {
        Some(path) => {
            Some(Pem::of_file(path, "client certificate", Place::Flag("--client-certificate"))?)
        }
        None => Pem::of_entry(
            "client-certificate",
            "client certificate",
            user.client_certificate_data.as_deref(),
            user.client_certificate.as_deref(),
            place,
        )?,
    };
    // client-go takes no notice of a key without a certificate.
    let Some(certificate) = certificate else { return Ok(None) };
    let key = match &flags.client_key {
        Some(path) => Some(Pem::of_file(path, "client key", Place::Flag("--client-key"))?),
        None => Pem::of_entry(
            "client-key",
            "client key",
            user.client_key_data.as_ref().map(SecretString::expose_secret),
            user.client_key.as_deref(),
            place,
        )?,
    };
    let Some(key) = key else { return Err(certificate.wrong("has no client key with it")) };
    certificate.certificates()?;
    let place = certificate.place.clone();
    Ok(Some(ClientCertificate { certificate: certificate.text, key: key.private_key()?, place }))
}

fn impersonation(
    user: &AuthInfo,
    place: &Place,
    flags: &Impersonation,
) -> Result<Impersonation, KubeconfigError> {
    let text = |flag: &Option<String>, entry: &Option<String>| {
        flag.clone().or_else(|| entry.clone()).filter(|text| !text.is_empty())
    };
    let groups = match &flags.groups[..] {
        [] => user.impersonate_groups.clone().unwrap_or_default(),
        groups => groups.to_vec(),
    };
    // client-go merges this key by key.
    let mut extra: BTreeMap<_, _> =
        user.impersonate_user_extra.clone().unwrap_or_default().into_iter().collect();
    extra.extend(flags.extra.clone());
    let found = Impersonation {
        user: text(&flags.user, &user.impersonate),
        uid: text(&flags.uid, &user.impersonate_uid),
        groups,
        extra,
    };
    if found.user.is_none() && found != Impersonation::default() {
        return Err(KubeconfigError::Setting {
            place: if *flags == Impersonation::default() {
                place.clone()
            } else {
                Place::Flag("--as")
            },
            reason: "a UID, groups or extra fields to act as need a user to act as".into(),
        });
    }
    Ok(found)
}
