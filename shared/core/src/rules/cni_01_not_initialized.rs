use std::collections::{BTreeMap, HashMap};

use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity, command::LIST_AGENTS,
    node_taints::names, pods::quote, premise, rule,
};
use crate::{
    facts::{AgentPod, Condition, KubeNode, NodeName},
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// Nodes that are not ready because the runtime has no CNI configuration (`cni plugin not
    /// initialized`), and what lies behind it: no agent on the node, an agent that is not ready yet,
    /// an agent that is ready and a file that is not there, or a runtime that reads another folder.
    ///
    /// ## Why it hurts
    /// Nothing but pods on the host's network is scheduled to such a node.
    ///
    /// ## Fix
    /// Agents write their CNI file once they are ready: see why this one is not (AG-02, AG-03). If
    /// it is, compare the runtime's `conf_dir` with the chart's `cni.confPath` (CNI-02).
    ///
    /// ## References
    /// - Kubernetes documentation, "Network Plugins"
    "CNI-01", Error, State, "nodes wait for a CNI plugin", judge
}

/// Nodes that were looked at from inside.
type Seen<'v, 'a> = HashMap<&'a NodeName, &'v NodeView<'a>>;

/// What lies behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    NoAgent,
    AgentNotReady,
    NoFile,
    OtherFolder,
    Unknown,
}

impl Reason {
    fn subject(self) -> &'static str {
        match self {
            Self::NoAgent => "no agent",
            Self::AgentNotReady => "agent not ready",
            Self::NoFile => "no CNI file",
            Self::OtherFolder => "another folder",
            Self::Unknown => "agent not known",
        }
    }

    fn summary(self) -> &'static str {
        match self {
            Self::NoAgent => "no agent of Cilium is there",
            Self::AgentNotReady => "the agent is there, and is not ready",
            Self::NoFile => "the agent is ready, and its CNI file is not there",
            Self::OtherFolder => {
                "the agent is ready and its file is there: the runtime reads another folder"
            }
            Self::Unknown => "whether the agent is ready, or its file there, is not known",
        }
    }

    fn remedy(self) -> Remedy {
        match self {
            Self::NoAgent => Remedy::text(
                "see why no agent is scheduled there (AG-03), or install Cilium if it is not",
            )
            .with_commands([LIST_AGENTS]),
            Self::AgentNotReady | Self::Unknown => {
                Remedy::text("see why the agent is not ready (AG-02, AG-03)").with_commands([LIST_AGENTS])
            }
            Self::NoFile | Self::OtherFolder => Remedy::text(
                "give the chart the folder that the runtime reads (`conf_dir` of containerd, `network_dir` of CRI-O)",
            )
            .with_values("cni:\n  confPath: /etc/cni/net.d   # the folder that the runtime reads"),
        }
    }
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(nodes) = premise::known(view, &view.facts.cluster.nodes, "nodes", out) else { return };
    let agents: Option<BTreeMap<&NodeName, &AgentPod>> = view
        .facts
        .cluster
        .agents
        .known()
        .map(|agents| agents.iter().map(|agent| (&agent.node, agent)).collect());
    let seen: Seen<'_, '_> = view.nodes().iter().map(|node| (node.name(), node)).collect();
    let mut groups: BTreeMap<Reason, Vec<(&KubeNode, &Condition)>> = BTreeMap::new();
    for node in nodes {
        if let Some(condition) = node.conditions.iter().find(|it| waits_for_plugin(it)) {
            let reason = agents.as_ref().map_or(Reason::Unknown, |agents| {
                reason(&seen, node, agents.get(&node.name).copied())
            });
            groups.entry(reason).or_default().push((node, condition));
        }
    }
    for (reason, group) in groups {
        out.found(finding(reason, &group));
    }
}

/// Words of containerd and CRI-O, handed on by the kubelet.
fn waits_for_plugin(condition: &Condition) -> bool {
    const WORDS: [&str; 4] = [
        "cni plugin not initialized",
        "cni config uninitialized",
        "no CNI configuration file",
        "NetworkPluginNotReady",
    ];
    condition.kind == "Ready"
        && !condition.holds()
        && WORDS.iter().any(|word| condition.message.contains(word))
}

fn reason(seen: &Seen<'_, '_>, node: &KubeNode, agent: Option<&AgentPod>) -> Reason {
    let Some(agent) = agent else { return Reason::NoAgent };
    if !agent.ready {
        return Reason::AgentNotReady;
    }
    match seen.get(&node.name).and_then(|node| node.facts.cni_files.known()) {
        Some(files) if files.iter().any(crate::facts::CniFile::is_cilium) => Reason::OtherFolder,
        Some(_) => Reason::NoFile,
        None => Reason::Unknown,
    }
}

fn finding(reason: Reason, group: &[(&KubeNode, &Condition)]) -> Finding {
    let mut nodes: Vec<NodeName> = group.iter().map(|(node, _)| node.name.clone()).collect();
    nodes.sort_unstable();
    let evidence = group.iter().take(3).map(|(node, it)| {
        Evidence::new(format!("condition Ready of {}", node.name), quote(&it.message))
    });
    Finding {
        code: RULE.code,
        severity: Severity::Error,
        basis: Basis::Observed,
        subject: reason.subject().into(),
        summary: format!(
            "{} not ready for want of a CNI plugin: {}",
            names(&nodes),
            reason.summary()
        ),
        evidence: evidence.collect(),
        nodes,
        impact: "only pods on the host's network start on these nodes".into(),
        remedy: reason.remedy(),
    }
}
