//! Which streaming protocol a client and the kubelet speak.

use hyper::{
    HeaderMap, Response, StatusCode,
    header::{self, HeaderValue},
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{
    outcome::Telling,
    reply::{self, Body},
};

/// Names the versions in SPDY's handshake.
const STREAM_PROTOCOL: &str = "x-stream-protocol-version";
/// Tells a client what it could have asked for.
const ACCEPTED_PROTOCOLS: &str = "x-accepted-stream-protocol-versions";

const V5: &str = "v5.channel.k8s.io";
const V4: &str = "v4.channel.k8s.io";
const OVER_SPDY: [&str; 5] = [V5, V4, "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"];
const OVER_WEBSOCKET: [&str; 3] = [V5, V4, "channel.k8s.io"];

/// What carries the channels of an `exec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// Streams of SPDY/3.1.
    Spdy,
    /// Binary frames that begin with a channel's number.
    WebSocket {
        /// Since v5 the client can say that a channel is at its end.
        half_close: bool,
    },
}

/// What the two agreed on.
pub(super) struct Negotiated {
    /// What carries the channels.
    pub carrier: Carrier,
    /// How the end is told.
    pub telling: Telling,
    /// The answer that switches protocols.
    pub response: Response<Body>,
}

/// Why there is nothing to speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The request is no upgrade that is known.
    NoUpgrade,
    /// None of the versions that were offered for SPDY is known.
    NoVersion(Vec<String>),
    /// The WebSocket's handshake is wrong.
    BadHandshake(&'static str),
}

impl Refusal {
    /// The answer.
    pub(super) fn response(&self) -> Response<Body> {
        match self {
            Self::NoUpgrade => {
                let text = "unable to upgrade: missing upgrade headers in request";
                reply::plain(StatusCode::BAD_REQUEST, text)
            }
            Self::BadHandshake(why) => reply::plain(StatusCode::BAD_REQUEST, *why),
            Self::NoVersion(offered) => {
                let text = format!(
                    "unable to upgrade: unable to negotiate protocol: client supports [{}], server accepts [{}]",
                    offered.join(" "),
                    OVER_SPDY.join(" ")
                );
                let mut response = reply::plain(StatusCode::FORBIDDEN, text);
                for protocol in OVER_SPDY {
                    let protocol = HeaderValue::from_static(protocol);
                    response.headers_mut().append(ACCEPTED_PROTOCOLS, protocol);
                }
                response
            }
        }
    }
}

/// Picks the protocol.
pub(super) fn negotiate(headers: &HeaderMap) -> Result<Negotiated, Refusal> {
    let has = |name: header::HeaderName, wanted: &str| {
        words(headers, name.as_str()).iter().any(|word| word.eq_ignore_ascii_case(wanted))
    };
    if !has(header::CONNECTION, "upgrade") {
        Err(Refusal::NoUpgrade)
    } else if has(header::UPGRADE, "websocket") {
        websocket(headers)
    } else if has(header::UPGRADE, "SPDY/3.1") {
        spdy(headers)
    } else {
        Err(Refusal::NoUpgrade)
    }
}

fn spdy(headers: &HeaderMap) -> Result<Negotiated, Refusal> {
    let offered = words(headers, STREAM_PROTOCOL);
    let Some(protocol) = first_known(&offered, &OVER_SPDY) else {
        return Err(Refusal::NoVersion(offered.into_iter().map(str::to_owned).collect()));
    };
    let mut response = switching("SPDY/3.1");
    response.headers_mut().insert(STREAM_PROTOCOL, HeaderValue::from_static(protocol));
    Ok(Negotiated { carrier: Carrier::Spdy, telling: telling(protocol), response })
}

fn websocket(headers: &HeaderMap) -> Result<Negotiated, Refusal> {
    let key = headers
        .get(header::SEC_WEBSOCKET_KEY)
        .ok_or(Refusal::BadHandshake("missing Sec-WebSocket-Key"))?;
    let offered = words(headers, header::SEC_WEBSOCKET_PROTOCOL.as_str());
    let protocol = first_known(&offered, &OVER_WEBSOCKET);
    // Who offers nothing gets the first version of the protocol.
    if protocol.is_none() && !offered.is_empty() {
        return Err(Refusal::BadHandshake("bad websocket protocol"));
    }
    let mut response = switching("websocket");
    let headers = response.headers_mut();
    if let Ok(accept) = derive_accept_key(key.as_bytes()).parse() {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(protocol) = protocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    }
    let carrier = Carrier::WebSocket { half_close: protocol == Some(V5) };
    Ok(Negotiated { carrier, telling: telling(protocol.unwrap_or_default()), response })
}

fn telling(protocol: &str) -> Telling {
    if matches!(protocol, V5 | V4) { Telling::Status } else { Telling::Text }
}

/// The client's order decides, as upstream has it.
fn first_known(offered: &[&str], known: &[&'static str]) -> Option<&'static str> {
    offered.iter().find_map(|offer| known.iter().find(|known| *known == offer)).copied()
}

/// The comma-separated words of a header that may come more than once.
fn words<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .collect()
}

fn switching(protocol: &'static str) -> Response<Body> {
    let mut response = reply::plain(StatusCode::SWITCHING_PROTOCOLS, "");
    let headers = response.headers_mut();
    headers.clear();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static(protocol));
    response
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;

    use super::{Carrier, Refusal, negotiate};
    use crate::endpoint::outcome::Telling;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_first_version_that_both_know_is_spoken() {
        let spdy = |versions: &'static str| {
            negotiate(&headers(&[
                ("connection", "Upgrade"),
                ("upgrade", "SPDY/3.1"),
                ("x-stream-protocol-version", versions),
            ]))
        };
        let agreed = spdy("v9.channel.k8s.io, v4.channel.k8s.io, channel.k8s.io").ok().unwrap();
        assert_eq!((agreed.carrier, agreed.telling), (Carrier::Spdy, Telling::Status));
        assert_eq!(agreed.response.headers()["x-stream-protocol-version"], "v4.channel.k8s.io");
        let refusal = spdy("v9.channel.k8s.io").err().unwrap();
        assert_eq!(refusal.response().status(), 403);
    }

    #[test]
    fn websockets_without_a_version_speak_the_first() {
        let mut request = headers(&[
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ]);
        let agreed = negotiate(&request).ok().unwrap();
        assert_eq!(agreed.carrier, Carrier::WebSocket { half_close: false });
        assert_eq!(agreed.telling, Telling::Text);
        // The example of RFC 6455.
        let accept = &agreed.response.headers()["sec-websocket-accept"];
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        request.insert("sec-websocket-protocol", "v5.channel.k8s.io".parse().unwrap());
        let agreed = negotiate(&request).ok().unwrap();
        assert_eq!(agreed.carrier, Carrier::WebSocket { half_close: true });
        request.insert("sec-websocket-protocol", "chat".parse().unwrap());
        assert_eq!(
            negotiate(&request).err(),
            Some(Refusal::BadHandshake("bad websocket protocol"))
        );
        assert_eq!(negotiate(&HeaderMap::new()).err(), Some(Refusal::NoUpgrade));
    }
}
