//! What an API server's certificate is for.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// The certificate that an API server shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerCertificate {
    /// Names and addresses that it is for: its subject alternative names, which alone count for
    /// Go's TLS.
    pub names: Vec<String>,
}

impl ServerCertificate {
    /// Whether it is for a host, a name or an address.
    pub fn is_for(&self, host: &str) -> bool {
        self.names.iter().any(|name| covers(name, host))
    }
}

/// Whether a name of a certificate, perhaps `*.example`, is for a host.
fn covers(name: &str, host: &str) -> bool {
    if let Ok(address) = host.parse::<IpAddr>() {
        return name.parse() == Ok(address);
    }
    let (name, host) = (name.to_lowercase(), host.trim_end_matches('.').to_lowercase());
    match name.strip_prefix("*.") {
        Some(rest) => host.split_once('.').is_some_and(|(_, parent)| parent == rest),
        None => name == host,
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn names_cover_hosts() {
        for (name, host) in [
            ("10.24.0.2", "10.24.0.2"),
            ("fd00::1", "fd00:0::1"),
            ("lb.example", "LB.example."),
            ("*.example", "lb.example"),
        ] {
            assert!(covers(name, host), "{name} {host}");
        }
        for (name, host) in
            [("10.24.0.2", "10.24.0.3"), ("*.example", "a.b.example"), ("lb", "lb.example")]
        {
            assert!(!covers(name, host), "{name} {host}");
        }
    }
}
