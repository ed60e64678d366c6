//! What a client wants its connection to become.

use hyper::{HeaderMap, header};

/// The version in which clients can half-close, which newer API servers translate for kubelets.
const CLOSES: &str = "v5.channel.k8s.io";

/// What a client wants its connection to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upgrade {
    /// Something that is handed on as it is: SPDY, or an older version over a WebSocket.
    Opaque,
    /// A WebSocket that the API server ends itself (since 1.30), so that it can tell over it what
    /// went wrong behind it.
    Translated,
}

impl Upgrade {
    /// Reads the request's headers; none if the connection is to stay what it is.
    pub(super) fn of(headers: &HeaderMap, minor: u32) -> Option<Self> {
        let words = |name: header::HeaderName| {
            headers
                .get_all(name)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .map(|word| word.trim().to_ascii_lowercase())
                .collect::<Vec<_>>()
        };
        if !words(header::CONNECTION).iter().any(|word| word == "upgrade") {
            return None;
        }
        let websocket = words(header::UPGRADE).iter().any(|word| word == "websocket");
        let closes = words(header::SEC_WEBSOCKET_PROTOCOL).iter().any(|word| word == CLOSES);
        Some(if websocket && closes && minor >= 30 { Self::Translated } else { Self::Opaque })
    }
}

#[cfg(test)]
mod tests {
    use hyper::{HeaderMap, header};

    use super::Upgrade;

    #[test]
    fn newer_servers_end_newer_websockets() {
        let mut headers = HeaderMap::new();
        assert_eq!(Upgrade::of(&headers, 35), None);
        headers.insert(header::CONNECTION, "Upgrade".parse().unwrap());
        headers.insert(header::UPGRADE, "SPDY/3.1".parse().unwrap());
        assert_eq!(Upgrade::of(&headers, 35), Some(Upgrade::Opaque));
        headers.insert(header::UPGRADE, "websocket".parse().unwrap());
        let versions = "v5.channel.k8s.io, v4.channel.k8s.io";
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, versions.parse().unwrap());
        assert_eq!(Upgrade::of(&headers, 35), Some(Upgrade::Translated));
        assert_eq!(Upgrade::of(&headers, 28), Some(Upgrade::Opaque));
    }
}
