//! `C-DNSLOOP`: the cluster's DNS asks itself.

use super::{Case, ChainLink, Check, Confidence, Explained, Verdict, nodes_of};
use crate::rules::{Code, Finding, Severity};

pub(super) fn verdict(case: &Case<'_>) -> Option<Verdict> {
    let loops: Vec<&Finding> =
        case.of_rule("DNS-01").filter(|finding| finding.severity >= Severity::Error).collect();
    let first = *loops.first()?;
    let crashes: Vec<&Finding> =
        case.of_rule("POD-08").filter(|finding| finding.subject == "loop").collect();
    let mut chain =
        vec![ChainLink::symptom("pods resolve no name outside the cluster, or none at all")];
    chain.extend(crashes.iter().map(|finding| ChainLink::symptom(&finding.summary)));
    for evidence in loops.iter().chain(&crashes).flat_map(|finding| &finding.evidence).take(6) {
        chain.push(ChainLink::fact(&evidence.source, &evidence.fact));
    }
    chain.push(ChainLink::cause(
        "in a pod a loopback address is the pod itself: the question comes back to who asks it",
    ));
    let all = || loops.iter().chain(&crashes).copied();
    Some(Verdict {
        severity: None,
        cause: "C-DNSLOOP",
        // CoreDNS itself found the loop, or it merely has to be one.
        confidence: if crashes.is_empty() { Confidence::Likely } else { Confidence::Confirmed },
        title: first.summary.clone(),
        nodes: nodes_of(all()),
        chain,
        broken: vec![first.impact.clone()],
        still_works: vec![
            "pods by address, inside the cluster and outside".into(),
            "names on the nodes themselves: there the stub answers".into(),
        ],
        cautions: vec![
            "it is no matter of Cilium, and a restart of CoreDNS alone mends nothing".into(),
        ],
        alternatives: Vec::new(),
        decides: Vec::new(),
        fix: loops.iter().map(|finding| finding.remedy.clone()).collect(),
        verify: vec![Check::new(
            "kubectl -n kube-system get pods -l k8s-app=kube-dns",
            "all of them ready, with no new restart after a minute",
        )],
        explains: vec![Code("DNS-01")],
        explains_also: crashes.iter().copied().map(Explained::of).collect(),
    })
}
