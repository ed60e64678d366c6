//! `C-CLASH`, with the service CIDR: pods got addresses that Services have.

use super::{Case, ChainLink, Check, Confidence, Verdict, move_pods};
use crate::rules::{Code, Finding, Remedy, Severity};

pub(super) fn verdict(case: &Case<'_>) -> Option<Verdict> {
    let overlapping: Vec<&Finding> =
        case.of_rule("CIDR-05").filter(|finding| finding.severity >= Severity::Error).collect();
    if overlapping.is_empty() {
        return None;
    }
    let mut chain = vec![ChainLink::symptom(
        "some connections, to a pod or to a Service, reach somebody else or nobody",
    )];
    for evidence in overlapping.iter().flat_map(|finding| &finding.evidence).take(6) {
        chain.push(ChainLink::fact(&evidence.source, &evidence.fact));
    }
    chain.push(ChainLink::cause(
        "Services are found by their address: a pod that gets the same one shares its connections with them",
    ));
    let mut fix = move_pods::steps(case.view);
    fix.push(Remedy::text(
        "The service CIDR stays as it is: it can only be changed by rebuilding the cluster.",
    ));
    Some(Verdict {
        severity: None,
        cause: "C-CLASH",
        // The overlap is certain; whether an address is taken twice today was not looked at.
        confidence: Confidence::Likely,
        title: "Cilium's pod CIDRs overlap the addresses of Services".into(),
        nodes: Vec::new(),
        chain,
        broken: overlapping.iter().map(|finding| finding.summary.clone()).collect(),
        still_works: Vec::new(),
        cautions: Vec::new(),
        fix,
        verify: vec![Check::new(
            "kubectl get ciliumnodes -o custom-columns=NODE:.metadata.name,PODS:.spec.ipam.podCIDRs",
            "only pod CIDRs outside the service CIDR",
        )],
        explains: vec![Code("CIDR-05")],
        explains_also: Vec::new(),
        alternatives: Vec::new(),
        decides: Vec::new(),
    })
}
