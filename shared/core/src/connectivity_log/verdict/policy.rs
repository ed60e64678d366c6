//! Failures that are not about reachability: policies, flows, and what is left.

use super::{super::tally::Tally, Check, Confidence, LogVerdict, configured, doctor};

/// What a policy had to refuse was let through.
pub(super) fn not_enforced(tally: &Tally) -> Option<LogVerdict> {
    let failures = &tally.failures;
    (failures.not_refused > 0).then(|| {
        let tests: Vec<&str> =
            failures.not_refused_tests.iter().take(8).map(String::as_str).collect();
        LogVerdict {
            cause: "C-POLICY",
            confidence: Confidence::Likely,
            title: "policies are not enforced: connections succeed that they refuse".into(),
            because: vec![format!(
                "{} actions succeeded that had to be refused, in {}",
                failures.not_refused,
                tests.join(", ")
            )],
            or: vec![
                "the agent had not applied the policy yet: then few actions are concerned, and other ones each time".into(),
                "pods that Cilium does not manage".into(),
            ],
            next: vec![
                configured("enable-policy", "`never`: no policy is enforced at all"),
                Check::new(
                    "kubectl -n kube-system exec ds/cilium -c cilium-agent -- cilium endpoint list",
                    "`Disabled` in the columns of policy enforcement, for the pods of the test",
                ),
                doctor("pods that Cilium does not manage"),
            ],
        }
    })
}

/// Without policy all is well.
pub(super) fn only_with_policies(tally: &Tally) -> Option<LogVerdict> {
    let failed = tally.failed();
    if failed == 0 || !tally.passed_tests.contains("no-policies") {
        return None;
    }
    let tests: Vec<&str> = tally.failed_tests.iter().take(8).map(String::as_str).collect();
    Some(LogVerdict {
        cause: "C-POLICY",
        confidence: Confidence::Likely,
        title: "connections fail only while policies are applied that should let them pass".into(),
        because: vec![
            "without policies all passed (no-policies)".into(),
            format!("{failed} actions failed in {}", tests.join(", ")),
        ],
        or: vec![
            "time: the same action sometimes passes; several runs tell".into(),
            "the L7 proxy (Envoy), if only tests with l7, dns or fqdns in their names fail".into(),
        ],
        next: vec![
            Check::new(
                "kubectl -n kube-system exec ds/cilium -c cilium-agent -- hubble observe --verdict DROPPED --last 50",
                "what is dropped, and by which reason",
            ),
            Check::new(
                "kubectl get ciliumclusterwidenetworkpolicies",
                "policies of the whole cluster, which add to those of the test",
            ),
        ],
    })
}

/// Hubble, not the network.
pub(super) fn flows_only(tally: &Tally) -> Option<LogVerdict> {
    (tally.failures.flows > 0 && tally.failures.other == 0).then(|| LogVerdict {
        cause: "C-HUBBLE",
        confidence: Confidence::Likely,
        title: "only flows were missed: the connections themselves succeeded".into(),
        because: vec![format!("{} times Hubble did not show what it had to", tally.failures.flows)],
        or: Vec::new(),
        next: vec![Check::new(
            "cilium connectivity test --flow-validation=disabled",
            "success: then only Hubble is to be looked at",
        )],
    })
}

/// Something failed, and the log does not tell enough.
pub(super) fn unexplained(tally: &Tally) -> Option<LogVerdict> {
    let failures = &tally.failures;
    let others = failures.other + failures.refused_otherwise;
    let reported = tally.report.map_or(0, |report| report.tests_failed);
    if tally.failed() + others + reported + tally.tests.failed == 0 {
        return None;
    }
    let mut because = Vec::new();
    if tally.failed() > 0 {
        because.push(format!("{} actions failed that had to succeed", tally.failed()));
    }
    if failures.refused_otherwise > 0 {
        because.push(format!(
            "{} actions were refused in another way than they had to be",
            failures.refused_otherwise
        ));
    }
    if let Some(example) = &failures.other_example {
        because.push(format!("{} other failures, the first: {example}", failures.other));
    }
    if because.is_empty() {
        because.push("the log says that tests failed, and does not show their actions".into());
    }
    Some(LogVerdict {
        cause: "C-UNKNOWN",
        confidence: Confidence::Undetermined,
        title: "what is behind these failures, the log does not tell".into(),
        because,
        or: Vec::new(),
        next: vec![
            doctor("what is behind it"),
            Check::new(
                "cilium connectivity test --test no-policies",
                "whether it also fails without policies",
            ),
        ],
    })
}
