//! An address of the API server, and whether agents on other machines could use it.

use std::{fmt, net::IpAddr};

use kcilium_cluster::kubeconfig::ServerUrl;

/// What kubeadm takes where its `controlPlaneEndpoint` has no port.
const KUBEADM_PORT: u16 = 6443;

/// Where agents find the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Name or address; an IPv6 address without brackets, as the chart wants it.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Who says so.
    pub source: String,
    /// Why it is this one.
    pub reason: String,
}

/// Host and port as found, not judged yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

impl Place {
    /// A `controlPlaneEndpoint`: host or address, mostly with a port, and IPv6 also without
    /// brackets.
    pub(super) fn of_kubeadm(text: &str) -> Option<Self> {
        let text = text.trim();
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']')?;
                (host, rest.strip_prefix(':'))
            }
            None => match text.split_once(':') {
                Some((_, rest)) if rest.contains(':') => (text, None),
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = match port {
            None | Some("") => KUBEADM_PORT,
            Some(port) => port.parse().ok()?,
        };
        (!host.is_empty()).then(|| Self { host: host.to_owned(), port })
    }

    /// Of a URL; without a port that of its scheme.
    pub(super) fn of_url(url: &ServerUrl) -> Self {
        Self { host: url.host().to_owned(), port: url.port() }
    }

    /// The address, where the host is none by name.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.host.parse::<IpAddr>().ok().map(|address| address.to_canonical())
    }
}

/// Why no other machine can use a host, by the looks of it alone.
pub(super) fn only_here(host: &str) -> Option<&'static str> {
    let Ok(address) = host.parse::<IpAddr>() else {
        let name = host.trim_end_matches('.').to_lowercase();
        let is_loopback = name == "localhost"
            || name.ends_with(".localhost")
            || name.ends_with("docker.internal");
        return is_loopback.then_some("is a name of this machine itself, the end of a tunnel");
    };
    let address = address.to_canonical();
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    if address.is_loopback() {
        Some("is a loopback address, the end of a tunnel or of a port forwarded to this machine")
    } else if address.is_unspecified() {
        Some("is no address of any machine")
    } else if is_link_local {
        Some("is valid on one link only")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, only_here};

    #[test]
    fn control_plane_endpoints() {
        let shown = |text| Place::of_kubeadm(text).map(|place| place.to_string());
        for (text, place) in [
            ("10.24.0.100:8443", "10.24.0.100:8443"),
            ("10.24.0.100", "10.24.0.100:6443"),
            ("lb.kubesphere.local:6443", "lb.kubesphere.local:6443"),
            ("lb:", "lb:6443"),
            ("[fd00::1]:6443", "[fd00::1]:6443"),
            ("[fd00::1]", "[fd00::1]:6443"),
            ("fd00::1", "[fd00::1]:6443"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(place), "{text}");
        }
        for text in ["", ":6443", "lb:x", "[fd00::1", "lb:66000"] {
            assert_eq!(shown(text), None, "{text}");
        }
    }

    #[test]
    fn hosts_that_are_of_no_use_elsewhere() {
        for host in [
            "127.0.0.1",
            "127.8.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "0.0.0.0",
            "::",
            "169.254.1.1",
            "fe80::1",
            "localhost",
            "LOCALHOST.",
            "kubernetes.docker.internal",
        ] {
            assert!(only_here(host).is_some(), "{host}");
        }
        for host in ["10.24.0.2", "fd00::1", "lb.kubesphere.local", "api.localhost.example"] {
            assert_eq!(only_here(host), None, "{host}");
        }
    }
}
