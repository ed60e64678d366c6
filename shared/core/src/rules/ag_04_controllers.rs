use std::collections::BTreeMap;

use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity, node_taints::names, pods::quote,
    premise, rule,
};
use crate::{
    facts::{FailingController, NodeName},
    view::View,
};

rule! {
    /// ## What it checks
    /// Controllers of agents that have failed several times in a row, by their own report.
    ///
    /// ## Why it hurts
    /// An agent whose controllers fail still calls itself OK. What the controller keeps up to date
    /// is not: endpoints, identities, routes to other nodes.
    ///
    /// ## Fix
    /// The last error says what is wrong. Once that is mended, agents go on by themselves.
    ///
    /// ## References
    /// - Cilium documentation, "Troubleshooting: detailed status"
    "AG-04", Warn, State, "controllers of an agent fail", judge
}

/// Failures in a row before they count: a single one is mended by the next attempt.
const PATIENCE: u64 = 3;

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    let mut groups: BTreeMap<&str, Vec<(&NodeName, &FailingController)>> = BTreeMap::new();
    for node in view.nodes() {
        match node.facts.agent_status.get() {
            Ok(status) => {
                for controller in &status.failing_controllers {
                    if controller.failures >= PATIENCE {
                        groups
                            .entry(kind(&controller.name))
                            .or_default()
                            .push((node.name(), controller));
                    }
                }
            }
            Err(why) if view.agent_runs_on(node.facts) != Some(false) => {
                out.missing_on(node.name(), "status of the agent", why);
            }
            Err(_) => {}
        }
    }
    for (name, group) in groups {
        out.found(finding(name, &group));
    }
}

/// `sync-to-k8s-ciliumendpoint (535)` is one of as many as there are endpoints.
fn kind(name: &str) -> &str {
    name.split(" (")
        .next()
        .unwrap_or(name)
        .trim_end_matches(|it: char| it.is_ascii_digit() || it == '-')
}

fn finding(name: &str, group: &[(&NodeName, &FailingController)]) -> Finding {
    let mut nodes: Vec<NodeName> = group.iter().map(|(node, _)| (*node).clone()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let evidence = group.iter().take(3).map(|(node, controller)| {
        Evidence::new(
            format!("agent of {node}"),
            format!(
                "{} failed {} times in a row: {}",
                controller.name,
                controller.failures,
                quote(&controller.message)
            ),
        )
    });
    Finding {
        code: RULE.code,
        severity: Severity::Warn,
        basis: Basis::Observed,
        subject: name.into(),
        summary: format!("the controller {name} fails again and again on {}", names(&nodes)),
        evidence: evidence.collect(),
        nodes,
        impact: "what it keeps up to date is out of date".into(),
        remedy: Remedy::text("mend what the last error says; the agent tries again by itself"),
    }
}

#[cfg(test)]
mod tests {
    use super::kind;

    #[test]
    fn controllers_of_one_kind_are_one() {
        assert_eq!(kind("sync-to-k8s-ciliumendpoint (535)"), "sync-to-k8s-ciliumendpoint");
        assert_eq!(kind("resolve-identity-1930"), "resolve-identity");
        assert_eq!(kind("cilium-health-ep"), "cilium-health-ep");
    }
}
