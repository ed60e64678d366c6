//! The user's half of a connection: who it is, and whom it acts as.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use kube::config::{AuthInfo, AuthProviderConfig, ExecConfig, ExecInteractiveMode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::{
    ConnectionFlags, KubeconfigError, choice::Choice, cluster::ClusterSettings, files::Place, pem,
};

/// How a user proves who it is.
#[derive(Clone, Debug, Default)]
pub enum Credential {
    /// Not at all, or by certificate alone.
    #[default]
    None,
    /// A bearer token.
    Token(SecretString),
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
    },
    /// A program that gives credentials.
    Plugin(ExecPlugin),
    /// A provider of the old kind, such as `oidc`; kube knows them.
    Provider(AuthProviderConfig),
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
#[derive(Clone, Debug)]
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

impl UserSettings {
    pub(super) fn resolve(
        choice: &Choice,
        flags: &ConnectionFlags,
        cluster: &ClusterSettings,
    ) -> Result<Self, KubeconfigError> {
        let (user, place) = match &choice.user {
            Some(entry) => (entry.value.clone(), entry.place.clone()),
            None => (AuthInfo::default(), Place::Flag("--user")),
        };
        Ok(Self {
            certificate: certificate(&user, &place, flags)?,
            impersonation: impersonation(&user, &place, &flags.impersonation)?,
            credential: credential(user, &place, flags, cluster)?,
        })
    }
}

fn credential(
    user: AuthInfo,
    place: &Place,
    flags: &ConnectionFlags,
    cluster: &ClusterSettings,
) -> Result<Credential, KubeconfigError> {
    if let Some(token) = &flags.token {
        return Ok(Credential::Token(token.clone()));
    }
    let token = user.token.filter(|token| !token.expose_secret().is_empty());
    let file = user.token_file.filter(|path| !path.is_empty());
    let name = user.username.filter(|name| !name.is_empty());
    // client-go refuses these too, rather than to choose.
    let exclusive = |what: &str| {
        Err(KubeconfigError::Setting {
            place: place.clone(),
            reason: format!("{what} exclude each other"),
        })
    };
    if name.is_some() && (token.is_some() || file.is_some()) {
        return exclusive("a user name and a token");
    }
    if user.exec.is_some() && user.auth_provider.is_some() {
        return exclusive("exec and auth-provider");
    }
    Ok(match (token, file, name, user.exec, user.auth_provider) {
        (Some(token), ..) => Credential::Token(token),
        (None, Some(path), ..) => {
            Credential::TokenFile { path: PathBuf::from(path), place: place.clone() }
        }
        (None, None, Some(user_name), ..) => Credential::Basic {
            user: user_name,
            password: user.password.unwrap_or_else(|| SecretString::from(String::new())),
        },
        (None, None, None, Some(exec), _) => Credential::Plugin(plugin(exec, place, cluster)?),
        (None, None, None, None, Some(provider)) => Credential::Provider(provider),
        (None, None, None, None, None) => Credential::None,
    })
}

fn certificate(
    user: &AuthInfo,
    place: &Place,
    flags: &ConnectionFlags,
) -> Result<Option<ClientCertificate>, KubeconfigError> {
    const CERTIFICATE: &str = "client certificate";
    const KEY: &str = "client key";
    let by_flag = |path: &Option<PathBuf>, what, flag| {
        path.as_deref().map(|path: &Path| pem::read(path, what, &Place::Flag(flag))).transpose()
    };
    let certificate = match by_flag(&flags.client_certificate, CERTIFICATE, "--client-certificate")?
    {
        Some(certificate) => Some(certificate),
        None => pem::data_or_file(
            "client-certificate",
            CERTIFICATE,
            user.client_certificate_data.as_deref(),
            user.client_certificate.as_deref(),
            place,
        )?,
    };
    let key = match by_flag(&flags.client_key, KEY, "--client-key")? {
        Some(key) => Some(key),
        None => pem::data_or_file(
            "client-key",
            KEY,
            user.client_key_data.as_ref().map(SecretString::expose_secret),
            user.client_key.as_deref(),
            place,
        )?,
    };
    let incomplete = |reason: &str| {
        Err(KubeconfigError::Setting { place: place.clone(), reason: reason.to_owned() })
    };
    let (certificate, key) = match (certificate, key) {
        (None, None) => return Ok(None),
        (Some(_), None) => return incomplete("there is a client certificate, but no client key"),
        (None, Some(_)) => return incomplete("there is a client key, but no client certificate"),
        (Some(certificate), Some(key)) => (certificate, key),
    };
    pem::certificates(&certificate, CERTIFICATE, place)?;
    let Ok(key) = String::from_utf8(key) else { return incomplete("the client key is not PEM") };
    Ok(Some(ClientCertificate { certificate, key: SecretString::from(key), place: place.clone() }))
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
    let extra = if flags.extra.is_empty() {
        user.impersonate_user_extra.clone().unwrap_or_default().into_iter().collect()
    } else {
        flags.extra.clone()
    };
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
    cluster: &ClusterSettings,
) -> Result<ExecPlugin, KubeconfigError> {
    let wrong = |reason: String| KubeconfigError::Setting { place: place.clone(), reason };
    let command = exec
        .command
        .filter(|command| !command.is_empty())
        .ok_or_else(|| wrong("exec has no command".into()))?;
    let api_version = exec.api_version.unwrap_or_default();
    if !matches!(
        api_version.as_str(),
        "client.authentication.k8s.io/v1" | "client.authentication.k8s.io/v1beta1"
    ) {
        return Err(wrong(format!(
            "exec has the apiVersion \"{api_version}\"; client.authentication.k8s.io/v1 and /v1beta1 are known"
        )));
    }
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
        interactive: match exec.interactive_mode {
            Some(ExecInteractiveMode::Never) => InteractiveMode::Never,
            Some(ExecInteractiveMode::Always) => InteractiveMode::Always,
            Some(ExecInteractiveMode::IfAvailable) | None => InteractiveMode::IfAvailable,
        },
        cluster: exec.provide_cluster_info.then(|| told(cluster)),
    })
}

/// What a plugin is told of the cluster, under the names of its protocol.
fn told(cluster: &ClusterSettings) -> Value {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let mut told = json!({"server": cluster.server});
    let mut add = |field: &str, value: Option<Value>| {
        if let Some(value) = value {
            told[field] = value;
        }
    };
    add("tls-server-name", cluster.tls_server_name.as_ref().map(|name| json!(name)));
    add("insecure-skip-tls-verify", cluster.insecure.then_some(Value::Bool(true)));
    add(
        "certificate-authority-data",
        cluster.authorities_pem.as_ref().map(|text| json!(STANDARD.encode(text))),
    );
    add("proxy-url", cluster.proxy_url.as_ref().map(|(url, _)| json!(url)));
    add("disable-compression", cluster.disable_compression.then_some(Value::Bool(true)));
    add("config", cluster.exec_extension.clone());
    told
}
