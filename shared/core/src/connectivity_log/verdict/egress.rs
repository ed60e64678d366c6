//! Pods that do not get out of the cluster.

use super::{
    super::{
        action::{Destination, Family, Protocol},
        failure::ExitCode,
        tally::Tally,
    },
    Check, Confidence, LogVerdict, Reach, configured, doctor,
};

/// Ways to fail of packets that vanish: in between, or while a name is looked up.
const VANISHED: [ExitCode; 2] = [ExitCode::TIMEOUT, ExitCode::NOT_RESOLVED];
/// Ways to fail once a connection stands.
const BROKE_OFF: [ExitCode; 3] = [ExitCode::TIMEOUT, ExitCode::TLS, ExitCode::RESET];

struct World<'t> {
    tally: &'t Tally,
    family: Family,
    by_name: Reach,
    by_address: Reach,
}

pub(super) fn verdict(tally: &Tally, family: Family) -> Option<LogVerdict> {
    let world = World {
        tally,
        family,
        by_name: Reach::to(tally, family, Destination::WorldByName),
        by_address: Reach::to(tally, family, Destination::WorldByAddress),
    };
    if world.by_name.failed() + world.by_address.failed() == 0 {
        return None;
    }
    Some(
        world
            .not_trusted()
            .or_else(|| world.large_packets())
            .or_else(|| world.without_snat())
            .or_else(|| world.without_dns())
            .or_else(|| world.blocked())
            .unwrap_or_else(|| world.unclear()),
    )
}

impl World<'_> {
    fn because(&self) -> Vec<String> {
        let mut because = Vec::new();
        for (destination, reach) in [
            (Destination::WorldByName, &self.by_name),
            (Destination::WorldByAddress, &self.by_address),
        ] {
            if reach.failed() + reach.passed() > 0 {
                because.push(format!("{}: {}", destination.in_words(), reach.in_words()));
            }
        }
        because
    }

    /// What the log says of the way from pod to pod.
    fn inside(&self) -> String {
        let inside = Reach::of(self.tally, self.family, |leg| {
            matches!(
                leg.destination,
                Destination::PodOnSameNode | Destination::PodOnOtherNode | Destination::Service
            )
        });
        match inside.passed() {
            0 => "no failure between pods is in the log".into(),
            passed => format!("pods reach each other: {passed} actions passed"),
        }
    }

    /// The node itself, which tells whether pods alone are cut off.
    fn on_the_node(&self, expect: &str) -> Check {
        let target = self.by_address.counts.target.as_deref().unwrap_or("1.1.1.1");
        let target = if target.contains(':') { format!("[{target}]") } else { target.to_owned() };
        Check::new(
            format!(
                "curl -sS -o /dev/null -w '%{{http_code}}' --connect-timeout 5 https://{target}   # on the pod's node"
            ),
            expect,
        )
    }

    /// Nothing comes back, whether a name has to be resolved or not, with and without policy.
    fn without_snat(&self) -> Option<LogVerdict> {
        if !self.by_address.is_dead() || self.by_name.passed() > 0 {
            return None;
        }
        let has_codes = self.by_address.counts.failed_without_code == 0;
        if has_codes && !self.by_address.failed_only_with(&[ExitCode::TIMEOUT]) {
            return None;
        }
        // CoreDNS is a pod as well: what it asks upstream gets no answer either.
        if self.by_name.with(&VANISHED) + self.by_name.counts.failed_without_code
            < self.by_name.failed()
        {
            return None;
        }
        let mut because = self.because();
        because.push(self.inside());
        if self.tally.failed_tests.len() > 1 {
            because.push("it makes no difference which policy is applied".into());
        }
        let (key, family) = match self.family {
            Family::V4 => ("enable-ipv4-masquerade", ""),
            Family::V6 => ("enable-ipv6-masquerade", " over IPv6"),
        };
        Some(LogVerdict {
            cause: "C-NOMASQ",
            confidence: if has_codes { Confidence::Likely } else { Confidence::Undetermined },
            title: format!(
                "egress without SNAT{family}: packets of pods leave the node with the pod's own address, which nobody \
                 outside knows a way back to"
            ),
            because,
            or: vec![
                "the network blocks the test's targets, or all of the internet: then the node gets no answer either \
                 (--external-ip and --external-target of the test choose others)"
                    .into(),
                "masquerading is on, but not on the device by which the node gets out".into(),
                "a firewall drops forwarded packets, on the node or behind it".into(),
            ],
            next: vec![
                configured(
                    key,
                    "`false`: nothing is masqueraded, and this is the cause unless routers know the pod CIDRs",
                ),
                self.on_the_node("a number: the node gets out, and only pods do not"),
                doctor("C-NOMASQ, with the values to set in this version"),
            ],
        })
    }

    /// Addresses are reached and names are not.
    fn without_dns(&self) -> Option<LogVerdict> {
        let by_name = &self.by_name;
        if !by_name.is_dead() || !self.by_address.is_fine() || !by_name.failed_only_with(&VANISHED)
        {
            return None;
        }
        let unresolved = by_name.with(&[ExitCode::NOT_RESOLVED]) + by_name.counts.unresolved;
        let mut because = self.because();
        if unresolved > 0 {
            because.push(format!("{unresolved} failed before the name was resolved"));
        }
        Some(LogVerdict {
            cause: "C-DNSUP",
            confidence: if unresolved > 0 { Confidence::Likely } else { Confidence::Undetermined },
            title: "names outside the cluster are not resolved".into(),
            because,
            or: vec![
                "the name's addresses are blocked, while the ones that were tried directly are not"
                    .into(),
            ],
            next: vec![
                Check::new(
                    "kubectl -n kube-system logs -l k8s-app=kube-dns --tail=50",
                    "timeouts or SERVFAIL with the address of the server that CoreDNS asks",
                ),
                Check::new(
                    "kubectl -n kube-system get configmap coredns -o jsonpath='{.data.Corefile}'",
                    "after `forward .` the servers that CoreDNS asks, or /etc/resolv.conf of its node",
                ),
                doctor("whether these servers can be reached"),
            ],
        })
    }

    /// Connections stand, and what is larger does not come through.
    fn large_packets(&self) -> Option<LogVerdict> {
        let leg = |protocol: Protocol| {
            Reach::of(self.tally, self.family, move |leg| {
                let is_world = matches!(
                    leg.destination,
                    Destination::WorldByName | Destination::WorldByAddress
                );
                is_world && leg.protocol == protocol
            })
        };
        let (http, https) = (leg(Protocol::Http), leg(Protocol::Https));
        if !http.is_fine() || !https.is_dead() || !https.failed_only_with(&BROKE_OFF) {
            return None;
        }
        Some(LogVerdict {
            cause: "C-MTU",
            confidence: Confidence::Undetermined,
            title: "HTTP passes and HTTPS does not: packets that are too large, or something that meddles with TLS".into(),
            because: vec![
                format!("HTTP: {}", http.in_words()),
                format!("HTTPS: {}", https.in_words()),
            ],
            or: vec!["a middlebox that filters by the server's name, or blocks port 443".into()],
            next: vec![
                Check::new(
                    "tracepath -n 1.1.1.1   # on a node",
                    "a `pmtu` that is smaller than the MTU of the pods' devices",
                ),
                self.on_the_node("a timeout here too: it is not Cilium, but the network"),
                doctor("what MTU devices, routes and Cilium have"),
            ],
        })
    }

    fn not_trusted(&self) -> Option<LogVerdict> {
        let code = [ExitCode::NOT_TRUSTED];
        let count = self.by_name.with(&code) + self.by_address.with(&code);
        if count == 0 || self.by_name.passed() + self.by_address.passed() > 0 {
            return None;
        }
        Some(LogVerdict {
            cause: "C-WALL",
            confidence: Confidence::Likely,
            title:
                "somebody else answers in the place of the internet: its certificate is not trusted"
                    .into(),
            because: self.because(),
            or: vec!["the clock of the nodes is wrong".into()],
            next: vec![
                self.on_the_node("the same error: a proxy or portal of the network answers"),
            ],
        })
    }

    /// One way out works, so packets of pods come back.
    fn blocked(&self) -> Option<LogVerdict> {
        let (name, address) = (&self.by_name, &self.by_address);
        let is_blocked =
            (address.is_dead() && name.is_fine()) || (name.is_dead() && address.is_fine());
        is_blocked.then(|| LogVerdict {
            cause: "C-WALL",
            confidence: Confidence::Likely,
            title: "the network blocks some targets: others are reached by the same pods".into(),
            because: self.because(),
            or: vec!["a policy of the whole cluster (CiliumClusterwideNetworkPolicy) refuses them".into()],
            next: vec![
                self.on_the_node("a timeout here too: the network blocks the target, not Cilium"),
                Check::new(
                    "cilium connectivity test --external-ip IP --external-other-ip IP --external-target NAME",
                    "success, with targets that your network lets through",
                ),
            ],
        })
    }

    fn unclear(&self) -> LogVerdict {
        let is_partial = self.by_name.passed() + self.by_address.passed() > 0;
        let title = if is_partial {
            "some actions to the internet fail and others pass: a node, a target, or time makes the difference"
        } else {
            "pods do not reach the internet"
        };
        LogVerdict {
            cause: "C-EGRESS",
            confidence: Confidence::Undetermined,
            title: title.into(),
            because: self.because(),
            or: Vec::new(),
            next: vec![
                self.on_the_node("a number: the node gets out, and only pods do not"),
                configured("enable-ipv4-masquerade", "`false`: packets of pods keep their address"),
                doctor("what is behind it"),
            ],
        }
    }
}
