use std::net::IpAddr;

use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity,
    pods::{self, Group, Trouble, says},
    rule,
};
use crate::view::View;

rule! {
    /// ## What it checks
    /// Pods whose images are not pulled, by what the runtime says: the host's DNS does not answer,
    /// the registry or the proxy cannot be reached, a certificate is not trusted, or the registry
    /// answers and refuses. The last is no matter of the network. Messages that fit none of these
    /// are quoted.
    ///
    /// ## Why it hurts
    /// Images are pulled by the runtime, in the host's network: masquerading, network policies and
    /// the DNS of the cluster have no part in it. What is in the way is in the way of the node.
    ///
    /// ## Fix
    /// DNS: see whether packets for the server leave through Cilium (RT-01). Timeouts: try the
    /// registry from the node, and look at firewalls and at the proxy of the runtime. Certificates:
    /// give the runtime the authority of the proxy that opens TLS. Refusals: name, tag, pull secret
    /// or the registry's limits.
    ///
    /// ## References
    /// - Kubernetes documentation, "Images: ImagePullBackOff"
    "POD-01", Error, State, "images are not pulled", judge
}

/// Why an image was not pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    Dns,
    Proxy,
    Certificate,
    PlainHttp,
    Refused,
    Timeout,
    Registry,
    Unknown,
}

/// Words of containerd, CRI-O and Docker, most telling first: a lookup that fails also says
/// `i/o timeout`.
const TABLE: [(Reason, &[&str]); 8] = [
    (
        Reason::Proxy,
        &["proxyconnect tcp", "Proxy Authentication Required", "proxy authentication required"],
    ),
    (
        Reason::Dns,
        &[
            ": lookup ",
            " lookup ",
            "no such host",
            "server misbehaving",
            "failure in name resolution",
        ],
    ),
    (
        Reason::Certificate,
        &["x509:", "certificate signed by unknown", "failed to verify certificate"],
    ),
    (Reason::PlainHttp, &["server gave HTTP response to HTTPS client"]),
    (Reason::Refused, &["connection refused", "connection reset by peer"]),
    (
        Reason::Timeout,
        &[
            "i/o timeout",
            "TLS handshake timeout",
            "Client.Timeout exceeded",
            "context deadline exceeded",
            "no route to host",
            "network is unreachable",
            "connect: invalid argument",
            "unexpected EOF",
        ],
    ),
    (
        Reason::Registry,
        &[
            "toomanyrequests",
            "429 Too Many Requests",
            "unauthorized",
            "401 Unauthorized",
            "403 Forbidden",
            "authentication required",
            "authorization failed",
            "pull access denied",
            "denied:",
            "manifest unknown",
            "not found",
            "no match for platform",
            "invalid reference format",
            "couldn't parse image",
            "is not present with pull policy of Never",
        ],
    ),
    (Reason::Unknown, &[""]),
];

impl Reason {
    fn of(message: &str) -> Self {
        let row = TABLE.iter().find(|(_, words)| says(message, words));
        row.map_or(Self::Unknown, |(reason, _)| *reason)
    }

    /// Who did not answer, where the message says so and the address is of a private network: there
    /// are few of these, and any number of addresses of public registries.
    fn subject(self, message: &str) -> String {
        let server = match self {
            Self::Dns => address_after(message, " on "),
            _ => address_after(message, "dial tcp "),
        };
        let is_private = |address: &IpAddr| match address {
            IpAddr::V4(v4) => v4.is_private() || v4.is_loopback(),
            IpAddr::V6(v6) => v6.is_unique_local() || v6.is_loopback(),
        };
        match server {
            Some(server) if self == Self::Dns || is_private(&server) => server.to_string(),
            _ => self.noun().to_owned(),
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Dns => "host DNS",
            Self::Proxy => "proxy",
            Self::Certificate => "certificate",
            Self::PlainHttp => "plain HTTP",
            Self::Refused | Self::Timeout => "registries",
            Self::Registry => "refusals of registries",
            Self::Unknown => "unknown messages",
        }
    }

    fn severity(self) -> Severity {
        match self {
            Self::Registry | Self::PlainHttp | Self::Unknown => Severity::Warn,
            _ => Severity::Error,
        }
    }

    fn summary(self, subject: &str) -> String {
        match self {
            Self::Dns if subject == self.noun() => {
                "the node's DNS does not resolve the registry".into()
            }
            Self::Dns => format!("the node's DNS server {subject} does not resolve the registry"),
            Self::Proxy => "the runtime's proxy does not let it through".into(),
            Self::Certificate => "the certificate that it is shown is not trusted".into(),
            Self::PlainHttp => {
                "the registry speaks HTTP where HTTPS is expected; not the network".into()
            }
            Self::Refused => format!("{subject} refuses the connection"),
            Self::Timeout => format!("{subject} cannot be reached from the node"),
            Self::Registry => "the registry answers and refuses; not the network".into(),
            Self::Unknown => "for a reason that is not known here".into(),
        }
    }

    fn remedy(self, group: &Group<'_>, subject: &str) -> Remedy {
        let node = group.nodes().into_iter().next().map(|node| format!("# on {node}"));
        let on_node = |command: String| node.into_iter().chain([command]);
        match self {
            Self::Dns => {
                let lookup = match subject.parse::<IpAddr>() {
                    Ok(server) => format!("ip route get {server}"),
                    Err(_) => "cat /etc/resolv.conf; getent hosts registry-1.docker.io".into(),
                };
                Remedy::text(
                    "see how packets for the DNS server leave the node: `dev cilium_…` is RT-01; else the server or the \
                     way to it is down",
                )
                .with_commands(on_node(lookup))
            }
            Self::Proxy => Remedy::text(
                "look at HTTPS_PROXY and NO_PROXY of the runtime (systemd drop-ins of containerd, CRI-O or Docker); \
                 registries of the LAN, pod and service CIDRs belong into NO_PROXY",
            ),
            Self::Certificate => Remedy::text(
                "a proxy opens TLS, or the registry has a certificate of its own: give the runtime its authority, or \
                 mend the clock of the node if it is `not yet valid`",
            ),
            Self::PlainHttp => {
                Remedy::text("tell the runtime that this registry speaks plain HTTP")
            }
            Self::Refused | Self::Timeout => {
                let lookup = match subject.parse::<IpAddr>() {
                    Ok(server) => format!("ip route get {server}"),
                    Err(_) => "curl -sv -m 10 -o /dev/null https://registry-1.docker.io/v2/".into(),
                };
                Remedy::text(
                    "try it from the node: routes, firewall, proxy of the runtime, or a registry mirror where the \
                     registry is blocked",
                )
                .with_commands(on_node(lookup))
            }
            Self::Registry => Remedy::text(
                "check name and tag of the image, the pull secret, and the registry's limits; the network is fine",
            ),
            Self::Unknown => Remedy::text("read what the runtime says"),
        }
    }
}

/// The address in `on 10.0.0.1:53` or `dial tcp [fd00::1]:443`.
fn address_after(message: &str, word: &str) -> Option<IpAddr> {
    message.match_indices(word).find_map(|(at, _)| {
        let rest = &message[at + word.len()..];
        let end = rest.find([' ', '"', ',']).unwrap_or(rest.len());
        let (host, _) = rest[..end].trim_end_matches(':').rsplit_once(':')?;
        host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    })
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(troubles) = pods::in_trouble(view, out) else { return };
    let groups = pods::groups(troubles, |trouble| {
        let message = message(trouble)?;
        let reason = Reason::of(message);
        Some(((reason, reason.subject(message)), message))
    });
    for ((reason, subject), group) in groups {
        out.found(finding(reason, subject, &group));
    }
}

/// What the runtime says about a pod that waits for an image: its own, or that of the sandbox.
fn message<'a>(trouble: &Trouble<'a>) -> Option<&'a str> {
    let status = trouble.row.status.trim_start_matches("Init:");
    let waits_for_image = matches!(
        status,
        "ErrImagePull"
            | "ImagePullBackOff"
            | "ErrImageNeverPull"
            | "InvalidImageName"
            | "ImageInspectError"
            | "RegistryUnavailable"
    );
    if let Some(failure) = trouble.sandbox_failure().filter(|text| text.contains("sandbox image")) {
        return Some(failure);
    }
    let failed = trouble.messages("Failed").find(|text| text.starts_with("Failed to pull image"));
    let said = trouble.words().find(|text| !text.starts_with("Back-off pulling image"));
    match (failed, said) {
        (Some(event), _) if waits_for_image || trouble.waits_for_sandbox() => Some(event),
        (_, Some(said)) if waits_for_image => Some(said),
        // The back-off tells nothing, but that it is so.
        _ if waits_for_image => Some(""),
        _ => None,
    }
}

fn finding(reason: Reason, subject: String, group: &Group<'_>) -> Finding {
    let mut evidence = group.evidence();
    if group.evidence().len() == 1 {
        evidence.push(Evidence::new("events", "none says why; the cluster keeps them for an hour"));
    }
    Finding {
        code: RULE.code,
        severity: reason.severity(),
        basis: Basis::Observed,
        nodes: group.nodes(),
        summary: format!(
            "{}: {}",
            group.sentence("waits for its image", "wait for their images"),
            reason.summary(&subject)
        ),
        evidence,
        impact: "these pods do not start, and neither does what is rolled out to these nodes"
            .into(),
        remedy: reason.remedy(group, &subject),
        subject,
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;

    #[test]
    fn messages_of_runtimes_are_told_apart() {
        let cases = [
            (
                "dial tcp: lookup mirror.lan on 10.0.0.1:53: read udp 10.0.0.200:50876->10.0.0.1:53: i/o timeout",
                Reason::Dns,
                "10.0.0.1",
            ),
            (
                "lookup registry-1.docker.io on 127.0.0.53:53: server misbehaving",
                Reason::Dns,
                "127.0.0.53",
            ),
            (
                "dial tcp: lookup quay.io: Temporary failure in name resolution",
                Reason::Dns,
                "host DNS",
            ),
            (
                "proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: connection refused",
                Reason::Proxy,
                "10.0.0.9",
            ),
            ("dial tcp 44.208.254.194:443: i/o timeout", Reason::Timeout, "registries"),
            ("dial tcp [fd00::5]:5000: connect: no route to host", Reason::Timeout, "fd00::5"),
            ("dial tcp 10.0.2.9:5000: connect: connection refused", Reason::Refused, "10.0.2.9"),
            ("net/http: TLS handshake timeout", Reason::Timeout, "registries"),
            (
                "tls: failed to verify certificate: x509: certificate signed by unknown authority",
                Reason::Certificate,
                "certificate",
            ),
            (
                "toomanyrequests: You have reached your pull rate limit",
                Reason::Registry,
                "refusals of registries",
            ),
            ("docker.io/library/ngix:1: not found", Reason::Registry, "refusals of registries"),
            ("failed to authorize: 401 Unauthorized", Reason::Registry, "refusals of registries"),
            ("no space left on device", Reason::Unknown, "unknown messages"),
        ];
        for (message, reason, subject) in cases {
            assert_eq!(Reason::of(message), reason, "{message}");
            assert_eq!(reason.subject(message), subject, "{message}");
        }
    }
}
