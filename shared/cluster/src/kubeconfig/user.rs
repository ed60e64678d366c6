//! The user's half of a connection: who it is, and whom it acts as.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Uri;
use kube::config::{AuthInfo, AuthProviderConfig, ExecConfig, ExecInteractiveMode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::{
    ConnectionFlags, KubeconfigError, ServerUrl, choice::User, cluster::ClusterSettings,
    files::Place, pem::Pem,
};

/// The versions of the protocol of credential plugins.
const V1: &str = "client.authentication.k8s.io/v1";
const V1BETA1: &str = "client.authentication.k8s.io/v1beta1";

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

/// A credential plugin: `users[].user.exec`.
#[derive(Clone)]
pub struct ExecPlugin {
    /// Who names it.
    pub place: Place,
    /// The program.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// What is added to its environment.
    pub env: Vec<(String, String)>,
    /// The version of the protocol that it speaks.
    pub api_version: String,
    /// How to install it, in its author's words.
    pub install_hint: Option<String>,
    /// Whether it may ask the user.
    pub interactive: InteractiveMode,
    /// What it is told of the cluster, if it wants to know.
    pub cluster: Option<Value>,
}

/// Without the environment and the arguments, which may be secret.
impl fmt::Debug for ExecPlugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecPlugin")
            .field("place", &self.place)
            .field("command", &self.command)
            .finish_non_exhaustive()
    }
}

/// Whether a plugin may use standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InteractiveMode {
    /// It does not.
    Never,
    /// It does where that is a terminal.
    IfAvailable,
    /// It cannot do without.
    Always,
}

/// A user entry with the flags laid over it.
pub(super) struct UserSettings {
    pub(super) credential: Credential,
    pub(super) certificate: Option<ClientCertificate>,
    pub(super) impersonation: Impersonation,
}

/// Where the user is going.
pub(super) struct Target<'a> {
    pub(super) settings: &'a ClusterSettings,
    pub(super) server: &'a ServerUrl,
    pub(super) proxy: Option<&'a Uri>,
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
    let plugin = user.exec.map(|exec| plugin(exec, place, target)).transpose()?;
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

fn plugin(
    exec: ExecConfig,
    place: &Place,
    target: &Target<'_>,
) -> Result<ExecPlugin, KubeconfigError> {
    let wrong = |reason: String| KubeconfigError::Setting { place: place.clone(), reason };
    let command = exec
        .command
        .filter(|command| !command.is_empty())
        .ok_or_else(|| wrong("exec has no command".into()))?;
    let api_version = exec.api_version.unwrap_or_default();
    let interactive = match (api_version.as_str(), exec.interactive_mode) {
        (V1 | V1BETA1, Some(ExecInteractiveMode::Never)) => InteractiveMode::Never,
        (V1 | V1BETA1, Some(ExecInteractiveMode::Always)) => InteractiveMode::Always,
        (V1 | V1BETA1, Some(ExecInteractiveMode::IfAvailable)) | (V1BETA1, None) => {
            InteractiveMode::IfAvailable
        }
        (V1, None) => {
            return Err(wrong(format!(
                "exec has no interactiveMode, which {V1} asks for: Never, IfAvailable or Always"
            )));
        }
        (other, _) => {
            return Err(wrong(format!(
                "exec has the apiVersion \"{other}\"; {V1} and {V1BETA1} are known"
            )));
        }
    };
    Ok(ExecPlugin {
        place: place.clone(),
        command,
        args: exec.args.unwrap_or_default(),
        env: exec
            .env
            .into_iter()
            .flatten()
            .filter_map(|mut entry| Some((entry.remove("name")?, entry.remove("value")?)))
            .collect(),
        api_version,
        install_hint: exec.install_hint.filter(|hint| !hint.trim().is_empty()),
        interactive,
        cluster: exec.provide_cluster_info.then(|| told(target)),
    })
}

/// What a plugin is told of the cluster, under the names of its protocol.
fn told(target: &Target<'_>) -> Value {
    let Target { settings, proxy, .. } = target;
    let mut told = json!({"server": settings.server});
    let mut add = |field: &str, value: Option<Value>| {
        if let Some(value) = value {
            told[field] = value;
        }
    };
    add("tls-server-name", settings.tls_server_name.as_ref().map(|name| json!(name)));
    add("insecure-skip-tls-verify", settings.insecure.then_some(Value::Bool(true)));
    add(
        "certificate-authority-data",
        settings.authorities_pem.as_ref().map(|text| json!(STANDARD.encode(text))),
    );
    add("proxy-url", proxy.map(|url| json!(url.to_string().trim_end_matches('/'))));
    add("disable-compression", settings.disable_compression.then_some(Value::Bool(true)));
    add("config", settings.exec_extension.clone());
    told
}
