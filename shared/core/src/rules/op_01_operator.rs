use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity,
    command::quoted,
    operator::{self, Operator},
    pods::quote,
    rule,
};
use crate::{facts::Component, view::View};

rule! {
    /// ## What it checks
    /// That Cilium's operator is there and runs.
    ///
    /// ## Why it hurts
    /// The operator gives nodes their pod CIDRs, makes the CRDs, takes the taint of new nodes away
    /// and clears up after what is gone. Agents that wait for any of these do not start.
    ///
    /// ## Fix
    /// See why its pods do not run: taints (OP-03), images (POD-01), or its own log.
    ///
    /// ## References
    /// - Cilium documentation, "Component Overview: Operator"
    "OP-01", Block, State, "the operator does not run", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let finding = match operator::find(view, out) {
        Some(Operator::Absent) => finding(
            view,
            "the cluster has agents, and no operator".into(),
            vec![Evidence::new("deployments", "none is Cilium's operator")],
            Remedy::text("install it with the chart: `operator.enabled` is its default")
                .with_values("operator:\n  enabled: true"),
        ),
        Some(Operator::There(workload)) if workload.pods.desired == 0 => finding(
            view,
            "the operator is scaled to no replica".into(),
            vec![Evidence::new("deployment", format!("{} wants 0 replicas", workload.name))],
            Remedy::text("scale it up").with_commands([format!(
                "kubectl -n {} scale deployment {} --replicas=1",
                quoted(&workload.namespace),
                quoted(&workload.name)
            )]),
        ),
        Some(Operator::There(workload))
            if workload.pods.available == 0 && !operator::renews(view) =>
        {
            let mut evidence = vec![Evidence::new(
                "deployment",
                format!("{}: 0 of {} available", workload.name, workload.pods.desired),
            )];
            evidence.extend(pods(view));
            finding(
                view,
                "no pod of the operator is available".into(),
                evidence,
                Remedy::text("see why its pods do not run (OP-03, POD-01), and what they say")
                    .with_commands([
                        format!(
                            "kubectl -n {} get pods -l io.cilium/app=operator -o wide",
                            quoted(&workload.namespace)
                        ),
                        format!(
                            "kubectl -n {} logs deployment/{} --tail=20",
                            quoted(&workload.namespace),
                            quoted(&workload.name)
                        ),
                    ]),
            )
        }
        _ => return,
    };
    out.found(finding);
}

/// What is known of the operator's pods in trouble.
fn pods(view: &View<'_>) -> Vec<Evidence> {
    let pods = view.facts.cluster.troubled_pods.items().iter();
    let operators = pods.filter(|pod| pod.component == Component::Operator);
    operators
        .take(2)
        .map(|pod| {
            let containers = pod.containers.iter();
            let ends = containers.flat_map(|it| it.terminated.iter().chain(&it.last_terminated));
            let scheduling =
                pod.conditions.iter().filter(|it| it.kind == "PodScheduled" && !it.holds());
            let words = ends
                .map(|end| end.message.as_str())
                .chain(scheduling.map(|it| it.message.as_str()));
            let words = words.filter(|message| !message.is_empty()).map(quote).next();
            let words = words.map_or_else(String::new, |words| format!(": {words}"));
            Evidence::new(format!("pod {}", pod.name), format!("{}{words}", pod.status))
        })
        .collect()
}

fn finding(view: &View<'_>, summary: String, evidence: Vec<Evidence>, remedy: Remedy) -> Finding {
    // Only agents that come new wait for it, unless its work is needed to start at all.
    let severity = if view.facts.cluster.agents.items().iter().all(|agent| agent.ready) {
        Severity::Error
    } else {
        Severity::Block
    };
    Finding {
        code: RULE.code,
        severity,
        basis: Basis::Observed,
        subject: "operator".into(),
        nodes: Vec::new(),
        summary,
        evidence,
        impact: "new nodes get no pod CIDR and keep their taint; identities and endpoints pile up"
            .into(),
        remedy,
    }
}
