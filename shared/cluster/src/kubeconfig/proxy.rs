//! The proxy on the way to the API server, as Go's `http.ProxyFromEnvironment` finds it.

use std::net::IpAddr;

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use super::{Environment, KubeconfigError, ServerUrl, cluster::ClusterSettings, files::Place};

/// Chooses the proxy. A `proxy-url` is used as it is; `NO_PROXY` holds for the environment's
/// proxies only.
pub(super) fn choose(
    settings: &ClusterSettings,
    server: &ServerUrl,
    environment: &Environment,
) -> Result<Option<Uri>, KubeconfigError> {
    if let Some((url, place)) = &settings.proxy_url {
        return parse(url, place).map(Some);
    }
    let (proxy, variable) = if server.is_tls() {
        (&environment.https_proxy, "HTTPS_PROXY")
    } else {
        (&environment.http_proxy, "HTTP_PROXY")
    };
    match proxy {
        Some(url) if !is_exempt(server, environment.no_proxy.as_deref().unwrap_or_default()) => {
            parse(url, &Place::Variable(variable)).map(Some)
        }
        _ => Ok(None),
    }
}

fn parse(url: &str, place: &Place) -> Result<Uri, KubeconfigError> {
    // Go takes `host:port` for an http proxy, and lets every SOCKS proxy look up names.
    let full = match url.split_once("://") {
        None => format!("http://{url}"),
        Some(("socks5h", rest)) => format!("socks5://{rest}"),
        Some(_) => url.to_owned(),
    };
    full.parse::<Uri>()
        .ok()
        .filter(|uri| uri.host().is_some_and(|host| !host.is_empty()))
        .filter(|uri| matches!(uri.scheme_str(), Some("http" | "https" | "socks5")))
        .ok_or_else(|| KubeconfigError::Setting {
            place: place.clone(),
            // The URL may hold a password.
            reason: "the proxy is not a URL with http, https or socks5".into(),
        })
}

/// Whether `NO_PROXY` or loopback exempts the server. The matcher knows domains, addresses and
/// CIDRs; Go also takes `host:port`, and never sends loopback through a proxy.
fn is_exempt(server: &ServerUrl, no_proxy: &str) -> bool {
    let host = server.host();
    if host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()) {
        return true;
    }
    let entries = no_proxy.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let (mut plain, mut ours) = (Vec::new(), false);
    for entry in entries {
        match entry.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => {
                if port.parse() == Ok(server.port()) {
                    plain.push(name.trim_start_matches('[').trim_end_matches(']'));
                }
            }
            _ => plain.push(entry),
        }
        ours |= plain.last() == Some(&host);
    }
    // A made-up proxy: what counts is whether it would be passed by.
    let matcher = Matcher::builder().all("http://proxy.invalid").no(plain.join(",")).build();
    ours || matcher.intercept(server.uri()).is_none()
}

#[cfg(test)]
mod tests {
    use super::{ServerUrl, is_exempt};

    fn exempt(server: &str, no_proxy: &str) -> bool {
        is_exempt(&ServerUrl::parse(server).unwrap(), no_proxy)
    }

    #[test]
    fn the_api_server_is_compared_and_not_the_proxy() {
        assert!(exempt("https://10.0.0.1:6443", "10.0.0.1"));
        assert!(exempt("https://10.0.0.1:6443", "10.0.0.0/8,"));
        assert!(exempt("https://10.0.0.1:6443", "a, 10.0.0.1:6443"));
        assert!(!exempt("https://10.0.0.1:6443", "10.0.0.1:443"));
        assert!(!exempt("https://10.0.0.1:6443", "10.0.0.2"));
        assert!(exempt("https://k8s.corp:6443", ".corp"));
        assert!(exempt("https://k8s.corp:6443", "corp"));
        assert!(exempt("https://k8s.corp:6443", "*"));
        assert!(exempt("https://[fd00::1]:6443", "fd00::1"));
        assert!(exempt("https://[fd00::1]:6443", "[fd00::1]:6443"));
        assert!(exempt("https://[fd00::1]:6443", "fd00::/64"));
        assert!(!exempt("https://k8s.corp:6443", ""));
    }

    #[test]
    fn loopback_needs_no_entry() {
        assert!(exempt("https://127.0.0.1:6443", ""));
        assert!(exempt("https://[::1]:6443", ""));
        assert!(exempt("https://localhost:6443", ""));
    }
}
