//! kubectl's own flags: which cluster, as whom, and how long to wait.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use clap::{ArgAction, Args};
use clap_complete::ArgValueCompleter;
use jiff::SignedDuration;
use kcilium_cluster::{
    Observer,
    kubeconfig::{Connection, ConnectionFlags, Environment, Impersonation, KubeconfigError},
};
use secrecy::SecretString;

use crate::{Failure, completion::values, request_log};

/// The flags of kubectl that say how to reach the API server. All plugins take them.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Kubernetes options")]
pub struct KubernetesFlags {
    /// Kubeconfig file, instead of those of KUBECONFIG or ~/.kube/config
    #[arg(long, value_name = "FILE", global = true)]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig, instead of the current one
    #[arg(long, value_name = "NAME", global = true, add = ArgValueCompleter::new(values::contexts))]
    context: Option<String>,
    /// Cluster of the kubeconfig, instead of the context's
    #[arg(
        long,
        value_name = "NAME",
        global = true,
        hide_short_help = true,
        add = ArgValueCompleter::new(values::clusters)
    )]
    cluster: Option<String>,
    /// User of the kubeconfig, instead of the context's
    #[arg(
        long,
        value_name = "NAME",
        global = true,
        hide_short_help = true,
        add = ArgValueCompleter::new(values::users)
    )]
    user: Option<String>,
    /// Address of the API server
    #[arg(short, long, value_name = "URL", global = true, hide_short_help = true)]
    server: Option<String>,
    /// Name that the server's certificate must be for
    #[arg(long, value_name = "NAME", global = true, hide_short_help = true)]
    tls_server_name: Option<String>,
    /// Take any certificate of the server for good
    #[arg(
        long,
        value_name = "BOOL",
        global = true,
        hide_short_help = true,
        action = ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_value_t = false,
        default_missing_value = "true",
        hide_default_value = true,
        hide_possible_values = true
    )]
    insecure_skip_tls_verify: bool,
    /// File with the certificates of the authorities to trust
    #[arg(long, value_name = "FILE", global = true, hide_short_help = true)]
    certificate_authority: Option<PathBuf>,
    /// File with a client certificate
    #[arg(long, value_name = "FILE", global = true, hide_short_help = true)]
    client_certificate: Option<PathBuf>,
    /// File with the client certificate's key
    #[arg(long, value_name = "FILE", global = true, hide_short_help = true)]
    client_key: Option<PathBuf>,
    /// Bearer token
    #[arg(long, value_name = "TOKEN", global = true, hide_short_help = true)]
    token: Option<SecretString>,
    /// User to act as
    #[arg(long = "as", value_name = "NAME", global = true, hide_short_help = true)]
    impersonate: Option<String>,
    /// UID to act as
    #[arg(long = "as-uid", value_name = "UID", global = true, hide_short_help = true)]
    impersonate_uid: Option<String>,
    /// Group to act as; may be repeated
    #[arg(long = "as-group", value_name = "GROUP", global = true, hide_short_help = true)]
    impersonate_group: Vec<String>,
    /// Extra field of the user to act as; may be repeated
    #[arg(
        long = "as-user-extra",
        value_name = "KEY=VALUE",
        global = true,
        hide_short_help = true,
        value_parser = key_and_value
    )]
    impersonate_extra: Vec<(String, String)>,
    /// How long one request may take, such as 5s or 2m; 0 for as long as the run
    #[arg(
        long,
        value_name = "TIME",
        global = true,
        hide_short_help = true,
        value_parser = time,
        default_value = "20s"
    )]
    request_timeout: Duration,
    /// Ask for answers that are not compressed
    #[arg(
        long,
        value_name = "BOOL",
        global = true,
        hide_short_help = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        hide_possible_values = true
    )]
    disable_compression: Option<bool>,
    /// How much to say of requests, on standard error: from 6 on each with its answer, from 7 on its
    /// form and size too; never a secret
    #[arg(
        short = 'v',
        long = "v",
        value_name = "LEVEL",
        global = true,
        hide_short_help = true,
        default_value_t = 0,
        hide_default_value = true
    )]
    verbosity: u8,
}

impl KubernetesFlags {
    /// Finds out which API server is meant.
    ///
    /// # Errors
    /// When flags, kubeconfig and environment lead to none.
    pub fn connection(&self) -> Result<Connection, Failure> {
        Connection::resolve(&self.flags(), &Environment::of_process()).map_err(failure)
    }

    /// How long one request may take; none for no limit of its own.
    pub fn request_timeout(&self) -> Option<Duration> {
        Some(self.request_timeout).filter(|time| !time.is_zero())
    }

    /// Whether each request is shown on standard error.
    pub fn shows_requests(&self) -> bool {
        self.verbosity >= request_log::REQUESTS
    }

    /// What follows the requests, if anything is to be said of them.
    pub fn observer(&self) -> Option<Observer> {
        request_log::observer(self.verbosity)
    }

    pub(crate) fn flags(&self) -> ConnectionFlags {
        let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, value) in &self.impersonate_extra {
            extra.entry(key.clone()).or_default().push(value.clone());
        }
        ConnectionFlags {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
            server: self.server.clone(),
            tls_server_name: self.tls_server_name.clone(),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify,
            certificate_authority: self.certificate_authority.clone(),
            client_certificate: self.client_certificate.clone(),
            client_key: self.client_key.clone(),
            token: self.token.clone(),
            impersonation: Impersonation {
                user: self.impersonate.clone(),
                uid: self.impersonate_uid.clone(),
                groups: self.impersonate_group.clone(),
                extra,
            },
            disable_compression: self.disable_compression,
        }
    }
}

fn failure(error: KubeconfigError) -> Failure {
    let hint = error.hint();
    let failure = Failure::could_not_run(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| "not KEY=VALUE".to_owned())
}

/// Reads a time as kubectl does: a number of seconds, or numbers with units.
///
/// # Errors
/// What is wrong with it.
pub fn time(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|time| Duration::try_from(time).ok())
        .ok_or_else(|| "not a time such as 30s, 2m or 1h".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::time;

    #[test]
    fn times_are_read_as_kubectl_reads_them() {
        assert_eq!(time("5"), Ok(Duration::from_secs(5)));
        assert_eq!(time("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(time("0"), Ok(Duration::ZERO));
        for text in ["", "x", "-5s", "5 parsecs"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
