use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity,
    command::quoted,
    log_causes::{self, CAUSES, Cause},
    operator::{self, Operator},
    pods::quote,
    rule,
};
use crate::{
    decode::log::{self, Level},
    facts::{Component, PodDetail},
    view::View,
};

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
            let told = cause(view);
            let (summary, remedy) = match told {
                Some(Cause { clause, code, remedy, .. }) => (
                    format!("no pod of the operator is available: {clause}"),
                    code.map_or_else(|| (*remedy).to_owned(), |code| format!("{remedy} ({code})")),
                ),
                None => (
                    "no pod of the operator is available".into(),
                    "see why its pods do not run (OP-03, POD-01), and what they say".into(),
                ),
            };
            finding(
                view,
                summary,
                evidence,
                Remedy::text(remedy).with_commands([
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

fn in_trouble<'a>(view: &View<'a>) -> impl Iterator<Item = &'a PodDetail> {
    let pods = view.facts.cluster.troubled_pods.items().iter();
    pods.filter(|pod| pod.component == Component::Operator)
}

/// Why the operator ends, by what its containers left and what their logs say.
fn cause(view: &View<'_>) -> Option<&'static Cause> {
    let containers = in_trouble(view).flat_map(|pod| &pod.containers);
    let ends = containers.flat_map(|it| it.terminated.iter().chain(&it.last_terminated));
    let logs = view.facts.cluster.logs.known().into_iter().flat_map(|logs| &logs.logs);
    let logs = logs.filter(|log| log.component == Component::Operator);
    let logs = logs.filter_map(|log| log.text.known()).map(String::as_str);
    let texts = ends.map(|end| end.message.as_str()).chain(logs);
    let mut lines = texts.flat_map(log::lines).filter(|line| line.level >= Level::Error);
    lines.find_map(|line| CAUSES.get(log_causes::of(&line.message)?))
}

/// What is known of the operator's pods in trouble.
fn pods(view: &View<'_>) -> Vec<Evidence> {
    in_trouble(view)
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
