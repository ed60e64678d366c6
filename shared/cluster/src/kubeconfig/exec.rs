//! Credential plugins, as the kubeconfig describes them.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Uri;
use kube::config::{ExecConfig, ExecInteractiveMode};
use serde_json::{Value, json};

use super::{KubeconfigError, ServerUrl, cluster::ClusterSettings, files::Place};

/// The versions of the protocol of credential plugins.
const V1: &str = "client.authentication.k8s.io/v1";
const V1BETA1: &str = "client.authentication.k8s.io/v1beta1";

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

/// Where the user is going.
pub(super) struct Target<'a> {
    pub(super) settings: &'a ClusterSettings,
    pub(super) server: &'a ServerUrl,
    pub(super) proxy: Option<&'a Uri>,
}

/// Reads the entry of a plugin.
pub(super) fn read(
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
