//! `C-LEFT`: Cilium is gone, and what it made is still there.

use super::{Case, ChainLink, Check, Confidence, Explained, Verdict, nodes_of};
use crate::{
    facts::NodeName,
    rules::{Code, Finding, LIST_AGENTS, Remedy, delete_cilium_links, node_names},
    view::NodeView,
};

pub(super) fn verdict(case: &Case<'_>) -> Option<Verdict> {
    let stale: Vec<&Finding> =
        case.of_rule("RT-07").filter(|finding| finding.subject == "devices").collect();
    let nodes = nodes_of(stale.iter().copied());
    if nodes.is_empty() {
        return None;
    }
    let confidence = confidence(case, &nodes)?;
    let mut chain = vec![ChainLink::symptom(
        "new pods hang in ContainerCreating; or addresses of the LAN cannot be reached from the nodes",
    )];
    let symptoms = case.symptoms(&nodes, is_symptom);
    chain.extend(symptoms.iter().map(|finding| ChainLink::symptom(&finding.summary)));
    for evidence in stale.iter().flat_map(|finding| &finding.evidence).take(8) {
        chain.push(ChainLink::fact(&evidence.source, &evidence.fact));
    }
    chain.push(ChainLink::cause(
        "removing the release removes no device, no route and no CNI file from the nodes",
    ));
    let hijacked: Vec<String> = case
        .of_rule("RT-01")
        .map(|finding| format!("{}: packets for it still go to cilium_host", finding.subject))
        .collect();
    let mut broken = vec![
        "new pods, where the CNI file still names Cilium: its agent does not answer".to_owned(),
    ];
    broken.extend(hijacked);
    Some(Verdict {
        severity: None,
        cause: "C-LEFT",
        confidence,
        title: format!(
            "no Cilium agent runs on {}, and Cilium's devices and routes are still there",
            node_names(&nodes)
        ),
        chain,
        broken,
        still_works: vec![
            "pods that ran before: their devices and BPF programs live on without the agent".into(),
        ],
        cautions: Vec::new(),
        fix: fix(case, &nodes, confidence),
        verify: vec![
            Check::new("ip -br link | grep -E 'cilium_|lxc(_health|[0-9a-f]{12})'", "nothing"),
            Check::new("ip route show table all | grep cilium_", "nothing"),
        ],
        explains: ["RT-07", "RT-01", "RT-02", "CIDR-01", "CIDR-02", "CNI-09", "SCH-01"]
            .map(Code)
            .to_vec(),
        explains_also: symptoms.iter().copied().map(Explained::of).collect(),
        alternatives: Vec::new(),
        decides: Vec::new(),
        nodes,
    })
}

/// What pods suffer from whose CNI plugin asks an agent that is not there.
fn is_symptom(finding: &Finding) -> bool {
    match finding.code.0 {
        "POD-03" => matches!(finding.subject.as_str(), "agent does not answer" | "no message"),
        "POD-04" => true,
        _ => false,
    }
}

/// An agent that crashed leaves the same picture on its node. Only the cluster can tell.
fn confidence(case: &Case<'_>, nodes: &[NodeName]) -> Option<Confidence> {
    match case.view.facts.cluster.agents.known() {
        Some(agents) if agents.is_empty() => Some(Confidence::Confirmed),
        // The DaemonSet has pods: on nodes with one, the agent is down, not gone.
        Some(agents) => {
            let is_down = |node: &NodeName| agents.iter().any(|agent| agent.node == *node);
            (!nodes.iter().all(is_down)).then_some(Confidence::Likely)
        }
        None => Some(Confidence::Likely),
    }
}

fn fix(case: &Case<'_>, nodes: &[NodeName], confidence: Confidence) -> Vec<Remedy> {
    let mut steps = Vec::new();
    if confidence != Confidence::Confirmed {
        steps.push(
            Remedy::text(
                "First ask the cluster whether Cilium is still installed: an agent that merely crashed leaves the \
                 same picture. If it is listed, stop here, and find out why it does not run.",
            )
            .with_commands([LIST_AGENTS]),
        );
    }
    let mut commands = vec![format!("# on {}", node_names(nodes))];
    let here = case.view.nodes().iter().filter(|node| nodes.contains(node.name()));
    commands.extend(delete_cilium_links(here.flat_map(NodeView::cilium_links)));
    commands.push("mv /etc/cni/net.d/05-cilium.conflist /root/   # if it is there".into());
    steps.push(Remedy::text(
        "If Cilium is to stay: install it again; the agent takes over what it finds.",
    ));
    steps.push(
        Remedy::text(
            "If it is to go: drain the node, then delete the devices; their routes go along. Pods that still run lose \
             their network: restart them under the next CNI plugin, which takes their `lxc…` devices away. BPF \
             programs, iptables chains and taints stay behind as well.",
        )
        .with_commands(commands),
    );
    steps
}
