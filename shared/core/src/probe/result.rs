//! What became of a probe.

use std::{collections::BTreeMap, net::IpAddr, net::SocketAddr};

use serde::{Deserialize, Serialize};

use super::ProbeId;
use crate::facts::LinkName;

/// What became of one probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeResult {
    /// The probe's name in the request.
    pub id: ProbeId,
    /// Its kind, as the request spells it.
    pub kind: String,
    /// Whom it went to, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub target: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How far it had come, where it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// What the kernel said, where it said something. A timeout has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errno: Option<SystemError>,
    /// The same in words, for what is no error of the kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How curl would have ended, where it can send the same: the number that tests of connectivity
    /// print.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curl: Option<CurlExit>,
    /// The address that the probe went to; for a name, the one that was resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<IpAddr>,
    /// The way by which it left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<Way>,
    /// How long it took, milliseconds.
    #[serde(default)]
    pub millis: u32,
    /// What came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

/// How a probe ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It got the answer that it asks for.
    Ok,
    /// A server listens; the line is followed by another one when it ends.
    Listening,
    /// The peer refused (`ECONNREFUSED`). It, or something in its name, was reached.
    Refused,
    /// The connection was there, and was reset.
    Reset,
    /// A DNS server answered, and has no address for the name.
    NoSuchName,
    /// Something else came back than was asked for.
    Unexpected,
    /// Small packets come back, large ones do not, although interface and route would take them.
    TooNarrow,
    /// Nothing came back in time.
    Timeout,
    /// The kernel has no way, or was told that there is none (`ENETUNREACH`, `EHOSTUNREACH`; a
    /// connection that ICMP refuses, `ECONNREFUSED`).
    Unreachable,
    /// This host itself forbids it (`EPERM`, `EACCES`): a firewall, a route, a missing capability.
    Denied,
    /// It could not be sent for another reason.
    Failed,
    /// It was not sent, or not waited for: the deadline came, or the order to end.
    #[serde(other)]
    NotRun,
}

impl Outcome {
    /// Every outcome, in the order in which a summary keeps them last to first.
    pub const ALL: [Self; 12] = [
        Self::Ok,
        Self::Listening,
        Self::Refused,
        Self::Reset,
        Self::NoSuchName,
        Self::Unexpected,
        Self::TooNarrow,
        Self::Timeout,
        Self::Unreachable,
        Self::Denied,
        Self::Failed,
        Self::NotRun,
    ];

    /// The name, as JSON spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Listening => "listening",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::NoSuchName => "no-such-name",
            Self::Unexpected => "unexpected",
            Self::TooNarrow => "too-narrow",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::NotRun => "not-run",
        }
    }

    /// Whether packets went there and back: `None` where the probe does not say.
    ///
    /// A refusal counts: a closed port behind a path that works is no problem of the path. A firewall
    /// on the way can refuse in the peer's name, though, with a reset of its own.
    pub fn is_reached(self) -> Option<bool> {
        match self {
            Self::Ok
            | Self::Refused
            | Self::Reset
            | Self::NoSuchName
            | Self::Unexpected
            | Self::TooNarrow => Some(true),
            Self::Timeout | Self::Unreachable => Some(false),
            Self::Listening | Self::Denied | Self::Failed | Self::NotRun => None,
        }
    }
}

/// How far a probe had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The peer's name was being looked up.
    Resolve,
    /// The connection was being made.
    Connect,
    /// The question was sent, or the connection was there: the answer was waited for.
    #[serde(other)]
    Answer,
}

/// An error of the kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemError {
    /// Its number.
    pub number: i32,
    /// Its name (`ECONNREFUSED`); empty for those that no probe is known to meet.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it means.
    pub text: String,
}

/// How curl ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurlExit {
    /// Its exit code.
    pub code: u8,
    /// What that says.
    pub words: String,
}

impl CurlExit {
    /// How curl would end where a connection over TCP, HTTP or TLS ended so.
    pub fn of(outcome: Outcome, phase: Option<Phase>) -> Option<Self> {
        let (code, words) = match (outcome, phase) {
            (Outcome::Ok, _) => return None,
            (Outcome::Timeout, Some(Phase::Resolve)) => (28, "resolving timed out"),
            (Outcome::Timeout, Some(Phase::Connect)) => (28, "connection timed out"),
            (Outcome::Timeout, _) => (28, "operation timed out"),
            (_, Some(Phase::Resolve)) | (Outcome::NoSuchName, _) => (6, "could not resolve host"),
            (Outcome::Refused | Outcome::Unreachable | Outcome::Denied, Some(Phase::Connect)) => {
                (7, "failed to connect to host")
            }
            (Outcome::Reset, _) => (56, "failure in receiving network data"),
            _ => return None,
        };
        Some(Self { code, words: words.into() })
    }
}

/// The way by which a probe left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// Source address of the packets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
    /// Interface, as the kernel answers for the peer's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkName>,
    /// Router, as the kernel answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// From a DNS server.
    Dns(DnsAnswer),
    /// From an HTTP server.
    Http(HttpAnswer),
    /// From a TLS server.
    Tls(TlsAnswer),
    /// What the path takes.
    PathMtu(PathMtu),
    /// From an echo server.
    Echo(Echoed),
    /// What an echo server heard.
    Served(Served),
    /// Counters.
    Counters(Counters),
}

/// What a DNS server said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsAnswer {
    /// `NOERROR`, `NXDOMAIN`, `SERVFAIL`, `REFUSED` … or a number.
    pub rcode: String,
    /// Addresses of the name, at most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// Whether the answer was cut (TC): the rest is to be had over TCP.
    #[serde(default, skip_serializing_if = "crate::facts::is_zero")]
    pub truncated: bool,
}

impl DnsAnswer {
    /// The name of a response code (RFC 1035, RFC 2136), or its number.
    pub fn rcode(code: u8) -> String {
        const NAMES: [&str; 11] = [
            "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN",
            "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE",
        ];
        NAMES.get(usize::from(code)).map_or_else(|| code.to_string(), |name| (*name).into())
    }

    /// Whether it is one to a question after an address. Of what was cut off the rest is to be had over
    /// TCP, which is asked separately.
    ///
    /// # Errors
    /// Why the name has none ([`Outcome::NoSuchName`]).
    pub fn has_address(&self, is_any_told: bool) -> Result<(), String> {
        if self.rcode != "NOERROR" {
            return Err(format!("the server answers {}", self.rcode));
        }
        if is_any_told || self.truncated {
            return Ok(());
        }
        Err("the name has no such address".to_owned())
    }
}

/// What an HTTP server said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpAnswer {
    /// Status code.
    pub status: u16,
    /// `Server`, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// `Location`: where it would have one go, as captive portals do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// What a TLS server said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TlsAnswer {
    /// It goes on.
    ServerHello,
    /// It does not, with the number of its reason.
    Alert(u8),
}

/// What a path takes. All sizes are those of whole IP packets, bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathMtu {
    /// MTU of the interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<u32>,
    /// MTU of the route, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<u32>,
    /// Largest packet that came back.
    pub passed: u32,
    /// Smallest larger one that did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<u32>,
    /// What a router on the way says it takes (`fragmentation needed`). Without it a path that is
    /// too narrow swallows what is too large: a black hole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<u32>,
}

/// What an echo server said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Echoed {
    /// The sender's address as the server saw it: another than [`Way::source`] where somebody
    /// translates addresses on the way.
    pub seen_as: SocketAddr,
}

/// What an echo server heard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// Where it listened.
    pub port: u16,
    /// Whom it heard; of many the first 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heard: Vec<Heard>,
    /// What came from others than probes, or from more senders than are listed.
    #[serde(default, skip_serializing_if = "crate::facts::is_zero")]
    pub others: u64,
}

/// A sender that an echo server heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// Its address, as seen here.
    pub from: IpAddr,
    /// How its messages travelled.
    pub transport: super::Transport,
    /// Messages.
    pub messages: u64,
}

/// By how much counters rose. Those that did not are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Of interfaces.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub links: BTreeMap<LinkName, LinkCounters>,
    /// Of protocols, such as `TcpExt.IPReversePathFilter`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub protocols: BTreeMap<String, u64>,
}

/// Counters of an interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LinkCounters {
    /// Packets received.
    pub received: u64,
    /// Packets sent.
    pub sent: u64,
    /// Received packets that were dropped or broken.
    #[serde(skip_serializing_if = "crate::facts::is_zero")]
    pub receive_failures: u64,
    /// Packets that could not be sent.
    #[serde(skip_serializing_if = "crate::facts::is_zero")]
    pub send_failures: u64,
}

impl ProbeResult {
    /// A result of which nothing but the outcome is known.
    pub fn new(
        id: ProbeId,
        kind: impl Into<String>,
        target: impl Into<String>,
        outcome: Outcome,
    ) -> Self {
        Self {
            id,
            kind: kind.into(),
            target: target.into(),
            outcome,
            phase: None,
            errno: None,
            why: None,
            curl: None,
            peer: None,
            way: None,
            millis: 0,
            answer: None,
        }
    }
}

impl Counters {
    /// By how much they rose since `before`; what did not rise is left out.
    #[must_use]
    pub fn since(mut self, before: &Self) -> Self {
        for (name, now) in &mut self.links {
            let before = before.links.get(name).copied().unwrap_or_default();
            *now = LinkCounters {
                received: now.received.saturating_sub(before.received),
                sent: now.sent.saturating_sub(before.sent),
                receive_failures: now.receive_failures.saturating_sub(before.receive_failures),
                send_failures: now.send_failures.saturating_sub(before.send_failures),
            };
        }
        for (name, now) in &mut self.protocols {
            *now = now.saturating_sub(before.protocols.get(name).copied().unwrap_or_default());
        }
        self.links.retain(|_, now| *now != LinkCounters::default());
        self.protocols.retain(|_, now| *now != 0);
        self
    }
}
