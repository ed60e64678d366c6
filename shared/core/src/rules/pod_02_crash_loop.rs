use super::{
    Basis, Finding, Judgement, Remedy, Severity,
    pods::{self, Group, Trouble},
    rule,
};
use crate::{facts::Component, view::View};

rule! {
    /// ## What it checks
    /// Pods of applications whose containers end again and again. Those that ran out of memory do
    /// not count, nor do Cilium's own and the cluster's DNS, which have rules of their own.
    ///
    /// ## Why it hurts
    /// Programs that cannot reach what they need at their start give up. A crash is no proof of
    /// that: only the log tells.
    ///
    /// ## Fix
    /// Read the log of the run before. `no route to host`, `i/o timeout` and names that are not
    /// resolved point to the network; `connect: invalid argument` points to routes that another CNI
    /// plugin left.
    ///
    /// ## References
    /// - Kubernetes documentation, "Debug Running Pods"
    "POD-02", Warn, State, "pods crash again and again", judge
}

/// Words of programs that miss the network.
const NETWORK: [&str; 8] = [
    "no route to host",
    "i/o timeout",
    "no such host",
    "network is unreachable",
    "name resolution",
    "connect: invalid argument",
    "connection timed out",
    "server misbehaving",
];

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(troubles) = pods::in_trouble(view, out) else { return };
    let groups = pods::groups(troubles, |trouble| {
        if !crashes(trouble) || trouble.component() != Component::Other {
            return None;
        }
        let words = pods::last_words(view, trouble);
        let said = words.iter().find_map(|text| pods::telling(text, &NETWORK));
        Some((said.is_none(), said.or(words.first().copied()).unwrap_or_default()))
    });
    for (is_silent, group) in groups {
        out.found(finding(is_silent, &group));
    }
}

/// One end may be that of a job; kubelets start a pod anew before they call it a loop.
fn crashes(trouble: &Trouble<'_>) -> bool {
    let containers = trouble.detail.into_iter().flat_map(|detail| &detail.containers);
    let mut ends = containers.flat_map(|it| it.last_terminated.iter().chain(&it.terminated));
    let is_out_of_memory = ends.any(|end| end.reason == "OOMKilled");
    match trouble.row.status.trim_start_matches("Init:") {
        "CrashLoopBackOff" => !is_out_of_memory,
        "Error" | "Completed" | "Running" => trouble.row.restarts >= 2 && !is_out_of_memory,
        _ => false,
    }
}

fn finding(is_silent: bool, group: &Group<'_>) -> Finding {
    let (one, many) = if is_silent {
        ("crashes again and again", "crash again and again")
    } else {
        (
            "crashes again and again, and misses the network",
            "crash again and again, and miss the network",
        )
    };
    Finding {
        code: RULE.code,
        severity: Severity::Warn,
        basis: Basis::Observed,
        subject: if is_silent { "crash loops" } else { "crash loops for want of network" }.into(),
        nodes: group.nodes(),
        summary: format!("{}: {}", group.sentence(one, many), group.names()),
        evidence: group.evidence(),
        impact: "these pods do not work".into(),
        remedy: Remedy::text("read what they said before they ended").with_commands(group.logs()),
    }
}
