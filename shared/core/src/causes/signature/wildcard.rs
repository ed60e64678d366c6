//! `C-WILDCARD`: a Service has the address of a node or of a gateway, and Cilium drops what else goes there.

use std::{collections::BTreeSet, net::IpAddr};

use super::{Check, Decisive, Signature, Site};
use crate::{
    causes::Confidence,
    probe::{ProbeResult, matrix::Destination},
    rules::{Evidence, Finding, Remedy, Severity},
};

pub(super) static SIGNATURE: Signature = Signature {
    code: "C-WILDCARD",
    title: |site| {
        match services(site).first() {
        Some(service) => format!(
            "Service {service} has the address of a node or a gateway, and Cilium drops what else goes there"
        ),
        None => "a Service has the address of a node or a gateway, and Cilium drops what else goes there".into(),
    }
    },
    breaks: &[],
    may_break: &[],
    spares: &[],
    decisive,
    explains: is_cause,
    because: "since 1.19 the load balancer drops what goes to a Service's address on any port that is not its own",
    broken: &[
        "everything else at that address: SSH, the kubelet, the way out where it is a gateway's",
    ],
    still_works: &["the Service, and every other address"],
    cautions: &[
        "Nothing is wrong with the node that does not answer, nor with the network between.",
    ],
    fix: |site| {
        let findings = site.of_rule("KP-05").filter(|finding| is_cause(finding));
        findings.take(1).map(|finding| finding.remedy.clone()).collect::<Vec<Remedy>>()
    },
    verify: |_| {
        vec![Check::new(
            "nc -vz -w 3 ADDRESS 10250   # from another node, at the Service's address",
            "an answer, or a refusal",
        )]
    },
};

fn is_cause(finding: &Finding) -> bool {
    finding.code.0 == "KP-05" && finding.severity >= Severity::Warn
}

/// Services of which the rule says so.
fn services<'s>(site: &'s Site<'_>) -> Vec<&'s str> {
    let findings = site.of_rule("KP-05").filter(|finding| is_cause(finding));
    findings.map(|finding| finding.subject.as_str()).collect()
}

fn decisive(site: &Site<'_>) -> Decisive {
    let Some(mut evidence) = site.evidence_of("KP-05", Severity::Warn) else {
        return Decisive::RuledOut;
    };
    let services = services(site);
    let all = site.view.facts.cluster.services.items().iter();
    let addresses: BTreeSet<IpAddr> = all
        .filter(|it| services.contains(&&*format!("{}/{}", it.namespace, it.name)))
        .flat_map(|service| service.load_balancer_ips.iter().copied())
        .collect();
    let to_them = |probe: &ProbeResult| probe.peer.is_some_and(|peer| addresses.contains(&peer));
    let asked: Vec<(&ProbeResult, bool)> = [Destination::Gateway, Destination::OtherNode]
        .into_iter()
        .flat_map(|destination| site.readings.of_host(destination).iter().copied())
        .filter(|(probe, _)| to_them(probe))
        .collect();
    if asked.iter().any(|(_, answers)| *answers) {
        return Decisive::RuledOut;
    }
    let Some((lost, _)) = asked.first() else {
        return Decisive::Seen { evidence, speaks_for_itself: true };
    };
    let fact = format!("the node itself gets no answer from {}", lost.target);
    evidence.push(Evidence::new(format!("probes of {}", site.place()), fact));
    // What the node itself does not reach counts for none of its pods either.
    Decisive::Shown { evidence, effects: BTreeSet::new(), confidence: Confidence::Confirmed }
}
