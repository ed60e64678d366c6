use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity, command::quoted, premise, rule,
};
use crate::{facts::CustomResource, view::View};

rule! {
    /// ## What it checks
    /// That the definitions (CRDs) without which no agent starts are there, established, and served
    /// in version v2.
    ///
    /// ## Why it hurts
    /// Agents wait for them, and give up after a while. The operator makes them; where it may not,
    /// or where somebody deleted them with everything that they defined, nobody does.
    ///
    /// ## Fix
    /// Restart the operator, which makes what is missing when it starts; then the agents.
    ///
    /// ## References
    /// - Cilium documentation, "Custom Resource Definitions"
    "OP-04", Error, State, "definitions of Cilium's objects are missing", judge
}

/// Definitions that every agent of every version waits for.
const NEEDED: [&str; 3] =
    ["ciliumidentities.cilium.io", "ciliumnetworkpolicies.cilium.io", "ciliumnodes.cilium.io"];

fn judge(view: &View<'_>, out: &mut Judgement) {
    if premise::agents(view, out).is_none() {
        return;
    }
    let cluster = &view.facts.cluster;
    let Some(known) = premise::known(view, &cluster.custom_resources, "definitions (CRDs)", out)
    else {
        return;
    };
    let wrong: Vec<(&str, &str)> = NEEDED
        .into_iter()
        .filter_map(|name| Some((name, trouble(known.iter().find(|it| it.name == name))?)))
        .collect();
    if wrong.is_empty() {
        return;
    }
    let namespace = quoted(view.namespace());
    let names: Vec<&str> = wrong.iter().map(|(name, _)| *name).collect();
    out.found(Finding {
        code: RULE.code,
        severity: Severity::Error,
        basis: Basis::Observed,
        subject: "definitions".into(),
        nodes: Vec::new(),
        summary: format!("agents wait for definitions: {}", names.join(", ")),
        evidence: wrong.iter().map(|(name, why)| Evidence::new(*name, *why)).collect(),
        impact: "agents that start wait for them, and give up".into(),
        remedy: Remedy::text("restart the operator, which makes what is missing; then the agents")
            .with_commands([
                format!("kubectl -n {namespace} rollout restart deployment/cilium-operator"),
                format!("kubectl -n {namespace} rollout restart daemonset/cilium"),
            ]),
    });
}

fn trouble(definition: Option<&CustomResource>) -> Option<&'static str> {
    let Some(definition) = definition else { return Some("is not there") };
    if !definition.established {
        return Some("is not established");
    }
    let serves_v2 =
        definition.versions.iter().any(|version| version.name == "v2" && version.served);
    (!serves_v2).then_some("is not served in version v2")
}
