use super::{
    Basis, Finding, Judgement, Remedy, Severity,
    pods::{self, Trouble, says},
    rule,
};
use crate::{facts::Component, view::View};

rule! {
    /// ## What it checks
    /// Pods that run and are not ready because the kubelet's probes get no answer: a timeout or no
    /// route, not a refused connection or a status of the program itself.
    ///
    /// ## Why it hurts
    /// Kubelets probe from the node. Where that way is shut, pods that work take no traffic, and
    /// liveness probes kill them again and again.
    ///
    /// ## Fix
    /// Try the probe from the node. Shut ways are those of host firewalls, of strict `rp_filter`
    /// (RT-08) and of policies where the host is not let in (`policy-deny`, `allow-localhost`). A
    /// slow program gives the same picture.
    ///
    /// ## References
    /// - Kubernetes documentation, "Configure Liveness, Readiness and Startup Probes"
    "POD-07", Warn, State, "probes of running pods get no answer", judge
}

/// What Go says when packets vanish.
const NO_ANSWER: [&str; 5] = [
    "i/o timeout",
    "no route to host",
    "context deadline exceeded",
    "Client.Timeout exceeded",
    "network is unreachable",
];

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(troubles) = pods::in_trouble(view, out) else { return };
    let groups =
        pods::groups(troubles, |trouble| unanswered(view, trouble).map(|message| ((), message)));
    for group in groups.into_values() {
        out.found(Finding {
            code: RULE.code,
            severity: Severity::Warn,
            basis: Basis::Observed,
            subject: "probes".into(),
            nodes: group.nodes(),
            summary: format!("{}, and the kubelet's probes get no answer", group.sentence("runs", "run")),
            evidence: group.evidence(),
            impact: "Services leave these pods out, or kubelets restart them".into(),
            remedy: Remedy::text(
                "try the probe's address from the node, with curl: no answer is the way, a late one the program",
            ),
        });
    }
}

/// Programs on the host's network are not reached by way of Cilium.
fn unanswered<'a>(view: &View<'_>, trouble: &Trouble<'a>) -> Option<&'a str> {
    let is_on_host = trouble.row.address.is_none_or(|address| view.is_node_address(address));
    if is_on_host || &*trouble.row.status != "Running" || trouble.component() != Component::Other {
        return None;
    }
    let latest = trouble.messages("Unhealthy").next()?;
    says(latest, &NO_ANSWER).then_some(latest)
}
