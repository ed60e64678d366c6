//! Looking at a live cluster: the flags that say how, the connection, and what to say without one.

use std::time::Duration;

use clap::Args;
use clap_complete::ArgValueCompleter;
use kcilium_cluster::{
    Api, ApiError, ConnectError, Limits,
    kubeconfig::{Connection, Credential},
};
use tokio::time::Instant;

use crate::{Exit, Failure, KubernetesFlags, completion::values, kubernetes_flags::time};

/// How to look at a live cluster.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "How to look at the cluster")]
pub struct Live {
    /// Namespace that Cilium is in, if it is not found
    #[arg(short, long, value_name = "NAME", add = ArgValueCompleter::new(values::namespaces))]
    pub namespace: Option<String>,
    /// How long the whole run may take, such as 60s or 5m
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "60s")]
    pub timeout: Duration,
    /// How many requests are under way at once
    #[arg(
        long,
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u8).range(1..),
        default_value_t = 8
    )]
    pub concurrency: u8,
}

/// Connects as the flags say.
///
/// # Errors
/// When credentials, certificates or the proxy are of no use.
pub async fn connect(
    connection: &Connection,
    live: &Live,
    kubernetes: &KubernetesFlags,
) -> Result<Api, Failure> {
    let limits = Limits {
        deadline: Instant::now() + live.timeout,
        request: kubernetes.request_timeout().unwrap_or(live.timeout),
        concurrency: usize::from(live.concurrency),
    };
    let api = Api::connect(connection, limits).await.map_err(|error| {
        let hint = match &error {
            ConnectError::Plugin(plugin) => plugin.install_hint().map(str::to_owned),
            _ => None,
        };
        let failure = Failure::could_not_run(error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })?;
    if let Some(observer) = kubernetes.observer() {
        api.observe(observer);
    }
    Ok(api)
}

/// What to say when the API server cannot be asked at all.
pub fn unreachable(error: ApiError, connection: &Connection) -> Failure {
    let server = &connection.server;
    let hint = match &error {
        ApiError::Unauthorized { .. } => {
            Some(match (&connection.credential, &connection.certificate) {
                (Credential::None, None) => format!(
                    "the kubeconfig gives user {} no credentials",
                    connection
                        .user
                        .as_deref()
                        .map_or_else(|| "(none)".into(), |user| format!("\"{user}\""))
                ),
                _ => "a token or certificate that has run out looks like this; log in again".into(),
            })
        }
        ApiError::Certificate { .. } => Some(
            "the kubeconfig may be of another cluster, or something answers in the server's place"
                .into(),
        ),
        _ => None,
    };
    let failure = Failure::new(
        Exit::CouldNotRun,
        anyhow::Error::new(error)
            .context(format!("cannot ask the API server {server}{}", named(connection))),
    );
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn named(connection: &Connection) -> String {
    connection.context.as_ref().map_or_else(String::new, |context| format!(" (context {context})"))
}
