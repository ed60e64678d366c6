use std::collections::BTreeMap;

use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity,
    operator::{self, Operator},
    premise, rule,
};
use crate::{
    facts::{KubeNode, Workload},
    view::View,
};

rule! {
    /// ## What it checks
    /// An operator that is not complete, and that no node takes: each has a taint that the operator
    /// does not tolerate, or is cordoned.
    ///
    /// ## Why it hurts
    /// Where the taints are those that go once Cilium works, both wait for each other for ever. Until
    /// 1.17 the chart let the operator tolerate all taints; since 1.18 only those of the control plane,
    /// of nodes that are not ready, of cloud providers and Cilium's own.
    ///
    /// ## Fix
    /// Add the taint to `operator.tolerations`.
    ///
    /// ## References
    /// - vitobotta/hetzner-k3s issue 744
    "OP-03", Error, State, "no node takes the operator", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(Operator::There(workload)) = operator::find(view, out) else { return };
    let Some(nodes) = premise::known(view, &view.facts.cluster.nodes, "nodes", out) else { return };
    let is_complete = workload.pods.available >= workload.pods.desired;
    if is_complete
        || nodes.is_empty()
        || nodes.iter().any(|node| obstacle(node, workload).is_none())
    {
        return;
    }
    let mut obstacles: BTreeMap<String, usize> = BTreeMap::new();
    for obstacle in nodes.iter().filter_map(|node| obstacle(node, workload)) {
        *obstacles.entry(obstacle).or_default() += 1;
    }
    let evidence: Vec<Evidence> = obstacles
        .iter()
        .take(6)
        .map(|(obstacle, count)| Evidence::new("nodes", format!("{count} with {obstacle}")))
        .collect();
    let is_plain =
        |key: &&str| key.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_./".contains(&it));
    let keys: Vec<&str> = obstacles
        .keys()
        .filter_map(|it| it.strip_prefix("taint ")?.split([':', '=']).next())
        .filter(is_plain)
        .collect();
    let mut values = "operator:\n  tolerations:".to_owned();
    for key in keys.iter().take(6) {
        values.push_str("\n  - key: ");
        values.push_str(key);
        values.push_str("\n    operator: Exists");
    }
    let remedy = Remedy::text(
        "let the operator tolerate these taints, beside those that it tolerates already (`helm get values`, or the \
         chart's own list)",
    );
    out.found(Finding {
        code: RULE.code,
        severity: Severity::Error,
        basis: Basis::Observed,
        subject: "operator.tolerations".into(),
        nodes: Vec::new(),
        summary: format!("none of the {} nodes takes the operator", nodes.len()),
        evidence,
        impact: "nothing that the operator does is done (OP-01)".into(),
        remedy: if keys.is_empty() {
            Remedy::text("uncordon a node")
        } else {
            remedy.with_values(values)
        },
    });
}

/// What keeps the operator off a node.
fn obstacle(node: &KubeNode, workload: &Workload) -> Option<String> {
    let taint = node.taints.iter().find(|taint| {
        taint.effect != "PreferNoSchedule"
            && !workload.tolerations.iter().any(|it| it.tolerates(taint))
    });
    match taint {
        Some(taint) if taint.value.is_empty() => {
            Some(format!("taint {}:{}", taint.key, taint.effect))
        }
        Some(taint) => Some(format!("taint {}={}:{}", taint.key, taint.value, taint.effect)),
        None => node.unschedulable.then(|| "a cordon".to_owned()),
    }
}
