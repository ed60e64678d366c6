use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity, command::LIST_AGENTS,
    node_taints::names, premise, rule,
};
use crate::{
    facts::{AgentPod, Component, KubeNode, NodeName, PodDetail, Taint, Workload},
    view::{View, listing},
};

rule! {
    /// ## What it checks
    /// That each node has an agent, and that it is ready: which nodes have none, whether a taint or
    /// the node selector of the DaemonSet keeps it away, and which agents are there and not ready.
    ///
    /// ## Why it hurts
    /// A node without an agent gives new pods no network; pods that run there keep theirs, and miss
    /// every change of policies, Services and other nodes.
    ///
    /// ## Fix
    /// Let the agents tolerate the taint (the chart's default tolerates all), or give the node the
    /// labels of the node selector. For agents that are not ready, read their logs.
    ///
    /// ## References
    /// - Cilium documentation, "Troubleshooting: component and cluster health"
    "AG-03", Error, State, "nodes have no agent that is ready", judge
}

/// Seconds that an agent may take to get ready, as in an update.
const PATIENCE: i64 = 120;

/// Why a node has no agent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    Taint(String),
    NodeSelector,
    Unknown,
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let cluster = &view.facts.cluster;
    let Some(agents) = premise::agents(view, out) else { return };
    let Some(nodes) = premise::known(view, &cluster.nodes, "nodes", out) else { return };
    let have_one: HashSet<&NodeName> = agents.iter().map(|agent| &agent.node).collect();
    let daemon_set = cluster.workloads(Component::Agent).next();
    let mut without: BTreeMap<Reason, Vec<NodeName>> = BTreeMap::new();
    for node in nodes.iter().filter(|node| !have_one.contains(&node.name) && takes_agents(node)) {
        let reason = daemon_set.map_or(Reason::Unknown, |it| why_none(node, it));
        without.entry(reason).or_default().push(node.name.clone());
    }
    for (reason, nodes) in without {
        out.found(missing(&reason, nodes));
    }
    let details: HashMap<&str, &PodDetail> =
        cluster.troubled_pods.items().iter().map(|pod| (pod.name.as_str(), pod)).collect();
    let is_starting = |agent: &AgentPod| {
        let detail = details.get(agent.name.as_str());
        let ready = detail.and_then(|pod| pod.conditions.iter().find(|it| it.kind == "Ready"));
        [agent.started.as_deref(), ready.and_then(|ready| ready.since.as_deref())]
            .into_iter()
            .any(|since| view.seconds_since(since).is_some_and(|age| age < PATIENCE))
    };
    let not_ready: Vec<&AgentPod> =
        agents.iter().filter(|agent| !agent.ready && !is_starting(agent)).collect();
    if !not_ready.is_empty() {
        out.found(unready(view, &not_ready, &details));
    }
}

/// Nodes that are no machines with Linux have no agent.
fn takes_agents(node: &KubeNode) -> bool {
    let has = |label: &str, value: &str| node.labels.get(label).is_some_and(|it| it == value);
    !has("kubernetes.io/os", "windows")
        && !has("eks.amazonaws.com/compute-type", "fargate")
        && !has("type", "virtual-kubelet")
}

fn why_none(node: &KubeNode, daemon_set: &Workload) -> Reason {
    // DaemonSets tolerate these by themselves.
    const TOLERATED: [&str; 6] = [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
        "node.kubernetes.io/disk-pressure",
        "node.kubernetes.io/memory-pressure",
        "node.kubernetes.io/pid-pressure",
        "node.kubernetes.io/unschedulable",
    ];
    let is_tolerated = |taint: &Taint| {
        taint.effect == "PreferNoSchedule"
            || TOLERATED.contains(&taint.key.as_str())
            || (daemon_set.host_network && taint.key == "node.kubernetes.io/network-unavailable")
            || daemon_set.tolerations.iter().any(|it| it.tolerates(taint))
    };
    let in_the_way = node.taints.iter().find(|taint| !is_tolerated(taint));
    if let Some(taint) = in_the_way {
        return Reason::Taint(format!("{}:{}", taint.key, taint.effect));
    }
    let is_chosen =
        daemon_set.node_selector.iter().all(|(key, value)| node.labels.get(key) == Some(value));
    if is_chosen || node.labels.is_empty() { Reason::Unknown } else { Reason::NodeSelector }
}

fn missing(reason: &Reason, mut nodes: Vec<NodeName>) -> Finding {
    nodes.sort_unstable();
    let (why, remedy) = match reason {
        Reason::Taint(taint) => (
            format!("it does not tolerate the taint {taint}"),
            Remedy::text("let agents tolerate all taints, which is the chart's default")
                .with_values("tolerations:\n- operator: Exists"),
        ),
        Reason::NodeSelector => (
            "the node selector of the DaemonSet leaves them out".to_owned(),
            Remedy::text("if they are to have Cilium, give them the labels of the node selector"),
        ),
        Reason::Unknown => (
            "why is not known".to_owned(),
            Remedy::text("read the events of the DaemonSet")
                .with_commands(["kubectl describe daemonset -A -l k8s-app=cilium".to_owned()]),
        ),
    };
    let evidence = vec![Evidence::new("agents", format!("none on {}", names(&nodes)))];
    let subject = match reason {
        Reason::Taint(taint) => taint.clone(),
        Reason::NodeSelector => "node selector".into(),
        Reason::Unknown => "no agent".into(),
    };
    // Whoever leaves nodes out by their labels may mean it.
    let severity = if *reason == Reason::NodeSelector { Severity::Warn } else { Severity::Error };
    Finding {
        code: RULE.code,
        severity,
        basis: Basis::Observed,
        subject,
        summary: format!("there is no agent on {}: {why}", names(&nodes)),
        evidence,
        nodes,
        impact: "new pods get no network there".into(),
        remedy,
    }
}

fn unready(view: &View<'_>, agents: &[&AgentPod], details: &HashMap<&str, &PodDetail>) -> Finding {
    let mut nodes: Vec<NodeName> = agents.iter().map(|agent| agent.node.clone()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let pods: Vec<String> = agents.iter().map(|agent| agent.name.clone()).collect();
    let mut evidence = vec![Evidence::new("agents that are not ready", listing(&pods))];
    for agent in agents {
        if let Some(pod) = details.get(agent.name.as_str()).filter(|_| evidence.len() < 4) {
            evidence.push(Evidence::new(format!("pod {}", agent.name), pod.status.clone()));
        }
    }
    Finding {
        code: RULE.code,
        severity: Severity::Error,
        basis: Basis::Observed,
        subject: "not ready".into(),
        summary: format!("the agent is not ready on {}", names(&nodes)),
        evidence,
        nodes,
        impact: "new pods get no network there, and running ones miss every change".into(),
        remedy: Remedy::text("read what they say").with_commands([
            LIST_AGENTS.to_owned(),
            format!(
                "kubectl -n {} logs -l k8s-app=cilium -c cilium-agent --previous --tail=20",
                super::quoted(view.namespace())
            ),
        ]),
    }
}
