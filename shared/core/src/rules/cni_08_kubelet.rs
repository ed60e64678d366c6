use std::collections::BTreeMap;

use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity,
    node_taints::names,
    pods::{quote, says},
    premise, rule,
};
use crate::{
    facts::{Condition, KubeNode, NodeName},
    view::View,
};

rule! {
    /// ## What it checks
    /// Nodes that are not ready for reasons that are none of Cilium's: the kubelet is silent, the
    /// runtime is down, or containers cannot be listed (PLEG).
    ///
    /// ## Why it hurts
    /// Pods of such a node are counted as lost, whatever its network does. A kubelet is also silent
    /// when the node cannot reach the API server any more.
    ///
    /// ## Fix
    /// Look at kubelet and runtime on the node first. If both are well, try the API server from
    /// there: where its address lies in a pod CIDR, see RT-01.
    ///
    /// ## References
    /// - Kubernetes documentation, "Node Status"
    "CNI-08", Error, State, "kubelet or runtime is down", judge
}

/// What is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Kubelet,
    Runtime,
    Other,
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(nodes) = premise::known(view, &view.facts.cluster.nodes, "nodes", out) else { return };
    let mut groups: BTreeMap<Part, Vec<(&KubeNode, &Condition)>> = BTreeMap::new();
    for node in nodes {
        let ready = node.conditions.iter().find(|it| it.kind == "Ready" && !it.holds());
        if let Some((part, condition)) = ready.and_then(|it| Some((part(it)?, it))) {
            groups.entry(part).or_default().push((node, condition));
        }
    }
    for (part, group) in groups {
        out.found(finding(part, &group));
    }
}

/// None for nodes that wait for a CNI plugin: these are CNI-01's.
fn part(condition: &Condition) -> Option<Part> {
    let message = condition.message.as_str();
    if condition.status == "Unknown" {
        Some(Part::Kubelet)
    } else if says(message, &["cni ", "CNI ", "NetworkPluginNotReady"]) {
        None
    } else if says(message, &["PLEG", "container runtime"]) {
        Some(Part::Runtime)
    } else {
        Some(Part::Other)
    }
}

fn finding(part: Part, group: &[(&KubeNode, &Condition)]) -> Finding {
    let mut nodes: Vec<NodeName> = group.iter().map(|(node, _)| node.name.clone()).collect();
    nodes.sort_unstable();
    let evidence = group.iter().take(3).map(|(node, it)| {
        let since =
            it.since.as_deref().map_or_else(String::new, |since| format!(", since {since}"));
        Evidence::new(
            format!("condition Ready of {}", node.name),
            format!("{}{since}", quote(&it.message)),
        )
    });
    let (subject, what) = match part {
        Part::Kubelet => ("kubelet", "the kubelet is silent"),
        Part::Runtime => ("runtime", "the container runtime is down or does not keep up"),
        Part::Other => ("not ready", "for none of Cilium's reasons"),
    };
    let commands = match part {
        Part::Kubelet => vec!["systemctl status kubelet", "journalctl -u kubelet -n 50 --no-pager"],
        Part::Runtime => vec!["systemctl status containerd crio docker", "crictl ps"],
        Part::Other => vec!["journalctl -u kubelet -n 50 --no-pager"],
    };
    Finding {
        code: RULE.code,
        severity: Severity::Error,
        basis: Basis::Observed,
        subject: subject.into(),
        summary: format!("{} not ready: {what}", names(&nodes)),
        evidence: evidence.collect(),
        impact: "pods of these nodes are lost to the cluster".into(),
        remedy: Remedy::text("look at the node itself").with_commands(
            [format!("# on {}", names(&nodes))]
                .into_iter()
                .chain(commands.into_iter().map(Into::into)),
        ),
        nodes,
    }
}
