//! Tests that never began, and commands that never ran.

use super::{super::tally::Tally, Check, Confidence, LogVerdict, doctor};

/// The log ends before the first test.
pub(super) fn verdict(tally: &Tally) -> Option<LogVerdict> {
    let has_begun = tally.runs > 0
        || tally.tests != super::super::TestCounts::default()
        || tally.report.is_some()
        || !tally.legs.is_empty();
    let waited_for = tally.waited_for.as_deref().or(tally.ended.as_deref())?;
    if has_begun {
        return None;
    }
    let (cause, title, next) = stuck_at(waited_for);
    let mut because = vec![format!("the last thing that was waited for: {waited_for}")];
    because.extend(tally.ended.as_ref().map(|why| format!("the last words: {why}")));
    Some(LogVerdict {
        cause,
        confidence: Confidence::Undetermined,
        title: title.into(),
        because,
        or: vec!["the log was cut off, or the test was interrupted".into()],
        next,
    })
}

fn stuck_at(waited_for: &str) -> (&'static str, &'static str, Vec<Check>) {
    let pods = Check::new(
        "kubectl get pods -A -l kind -o wide | grep cilium-test",
        "pods that are Pending, or whose images are not pulled",
    );
    if waited_for.contains("service") || waited_for.contains("Service") {
        let next = vec![doctor("Services without kube-proxy, agents in trouble")];
        ("C-SVC", "no test ran: a pod of the test does not reach a Service", next)
    } else if waited_for.contains("DNS server") {
        let next = vec![doctor("missing routes, a tunnel that does not fit, agents in trouble")];
        ("C-OVERLAY", "no test ran: pods of the test do not reach each other", next)
    } else if waited_for.contains("CiliumEndpoint") {
        let next = vec![pods, doctor("pods that Cilium does not manage")];
        ("C-UNMANAGED", "no test ran: Cilium does not know a pod of the test", next)
    } else {
        let events = Check::new(
            "kubectl get events -A --field-selector type=Warning | grep cilium-test",
            "ErrImagePull: nodes do not reach the registry; FailedCreatePodSandBox: the CNI plugin does not work",
        );
        let next = vec![pods, events, doctor("why pods do not start")];
        ("C-PODS", "no test ran: the pods of the test did not become ready", next)
    }
}

/// `kubectl exec` itself failed.
pub(super) fn commands_not_run(tally: &Tally) -> Option<LogVerdict> {
    let failures = &tally.failures;
    (failures.not_run > 0).then(|| LogVerdict {
        cause: "C-KUBELET",
        confidence: Confidence::Likely,
        title: "commands could not be run in the pods of the test, which says nothing about the network of pods".into(),
        because: failures
            .not_run_example
            .iter()
            .map(|example| format!("{} times, the first: {example}", failures.not_run))
            .collect(),
        or: Vec::new(),
        next: vec![
            Check::new(
                "kubectl get --raw /api/v1/nodes/NODE/proxy/healthz   # for each node",
                "an error: the API server does not reach this node's kubelet on port 10250",
            ),
            doctor("nodes in trouble"),
        ],
    })
}
