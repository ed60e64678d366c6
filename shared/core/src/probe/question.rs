//! What is sent, and to whom.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

/// Largest message that is echoed, bytes.
const MAX_ECHO: u16 = 8192;
/// Longest request for a path, bytes: Go's servers take headers of 1 MiB, nginx and Apache 8 KiB.
const MAX_HTTP: u16 = 8000;
/// What the header of an echoed message and an address in words take, bytes.
const MIN_ECHO: u16 = 64;

/// What is sent, and to whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Question {
    /// A name, asked of a DNS server.
    Dns {
        /// The server; without one, each that `/etc/resolv.conf` names is asked, and gives a result
        /// of its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<IpAddr>,
        /// Port of the server.
        #[serde(default = "dns_port")]
        port: u16,
        /// The name, asked as it is: search domains are not tried.
        name: String,
        /// What is asked about it.
        #[serde(default)]
        record: RecordType,
        /// How the question travels.
        #[serde(default)]
        transport: Transport,
        /// Addresses of which one must be in the answer; where none is, the answer is
        /// [`Unexpected`](crate::probe::Outcome::Unexpected), as a wall forges it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        expect: Vec<IpAddr>,
    },
    /// A name that nobody has below each search domain of `/etc/resolv.conf`, asked of the first server
    /// there. Each domain gives a result of its own, as of a [`Dns`](Question::Dns) question.
    SearchDomains {
        /// What stands before the domain.
        label: String,
    },
    /// A connection that is closed as soon as it is there.
    Tcp {
        /// The peer.
        host: Address,
        /// Its port.
        port: u16,
    },
    /// `GET` without TLS; redirections are not followed.
    Http {
        /// The server.
        host: Address,
        /// Its port.
        #[serde(default = "http_port")]
        port: u16,
        /// Path and query.
        #[serde(default = "root_path")]
        path: String,
        /// Least length of the request, bytes, up to 8000: a header that servers ignore fills it up.
        #[serde(default)]
        bytes: u16,
    },
    /// A ClientHello. A ServerHello or an alert is an answer: no certificate is looked at.
    Tls {
        /// The server.
        host: Address,
        /// Its port.
        #[serde(default = "https_port")]
        port: u16,
        /// Name to ask for (SNI); the host, where that is a name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server_name: Option<String>,
    },
    /// An echo request: weak evidence, because in the clash some agents answer in others' names.
    Icmp {
        /// The peer.
        host: Address,
    },
    /// How large packets may be on the way, and whether the path says so.
    PathMtu {
        /// The peer.
        host: Address,
        /// Who answers there.
        #[serde(default)]
        via: MtuVia,
    },
    /// A message to an [`EchoServer`](Question::EchoServer), which tells as whom it saw the sender.
    Echo {
        /// The peer.
        host: Address,
        /// Its port.
        port: u16,
        /// How the message travels.
        #[serde(default)]
        transport: Transport,
        /// Length of the message, bytes: 64 to 8192.
        #[serde(default = "echo_bytes")]
        bytes: u16,
    },
    /// Answers [`Echo`](Question::Echo) over UDP and TCP for as long as its timeout says, and counts.
    EchoServer {
        /// The port; 0 takes a free one. One that the kernel uses itself, as 8472 while a VXLAN
        /// device is up, is in use.
        port: u16,
    },
    /// By how much the namespace's packet counters rose while the other probes ran.
    Counters {},
    /// A kind that only a newer agent knows.
    #[serde(other)]
    Unknown,
}

fn dns_port() -> u16 {
    53
}

fn http_port() -> u16 {
    80
}

fn https_port() -> u16 {
    443
}

fn root_path() -> String {
    "/".into()
}

fn echo_bytes() -> u16 {
    MIN_ECHO
}

impl Question {
    /// The kind, as JSON spells it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Dns { .. } => "dns",
            Self::SearchDomains { .. } => "search-domains",
            Self::Tcp { .. } => "tcp",
            Self::Http { .. } => "http",
            Self::Tls { .. } => "tls",
            Self::Icmp { .. } => "icmp",
            Self::PathMtu { .. } => "path-mtu",
            Self::Echo { .. } => "echo",
            Self::EchoServer { .. } => "echo-server",
            Self::Counters {} => "counters",
            Self::Unknown => "unknown",
        }
    }

    /// Whom it goes to, for people: `1.1.1.1:443`, `kubernetes.io A`. Empty for what stays here.
    pub fn target(&self) -> String {
        match self {
            Self::Dns { server: None, name, record, transport, .. } => {
                format!("{name} {}/{}", record.word(), transport.word())
            }
            Self::Dns { server: Some(server), port, name, record, transport, .. } => {
                let server = SocketAddr::new(*server, *port);
                format!("{name} {} at {server}/{}", record.word(), transport.word())
            }
            Self::Tcp { host, port } | Self::Tls { host, port, .. } => host.with_port(*port),
            Self::Http { host, port, path, bytes: 0 } => {
                format!("{}{path}", host.with_port(*port))
            }
            Self::Http { host, port, path, bytes } => {
                format!("{}{path} with {bytes} bytes", host.with_port(*port))
            }
            Self::Icmp { host } | Self::PathMtu { host, .. } => host.0.clone(),
            Self::Echo { host, port, transport, .. } => {
                format!("{}/{}", host.with_port(*port), transport.word())
            }
            Self::SearchDomains { label } => label.clone(),
            Self::EchoServer { port } => format!("port {port}"),
            Self::Counters {} | Self::Unknown => String::new(),
        }
    }

    /// The first thing about it that makes no sense, as a fragment for a sentence.
    pub(super) fn fault(&self) -> Option<String> {
        let (host, port) = match self {
            Self::Dns { name, port, .. } => {
                if !is_name(name) {
                    return Some(format!("`{}` is no name to ask for", shorten(name)));
                }
                (None, Some(*port))
            }
            Self::SearchDomains { label } => {
                if !is_name(label) {
                    return Some(format!("`{}` is no name to ask for", shorten(label)));
                }
                (None, None)
            }
            Self::Http { host, port, path, bytes } => {
                if *bytes > MAX_HTTP {
                    return Some(format!("a request has at most {MAX_HTTP} bytes"));
                }
                let plain = path.len() <= 1024 && path.bytes().all(|byte| byte.is_ascii_graphic());
                if !(plain && path.starts_with('/')) {
                    return Some(format!("`{}` is no path of a URL", shorten(path)));
                }
                (Some(host), Some(*port))
            }
            Self::Tls { host, port, server_name } => {
                if server_name.as_ref().is_some_and(|name| !is_name(name)) {
                    return Some("the server name is no host name".into());
                }
                (Some(host), Some(*port))
            }
            Self::Tcp { host, port } => (Some(host), Some(*port)),
            Self::Icmp { host } => (Some(host), None),
            Self::PathMtu { host, via } => (
                Some(host),
                match via {
                    MtuVia::Icmp => None,
                    MtuVia::Echo { port } => Some(*port),
                },
            ),
            Self::Echo { host, port, bytes, .. } => {
                if !(MIN_ECHO..=MAX_ECHO).contains(bytes) {
                    return Some(format!("an echo has {MIN_ECHO} to {MAX_ECHO} bytes"));
                }
                (Some(host), Some(*port))
            }
            Self::EchoServer { .. } | Self::Counters {} | Self::Unknown => (None, None),
        };
        if let Some(host) = host
            && !(host.ip().is_some() || is_name(&host.0))
        {
            return Some(format!("`{}` is neither an address nor a host name", shorten(&host.0)));
        }
        (port == Some(0)).then(|| "port 0 cannot be reached".into())
    }
}

/// Whether a text can be a host name: labels of at most 63 letters, digits, `-` and `_`.
fn is_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    name.len() <= 253
        && name
            .split('.')
            .all(|label| !label.is_empty() && label.len() <= 63 && label.bytes().all(plain))
}

/// The beginning of a text that somebody else made.
fn shorten(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

/// A peer: an IP address, or a name that the namespace's own DNS servers are asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(String);

impl Address {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The IP address, where it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.0.parse().ok()
    }

    /// With a port, an IPv6 address in brackets.
    pub fn with_port(&self, port: u16) -> String {
        match self.ip() {
            Some(ip) => SocketAddr::new(ip, port).to_string(),
            None => format!("{}:{port}", self.0),
        }
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        Self(ip.to_string())
    }
}

impl From<&str> for Address {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

/// What is asked about a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordType {
    /// IPv4 addresses.
    #[default]
    A,
    /// IPv6 addresses.
    #[serde(rename = "AAAA")]
    Aaaa,
}

impl RecordType {
    /// As DNS spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
        }
    }
}

/// How a DNS question or an echoed message travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// One datagram each way.
    #[default]
    Udp,
    /// A connection.
    Tcp,
}

impl Transport {
    /// The name in small letters.
    pub fn word(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
}

/// Who answers large packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum MtuVia {
    /// The peer's kernel, with echo replies.
    #[default]
    Icmp,
    /// An [`EchoServer`](Question::EchoServer), over UDP.
    Echo {
        /// Its port.
        port: u16,
    },
}
