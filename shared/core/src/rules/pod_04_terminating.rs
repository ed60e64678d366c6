use super::{
    Basis, Finding, Judgement, Remedy, Severity,
    command::LIST_AGENTS,
    pods::{self, Group, Trouble, says},
    rule,
};
use crate::view::View;

rule! {
    /// ## What it checks
    /// Pods that do not go: those whose sandbox cannot be taken down because the CNI plugin fails,
    /// and those that are still there minutes after their time.
    ///
    /// ## Why it hurts
    /// To take a sandbox down, the kubelet asks the same plugin that made it. Where the agent behind
    /// it is gone, the pod stays, and so do StatefulSets and drains that wait for it.
    ///
    /// ## Fix
    /// Bring the agent of that node back. Pods of a node that is gone for good go when its Node
    /// object is deleted.
    ///
    /// ## References
    /// - cilium/cilium issue 27715
    "POD-04", Warn, State, "pods do not go", judge
}

/// Seconds beyond the time at which a pod was to be gone.
const PATIENCE: i64 = 120;

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(troubles) = pods::in_trouble(view, out) else { return };
    let groups = pods::groups(troubles, |trouble| class(view, trouble));
    for (is_late, group) in groups {
        out.found(finding(is_late, &group));
    }
}

fn class<'a>(view: &View<'_>, trouble: &Trouble<'a>) -> Option<(bool, &'a str)> {
    if !matches!(&*trouble.row.status, "Terminating" | "Unknown") {
        return None;
    }
    let failed = ["FailedKillPod", "FailedKillPodSandbox"];
    let failure = failed
        .into_iter()
        .flat_map(|reason| trouble.messages(reason))
        .find(|text| says(text, &["failed to destroy network", "cilium", "CNI", "cni"]));
    if let Some(failure) = failure {
        return Some((false, failure));
    }
    let deletion = trouble.detail.and_then(|detail| detail.deletion.as_deref());
    let is_late = view.seconds_since(deletion).is_some_and(|age| age >= PATIENCE);
    is_late.then_some((true, ""))
}

fn finding(is_late: bool, group: &Group<'_>) -> Finding {
    let (one, many) = if is_late {
        ("is still there, minutes after its time", "are still there, minutes after their time")
    } else {
        (
            "does not go: the CNI plugin cannot take its network down",
            "do not go: the CNI plugin cannot take their network down",
        )
    };
    Finding {
        code: RULE.code,
        severity: Severity::Warn,
        basis: Basis::Observed,
        subject: if is_late { "late pods" } else { "sandboxes" }.into(),
        nodes: group.nodes(),
        summary: group.sentence(one, many),
        evidence: group.evidence(),
        impact: "what waits for these pods to go waits on: drains, StatefulSets, namespaces".into(),
        remedy: Remedy::text("see whether node and agent are there").with_commands([LIST_AGENTS]),
    }
}
