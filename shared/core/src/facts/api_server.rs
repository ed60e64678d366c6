//! Where agents reach the API server.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where agents reach the API server, as written: `k8s-api-server-urls`, else `k8sServiceHost` and
/// `k8sServicePort`, or the environment that the chart makes of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiServer {
    /// Address or name.
    pub host: String,
    /// Port; empty where none is given.
    pub port: String,
    /// Where a pod takes the host from when it starts, such as `ConfigMap NAME key KEY`; the host
    /// is empty then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

impl fmt::Display for ApiServer {
    /// Host and port as in a URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

impl ApiServer {
    /// Host and port of a URL, or of what stands after the scheme of one; the usual port where none
    /// is given.
    pub fn of_url(url: &str, usual_port: &str) -> Self {
        let (_, authority) = url.split_once("://").unwrap_or(("", url));
        let authority = authority.split('/').next().unwrap_or_default();
        // Who asks is nobody's business.
        let authority = authority.rsplit('@').next().unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':') {
            // The colons of an IPv6 address without a port end in a bracket.
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (authority, usual_port),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Self { host: host.to_owned(), port: port.to_owned(), from: None }
    }
}
