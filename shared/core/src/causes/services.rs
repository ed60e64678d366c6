//! `C-SVC`: nobody answers Services.

use super::{Case, ChainLink, Check, Confidence, Explained, Verdict, nodes_of};
use crate::rules::{Basis, Code, Finding};

pub(super) fn verdict(case: &Case<'_>) -> Option<Verdict> {
    // What an installation would bring is no cause of anything.
    let found: Vec<&Finding> =
        case.of_rule("KP-02").filter(|finding| finding.basis == Basis::Observed).collect();
    let finding = *found.first()?;
    let symptoms: Vec<&Finding> =
        case.findings.iter().copied().filter(|it| is_symptom(it)).collect();
    let mut chain = vec![ChainLink::symptom(
        "hosts reach no Service (10.96.0.1 and its like time out), while pods may still reach some",
    )];
    chain.extend(symptoms.iter().map(|finding| ChainLink::symptom(&finding.summary)));
    for evidence in &finding.evidence {
        chain.push(ChainLink::fact(&evidence.source, &evidence.fact));
    }
    chain.push(ChainLink::cause(
        "the address of a Service is on no machine: kube-proxy or Cilium has to turn packets for it to a pod, and \
         neither does",
    ));
    Some(Verdict {
        severity: None,
        cause: "C-SVC",
        confidence: Confidence::Confirmed,
        title: finding.summary.clone(),
        nodes: nodes_of(symptoms.iter().copied()),
        chain,
        broken: vec![finding.impact.clone()],
        still_works: vec![
            "pod to pod by address, and pod to the outside: neither takes a Service".into(),
            "pods to ClusterIPs, where Cilium turns packets of pods without replacing kube-proxy".into(),
        ],
        cautions: vec![
            "`cilium status` is fine: the agents do all that they were told to do".into(),
            "rules of a kube-proxy that is gone go on to work, until a pod moves or the node is rebooted".into(),
        ],
        alternatives: Vec::new(),
        decides: Vec::new(),
        fix: vec![finding.remedy.clone()],
        verify: vec![Check::new(
            "curl -sk --max-time 3 https://$(kubectl get service kubernetes -o jsonpath='{.spec.clusterIP}')/version   # on a node",
            "an answer, whatever it says",
        )],
        explains: vec![Code("KP-02"), Code("KP-03")],
        explains_also: symptoms.into_iter().map(Explained::of).collect(),
    })
}

/// What pods and agents suffer from that go by a Service.
fn is_symptom(finding: &Finding) -> bool {
    finding.code.0 == "POD-08" && finding.subject == "API server"
}
