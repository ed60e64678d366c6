//! Credential plugins: programs that print credentials, run once and again when these expire.
//!
//! kube runs a plugin three times for one client, and hides the author's installation hint.

use std::{
    io::{self, IsTerminal as _},
    process::{ExitStatus, Stdio},
};

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use tokio::{
    process::Command,
    time::{Instant, timeout_at},
};

use crate::kubeconfig::{ClientCertificate, ExecPlugin, InteractiveMode, Place};

/// Why a credential plugin gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// The program cannot be started.
    #[error("{place}: cannot run the credential plugin `{command}`")]
    Start {
        /// Who names it.
        place: Place,
        /// The program.
        command: String,
        /// How to install it, in its author's words.
        install_hint: Option<String>,
        /// What the system said.
        source: io::Error,
    },
    /// It needs to ask the user, and there is nobody to ask.
    #[error(
        "{place}: the credential plugin `{command}` asks questions, and standard input is no terminal"
    )]
    NoTerminal {
        /// Who names it.
        place: Place,
        /// The program.
        command: String,
    },
    /// It was not done in time.
    #[error("{place}: the credential plugin `{command}` was not done in time")]
    TimedOut {
        /// Who names it.
        place: Place,
        /// The program.
        command: String,
    },
    /// It failed; what it printed to standard error has been seen.
    #[error("{place}: the credential plugin `{command}` failed ({status})")]
    Failed {
        /// Who names it.
        place: Place,
        /// The program.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// How to install it, in its author's words.
        install_hint: Option<String>,
    },
    /// What it printed is no credential. The text is left out: it may be one after all.
    #[error("{place}: the credential plugin `{command}` gave no credential: {reason}")]
    Nonsense {
        /// Who names it.
        place: Place,
        /// The program.
        command: String,
        /// What is wrong.
        reason: String,
    },
}

impl PluginError {
    /// How to install the plugin, in its author's words.
    pub fn install_hint(&self) -> Option<&str> {
        match self {
            Self::Start { install_hint, .. } | Self::Failed { install_hint, .. } => {
                install_hint.as_deref()
            }
            Self::NoTerminal { .. } | Self::TimedOut { .. } | Self::Nonsense { .. } => None,
        }
    }
}

/// What a plugin gave.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) token: Option<SecretString>,
    pub(crate) certificate: Option<ClientCertificate>,
    pub(crate) expires: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    kind: String,
    #[serde(default, rename = "apiVersion")]
    api_version: String,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<String>,
    expiration_timestamp: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

impl ExecPlugin {
    /// Runs the plugin. Dropping the future kills it.
    pub(crate) async fn run(&self) -> Result<Issued, PluginError> {
        let is_interactive = self.is_interactive(io::stdin().is_terminal())?;
        let mut spec = json!({"interactive": is_interactive});
        if let Some(cluster) = &self.cluster {
            spec["cluster"] = cluster.clone();
        }
        let info = json!({"kind": "ExecCredential", "apiVersion": self.api_version, "spec": spec});
        let output = Command::new(&self.command)
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .env("KUBERNETES_EXEC_INFO", info.to_string())
            .stdin(if is_interactive { Stdio::inherit() } else { Stdio::null() })
            // Where plugins ask for codes, and say what is wrong.
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|source| PluginError::Start {
                place: self.place.clone(),
                command: self.command.clone(),
                install_hint: self.install_hint.clone(),
                source,
            })?;
        if !output.status.success() {
            return Err(PluginError::Failed {
                place: self.place.clone(),
                command: self.command.clone(),
                status: output.status,
                install_hint: self.install_hint.clone(),
            });
        }
        self.read(&output.stdout)
    }

    /// Runs the plugin until the deadline at most.
    pub(crate) async fn run_until(&self, deadline: Instant) -> Result<Issued, PluginError> {
        timeout_at(deadline, self.run()).await.unwrap_or_else(|_| {
            Err(PluginError::TimedOut { place: self.place.clone(), command: self.command.clone() })
        })
    }

    fn is_interactive(&self, is_terminal: bool) -> Result<bool, PluginError> {
        match self.interactive {
            InteractiveMode::Never => Ok(false),
            InteractiveMode::IfAvailable => Ok(is_terminal),
            InteractiveMode::Always if is_terminal => Ok(true),
            InteractiveMode::Always => Err(PluginError::NoTerminal {
                place: self.place.clone(),
                command: self.command.clone(),
            }),
        }
    }

    fn read(&self, output: &[u8]) -> Result<Issued, PluginError> {
        let answer: Answer = serde_json::from_slice(output).map_err(|error| {
            // serde_json quotes values in some messages.
            self.nonsense(format!(
                "not an ExecCredential (line {}, column {})",
                error.line(),
                error.column()
            ))
        })?;
        if answer.kind != "ExecCredential" || answer.api_version != self.api_version {
            return Err(self.nonsense(format!(
                "it is of kind \"{}\" and apiVersion \"{}\", and should be an ExecCredential of {}",
                answer.kind, answer.api_version, self.api_version
            )));
        }
        let status = answer.status.ok_or_else(|| self.nonsense("it has no status"))?;
        let expires = status
            .expiration_timestamp
            .map(|text| {
                text.parse().map_err(|_| self.nonsense("its expirationTimestamp is no time"))
            })
            .transpose()?;
        let certificate = match (status.client_certificate_data, status.client_key_data) {
            (Some(certificate), Some(key)) => Some(ClientCertificate {
                certificate: certificate.into_bytes(),
                key: SecretString::from(key),
                place: self.place.clone(),
            }),
            (None, None) => None,
            _ => return Err(self.nonsense("it has half of a certificate and key")),
        };
        let token = status.token.filter(|token| !token.is_empty()).map(SecretString::from);
        if token.is_none() && certificate.is_none() {
            return Err(self.nonsense("it has neither a token nor a certificate"));
        }
        Ok(Issued { token, certificate, expires })
    }

    pub(super) fn nonsense(&self, reason: impl Into<String>) -> PluginError {
        PluginError::Nonsense {
            place: self.place.clone(),
            command: self.command.clone(),
            reason: reason.into(),
        }
    }
}
