//! `C-FW`: a firewall refuses packets of pods, and says so. So do routes of type `unreachable`.

use super::{Check, Decisive, Sign, Signature, Site};
use crate::{
    probe::{Outcome, ProbeResult, matrix::Destination},
    rules::{Evidence, Remedy},
};

/// Where it is seen, the plainest first.
const SEEN_AT: [Sign; 3] = [
    Sign::Pod(Destination::InternetByAddress),
    Sign::Pod(Destination::Lan),
    Sign::Pod(Destination::OtherNode),
];

/// A refusal comes at once. The kernel itself takes longer to find that a neighbour is silent.
const AT_ONCE_MS: u32 = 500;

pub(super) static SIGNATURE: Signature = Signature {
    code: "C-FW",
    title: |_| "a firewall, or a route, refuses packets of pods".into(),
    breaks: &[],
    may_break: &[
        Sign::Pod(Destination::InternetByAddress),
        Sign::Pod(Destination::InternetByName),
        Sign::Pod(Destination::Gateway),
        Sign::Pod(Destination::Lan),
        Sign::Pod(Destination::OtherNode),
        Sign::Pod(Destination::Resolver),
    ],
    spares: &[],
    // One that is silent cannot be told from other silence.
    decisive: |site| match refusal(site) {
        Some(evidence) => Decisive::Seen { evidence: vec![evidence], speaks_for_itself: false },
        None => Decisive::RuledOut,
    },
    explains: |_| false,
    because: "whoever refuses knows the way back to the pod: the node itself, or a router that has a route to pods",
    broken: &[
        "what the firewall does not let through, for pods: firewalld refuses what it forwards for unknown zones",
    ],
    still_works: &["the node's own packets, which are not forwarded"],
    cautions: &[
        "Packets leave or are refused before masquerade counts: that it works or not shows only afterwards.",
    ],
    fix: |_| {
        vec![
            Remedy::text(
                "Let the node forward packets of pods. With firewalld, put Cilium's devices into a zone that it trusts, or \
                 turn it off on nodes; Cilium's documentation asks for that.",
            )
            .with_commands([
                "nft list ruleset | grep -n reject   # on the node: whose rule it is",
                "ip route show table all | grep -E '^(unreachable|prohibit)'   # on the node: or which route",
                "firewall-cmd --permanent --zone=trusted --add-interface=cilium_host --add-interface=cilium_net --add-interface=cilium_vxlan --add-interface=lxc+",
                "firewall-cmd --reload",
            ]),
        ]
    },
    verify: |_| {
        vec![Check::new(
            "iptables -L FORWARD -nv   # on the node, twice, while a pod sends",
            "no rule with REJECT whose number of packets rises",
        )]
    },
};

fn refusal(site: &Site<'_>) -> Option<Evidence> {
    let failing = site.readings.failing();
    let lost = SEEN_AT.into_iter().filter(|sign| failing.contains(sign));
    let lost = lost.filter_map(|sign| site.readings.seen(sign)).map(|seen| &seen.lost);
    let mut refused = lost.filter(|lost| lost.iter().all(|probe| is_refused(probe)));
    let probe = refused.next()?.first()?;
    let errno = probe.errno.as_ref()?;
    Some(Evidence::new(
        site.place(),
        format!(
            "{} from a pod ends after {} ms with {}: somebody answers that there is no way",
            probe.target, probe.millis, errno.name
        ),
    ))
}

/// An answer of ICMP. A pod that has no way itself is told so by its own kernel, and names no device.
fn is_refused(probe: &ProbeResult) -> bool {
    let has_way = probe.way.as_ref().is_some_and(|way| way.link.is_some());
    let names = ["EHOSTUNREACH", "ECONNREFUSED"];
    let is_told = probe.errno.as_ref().is_some_and(|errno| names.contains(&&*errno.name));
    probe.outcome == Outcome::Unreachable && is_told && has_way && probe.millis < AT_ONCE_MS
}
