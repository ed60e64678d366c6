//! `C-NCIDR-MISS`: packets to pods of other nodes leave with the node's address, because the native
//! routing CIDR does not hold those pods.
//!
//! Such packets arrive as long as no policy is there: then the other side takes a pod for a node. An
//! echo server there says as whom it saw the sender.

use std::{collections::BTreeSet, net::IpAddr};

use ipnet::IpNet;

use super::{Check, Decisive, Sign, Signature, Site, in_agent};
use crate::{
    causes::Confidence,
    facts::Family,
    probe::{Answer, ProbeResult, matrix::Destination},
    rules::{Evidence, Remedy, Severity},
};

const OTHER_NODE: Sign = Sign::Pod(Destination::PodOtherNode);

pub(super) static SIGNATURE: Signature = Signature {
    code: "C-NCIDR-MISS",
    title: |_| {
        "the native routing CIDR does not hold all pods: packets to pods of other nodes leave with the node's address"
            .into()
    },
    breaks: &[],
    may_break: &[],
    spares: &[Sign::Pod(Destination::PodSameNode), Sign::Pod(Destination::OtherNode)],
    decisive,
    explains: |finding| finding.code.0 == "CFG-04",
    because: "what is not within the native routing CIDR is masqueraded, pods of other nodes too: policies there see a \
              node where a pod sends",
    broken: &["pods of other nodes, as soon as a policy there says which pods may come in"],
    still_works: &["pods of the same node", "pods of other nodes that no policy selects"],
    cautions: &[
        "As long as no policy selects the other pod, everything arrives, and looks well.",
        "Where the native routing CIDR holds all pods, it is a MASQUERADE rule of somebody else's in POSTROUTING, or the \
         list of ip-masq-agent.",
    ],
    fix: |site| {
        let known = site.of_rule("CFG-04").next().map(|finding| finding.remedy.clone());
        vec![known.unwrap_or_else(|| {
            Remedy::text(
                "Set `ipv4NativeRoutingCIDR` to the network of all pods, and restart the agents.",
            )
        })]
    },
    verify: |site| {
        vec![Check::new(
            in_agent(site, "cilium status | grep Masquerading"),
            "a network that holds the pods of all nodes",
        )]
    },
};

fn decisive(site: &Site<'_>) -> Decisive {
    if site.tunnels() == Some(true) || matches!(site.masquerades(), Some((false, _))) {
        return Decisive::RuledOut;
    }
    let lost = site.readings.seen(OTHER_NODE).filter(|seen| !seen.lost.is_empty());
    let effects = || lost.map(|_| OTHER_NODE).into_iter().collect::<BTreeSet<_>>();
    let of_rule = site.evidence_of("CFG-04", Severity::Error);
    let answered = || site.readings.answered(OTHER_NODE);
    let is_left_out = answered().any(|probe| is_left_out(site, probe) == Some(true));
    let translated: Vec<Evidence> =
        answered().filter_map(|probe| translated(site, probe)).collect();
    if !translated.is_empty() {
        // Rules that somebody else made for the node, or the agent's list of what is not masqueraded,
        // translate as well: the configuration decides which it is.
        let is_configured = of_rule.is_some() || is_left_out;
        let confidence = if is_configured { Confidence::Confirmed } else { Confidence::Likely };
        let evidence = translated.into_iter().take(2).chain(of_rule.into_iter().flatten());
        return Decisive::Shown { evidence: evidence.collect(), effects: effects(), confidence };
    }
    match of_rule {
        // Whether a policy drops them nobody has seen.
        Some(evidence) if lost.is_some() => {
            Decisive::Shown { evidence, effects: effects(), confidence: Confidence::Likely }
        }
        _ => Decisive::RuledOut,
    }
}

/// Whether the native routing CIDR, and nothing else that counts, leaves the probed pod out.
fn is_left_out(site: &Site<'_>, probe: &ProbeResult) -> Option<bool> {
    let config = site.config.as_ref().filter(|config| !config.masquerading.ip_masq_agent)?;
    let peer = probe.peer?;
    let network: IpNet = config.native_routing_cidr(Family::of(peer))?.parse().ok()?;
    Some(!network.contains(&peer))
}

/// A pod that is seen with an address of its node.
fn translated(site: &Site<'_>, probe: &ProbeResult) -> Option<Evidence> {
    let Some(Answer::Echo(echoed)) = &probe.answer else { return None };
    let (source, seen): (IpAddr, IpAddr) = (probe.way.as_ref()?.source?, echoed.seen_as.ip());
    (source != seen).then(|| {
        let fact = format!("{} saw {source} as {seen}", probe.target);
        Evidence::new(format!("probes of {}", site.place()), fact)
    })
}
