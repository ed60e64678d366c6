use std::collections::HashMap;

use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity,
    command::quoted,
    node_taints::{self, NetworkTaint, names},
    premise, rule,
};
use crate::{
    facts::{AgentPod, NodeName},
    view::View,
};

rule! {
    /// ## What it checks
    /// Nodes that keep Cilium's taint `node.cilium.io/agent-not-ready` although their agent has been
    /// ready for minutes, or although the cluster has no agent any more.
    ///
    /// ## Why it hurts
    /// Whoever makes nodes sets it, so that no pod starts before Cilium; the operator takes it away.
    /// Where it does not run, or Cilium was uninstalled, new pods wait for ever.
    ///
    /// ## Fix
    /// Bring the operator back (OP-01), or take the taint away by hand. Where Cilium is gone for
    /// good, whoever sets the taint must stop it as well.
    ///
    /// ## References
    /// - cilium/cilium issue 31943
    "SCH-01", Error, State, "Cilium's taint stays on nodes", judge
}

/// Seconds in which an operator takes the taint away once the agent started.
const PATIENCE: i64 = 180;

fn judge(view: &View<'_>, out: &mut Judgement) {
    let cluster = &view.facts.cluster;
    if premise::known(view, &cluster.nodes, "nodes", out).is_none() {
        return;
    }
    let tainted = node_taints::nodes_with(view, NetworkTaint::AgentNotReady);
    if tainted.is_empty() {
        return;
    }
    let Some(agents) = premise::known(view, &cluster.agents, "agents", out) else { return };
    if agents.is_empty() {
        out.found(finding(view, "and the cluster has no agent", tainted));
        return;
    }
    let by_node: HashMap<&NodeName, &AgentPod> =
        agents.iter().map(|agent| (&agent.node, agent)).collect();
    let is_late = |node: &NodeName| {
        by_node.get(node).is_some_and(|agent| {
            agent.ready
                && view.seconds_since(agent.started.as_deref()).is_some_and(|age| age >= PATIENCE)
        })
    };
    let late: Vec<NodeName> = tainted.into_iter().filter(is_late).collect();
    if !late.is_empty() {
        out.found(finding(view, "although the agent is ready", late));
    }
}

fn finding(view: &View<'_>, but: &str, nodes: Vec<NodeName>) -> Finding {
    let key = node_taints::cilium(view);
    let commands = nodes
        .iter()
        .take(20)
        .map(|node| format!("kubectl taint node {} {}-", quoted(node.as_str()), quoted(key)));
    let more = nodes.len().saturating_sub(20);
    let rest = (more > 0).then(|| format!("# and {more} more nodes"));
    Finding {
        code: RULE.code,
        severity: Severity::Error,
        basis: Basis::Observed,
        subject: key.into(),
        summary: format!("the taint {key} stays on {}, {but}", names(&nodes)),
        evidence: vec![Evidence::new("taints of nodes", format!("{key} on {}", names(&nodes)))],
        impact: "pods that do not tolerate it are not scheduled there".into(),
        remedy: Remedy::text(
            "see whether the operator runs (OP-01), which takes it away; or do it by hand",
        )
        .with_commands(commands.chain(rest)),
        nodes,
    }
}
