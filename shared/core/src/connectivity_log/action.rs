//! Actions: one attempt each, from a client to a destination.

use serde::Serialize;

/// An action as a line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Action<'l> {
    /// Test, such as `no-policies`.
    pub test: &'l str,
    /// Scenario, such as `pod-to-world`.
    pub scenario: &'l str,
    /// Name within the scenario, such as `http-to-one.one.one.one-0`.
    pub name: &'l str,
    /// Who asks whom: empty for actions between nobody, such as a look at metrics.
    pub peers: &'l str,
}

/// What lies at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Destination {
    /// A pod on the same node.
    PodOnSameNode,
    /// A pod on another node.
    PodOnOtherNode,
    /// A pod; on which node is not known.
    Pod,
    /// A Service.
    Service,
    /// A port of nodes that leads to pods: `NodePort`, `hostPort`.
    NodePort,
    /// A node itself.
    Node,
    /// The internet, by name.
    WorldByName,
    /// The internet, by address.
    WorldByAddress,
    /// Pods, for clients outside the cluster.
    FromOutside,
    /// None of these.
    Other,
}

/// Which addresses an action uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Family {
    /// IPv4, or not said.
    V4,
    /// IPv6.
    V6,
}

/// How an action speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Protocol {
    /// HTTP without encryption.
    Http,
    /// HTTP over TLS.
    Https,
    /// ICMP echo.
    Ping,
    /// Another.
    Other,
}

impl<'l> Action<'l> {
    /// Reads `test/scenario/name: peers`; since cilium-cli 0.18.4 `test/scenario:name: peers`.
    pub(super) fn parse(line: &'l str) -> Option<Self> {
        let (path, peers) = line.split_once(": ").unwrap_or((line, ""));
        let (test, rest) = path.split_once('/')?;
        let (scenario, name) = rest.split_once(['/', ':']).unwrap_or((rest, ""));
        let is_name = |word: &str| !word.is_empty() && !word.contains(char::is_whitespace);
        (is_name(test) && is_name(scenario)).then_some(Self {
            test,
            scenario,
            name,
            peers: peers.trim(),
        })
    }

    /// `test/scenario/name`, in the spelling of all versions.
    pub(super) fn path(&self) -> String {
        let Self { test, scenario, name, .. } = self;
        format!("{test}/{scenario}/{name}")
    }

    /// Name and address of the other end.
    fn target(&self) -> (&'l str, &'l str) {
        let target = self.peers.split_once(" -> ").map_or("", |(_, target)| target);
        let (name, address) = target.rsplit_once(" (").unwrap_or((target, ""));
        (name, address.trim_end_matches(')'))
    }

    /// The addresses that it uses, by that of the client.
    pub(super) fn family(&self) -> Family {
        let client = self.peers.split_once(" -> ").map_or("", |(client, _)| client);
        let address = client.rsplit_once(" (").map_or("", |(_, address)| address);
        if address.contains(':') { Family::V6 } else { Family::V4 }
    }

    /// The address at the other end, without the port.
    pub(super) fn address(&self) -> &'l str {
        let address = self.target().1;
        address.rsplit_once(':').map_or(address, |(address, _)| address)
    }

    /// The port at the other end.
    pub(super) fn port(&self) -> Option<u16> {
        self.target().1.rsplit_once(':')?.1.parse().ok()
    }

    /// What lies at the other end.
    pub(super) fn destination(&self) -> Destination {
        let scenario = self.scenario;
        let has = |word: &str| scenario.contains(word);
        if has("outside") || has("from-cidr") {
            Destination::FromOutside
        } else if has("to-world") {
            Destination::WorldByName
        } else if has("to-cidr") {
            Destination::WorldByAddress
        } else if has("hostport") || has("nodeport") {
            Destination::NodePort
        } else if has("pod-to-host") || has("pod-to-node") {
            Destination::Node
        } else if has("pod-to-service") {
            Destination::Service
        } else {
            self.pod()
        }
    }

    fn pod(&self) -> Destination {
        let target = self.target().0;
        let is_between_clients = self.scenario.contains("client-to-client");
        if target.contains("echo-other-node")
            || (is_between_clients && self.peers.contains("client3"))
        {
            Destination::PodOnOtherNode
        } else if target.contains("echo-same-node") || is_between_clients {
            Destination::PodOnSameNode
        } else if self.scenario.contains("pod-to-pod") {
            Destination::Pod
        } else {
            Destination::Other
        }
    }

    /// How it speaks.
    pub(super) fn protocol(&self) -> Protocol {
        if self.name.starts_with("ping") {
            return Protocol::Ping;
        }
        match self.port() {
            Some(80 | 8080) => Protocol::Http,
            Some(443) => Protocol::Https,
            _ => Protocol::Other,
        }
    }
}

impl Family {
    /// In words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }
}

impl Destination {
    /// In words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::PodOnSameNode => "pods on the same node",
            Self::PodOnOtherNode => "pods on another node",
            Self::Pod => "pods",
            Self::Service => "Services",
            Self::NodePort => "ports of nodes",
            Self::Node => "nodes",
            Self::WorldByName => "the internet by name",
            Self::WorldByAddress => "the internet by address",
            Self::FromOutside => "pods, from outside the cluster",
            Self::Other => "others",
        }
    }
}

impl Protocol {
    /// In words; empty for those that have no name.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
            Self::Ping => "ping",
            Self::Other => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(text: &str) -> Action<'_> {
        Action::parse(text).unwrap()
    }

    #[test]
    fn all_spellings_are_read() {
        for text in [
            "no-policies/pod-to-cidr/external-1111-0: cilium-test/client-78f9 (10.244.1.121) -> external-1111 (1.1.1.1:443)",
            "no-policies/pod-to-cidr:external-1111-0: cilium-test/client-78f9 (10.244.1.121) -> external-1111 (1.1.1.1:443)",
        ] {
            let action = action(text);
            assert_eq!(action.path(), "no-policies/pod-to-cidr/external-1111-0");
            assert_eq!(action.target(), ("external-1111", "1.1.1.1:443"));
            assert_eq!(action.destination(), Destination::WorldByAddress);
            assert_eq!(action.protocol(), Protocol::Https);
        }
        assert_eq!(action("check-log-errors/no-errors-in-logs").name, "");
        assert_eq!(Action::parse("no slash"), None);
        assert_eq!(Action::parse("see /var/log: x"), None);
    }

    #[test]
    fn ports_follow_the_last_colon() {
        let text = "a/pod-to-pod/curl-ipv6-0: t/client (fd00::1) -> t/echo-other-node-x (fd00:10:244:1::58f0:8080)";
        assert_eq!(action(text).port(), Some(8080));
        assert_eq!(action(text).destination(), Destination::PodOnOtherNode);
    }

    #[test]
    fn destinations_are_told_from_each_other() {
        for (text, expected) in [
            (
                "a/pod-to-pod/curl-1: t/c (1) -> t/echo-same-node-5 (1:8080)",
                Destination::PodOnSameNode,
            ),
            (
                "a/pod-to-service/curl-1: t/c (1) -> t/echo-other-node (echo-other-node:8080)",
                Destination::Service,
            ),
            (
                "a/client-to-client/ping-0: t/client-1 (1) -> t/client2-1 (1:0)",
                Destination::PodOnSameNode,
            ),
            (
                "a/client-to-client/ping-0: t/client-1 (1) -> t/client3-1 (1:0)",
                Destination::PodOnOtherNode,
            ),
            (
                "a/pod-to-world/http-0: t/c (1) -> one.one.one.one-http (one.one.one.one:80)",
                Destination::WorldByName,
            ),
            ("a/pod-to-hostport/curl-0: t/c (1) -> t/echo (1:4000)", Destination::NodePort),
            ("a/pod-to-host/ping-0: t/c (1) -> 172.18.0.3 (172.18.0.3:0)", Destination::Node),
            (
                "a/outside-to-pod/curl-0: t/h (1) -> t/echo-same-node (1:8080)",
                Destination::FromOutside,
            ),
            ("health/cilium-health/x", Destination::Other),
        ] {
            assert_eq!(action(text).destination(), expected, "{text}");
        }
    }
}
