//! The API server's URL.

use std::fmt;

use http::Uri;

/// Where the API server is: scheme, host, port and, behind a gateway such as Rancher's, a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl(Uri);

impl ServerUrl {
    /// Reads a URL. Like kubectl, takes `host:port` for plain HTTP whatever the kubeconfig says of
    /// certificates: `--server localhost:8001` is how `kubectl proxy` is used.
    ///
    /// # Errors
    /// What is wrong, to be read after the URL.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("is empty");
        }
        let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = full.parse().map_err(|_| "is not a URL")?;
        match uri.scheme_str() {
            Some("https" | "http") => {}
            _ => return Err("is neither https nor http"),
        }
        if uri.host().is_none_or(str::is_empty) {
            return Err("has no host");
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("holds a user name; credentials belong to the user");
        }
        if uri.query().is_some() {
            return Err("has a query");
        }
        Ok(Self(uri))
    }

    /// As a URI.
    pub fn uri(&self) -> &Uri {
        &self.0
    }

    /// The host, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        self.0.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    /// The port, said or the scheme's own.
    pub fn port(&self) -> u16 {
        self.0.port_u16().unwrap_or(if self.is_tls() { 443 } else { 80 })
    }

    /// Whether it speaks TLS.
    pub fn is_tls(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }
}

/// A URL for messages: without a user name and password, which do not belong there.
pub(super) fn without_login(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    match rest.rsplit_once('@') {
        Some((_, rest)) if scheme.is_empty() => format!("...@{rest}"),
        Some((_, rest)) => format!("{scheme}://...@{rest}"),
        None => url.to_owned(),
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_string().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::ServerUrl;

    #[test]
    fn a_bare_host_gets_a_scheme() {
        let shown = |text| ServerUrl::parse(text).map(|url| url.to_string());
        assert_eq!(shown("localhost:8001").unwrap(), "http://localhost:8001");
        assert_eq!(shown("https://r.example/k8s/c/x/").unwrap(), "https://r.example/k8s/c/x");
        assert_eq!(shown(" HTTPS://r.example").unwrap(), "https://r.example");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in
            ["", "  ", "https://", "ftp://x", "https://u:p@x", "https://x y", "https://x?a=b"]
        {
            assert!(ServerUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ports_have_defaults() {
        let url = ServerUrl::parse("https://[fd00::1]").unwrap();
        assert_eq!((url.host(), url.port()), ("fd00::1", 443));
        assert_eq!(ServerUrl::parse("http://x").unwrap().port(), 80);
    }
}
