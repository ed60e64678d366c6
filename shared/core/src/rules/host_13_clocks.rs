use jiff::Timestamp;

use super::{Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{KubeNode, NodeName},
    view::{View, listing},
};

rule! {
    /// ## What it checks
    /// Whether the nodes' clocks agree. Each kubelet writes the time of its own clock into its Lease,
    /// every ten seconds: of nodes that are ready, the times are as close. More than a minute apart
    /// from the middle one is a finding; of two nodes nobody can say whose clock is wrong.
    ///
    /// ## Why it hurts
    /// Certificates are not valid yet, or no longer: relay and cluster mesh do not get to the agents,
    /// and a node that joins or renews its certificate is refused. Logs of several nodes tell a wrong
    /// order. The control plane does not notice: it goes by when a Lease changes.
    ///
    /// ## Fix
    /// Let chrony or systemd-timesyncd run on the node, with a server that it reaches.
    ///
    /// ## References
    /// - Kubernetes documentation, "Leases": node heartbeats
    "HOST-13", Warn, State, "a node's clock is wrong", judge
}

/// Kubelets renew after 10 s, and a node stays ready for 40 s without: no farther apart are those
/// that only are late.
const APART: i64 = 60;

fn judge(view: &View<'_>, out: &mut Judgement) {
    let cluster = &view.facts.cluster;
    let Some(leases) = premise::known(view, &cluster.leases, "leases", out) else { return };
    let Some(nodes) = premise::known(view, &cluster.nodes, "nodes", out) else { return };
    let ready: std::collections::BTreeSet<&str> =
        nodes.iter().filter(|node| is_ready(node)).map(|node| node.name.as_str()).collect();
    let mut clocks: Vec<(Timestamp, &str)> = leases
        .iter()
        .filter(|it| it.namespace == "kube-node-lease" && ready.contains(it.name.as_str()))
        .filter_map(|it| Some((it.renewed.as_deref()?.parse().ok()?, it.name.as_str())))
        .collect();
    if clocks.len() < 2 {
        out.not_applicable("fewer than two nodes that are ready have a lease to compare");
        return;
    }
    clocks.sort_unstable();
    let middle = clocks[clocks.len() / 2];
    let seconds = |clock: Timestamp| clock.duration_since(middle.0).as_secs();
    let wrong: Vec<(i64, &str)> = clocks
        .iter()
        .map(|(clock, node)| (seconds(*clock), *node))
        .filter(|(apart, _)| apart.abs() > APART)
        .collect();
    if let [(apart, node)] = wrong[..]
        && clocks.len() == 2
    {
        out.found(finding(&[node, middle.1], apart, "of the two disagree"));
        return;
    }
    for (apart, node) in wrong.into_iter().take(MOST) {
        let way = if apart < 0 { "is behind" } else { "is ahead" };
        out.found(finding(&[node], apart, way));
    }
}

/// Findings that are told; what ails more nodes is one server of the time.
const MOST: usize = 20;

fn is_ready(node: &KubeNode) -> bool {
    node.conditions.iter().any(|condition| condition.kind == "Ready" && condition.holds())
}

fn finding(names: &[&str], apart: i64, how: &str) -> Finding {
    let words: Vec<String> = names.iter().map(ToString::to_string).collect();
    let seconds = apart.abs();
    let summary = match names {
        [node] => format!("the clock of {node} {how} of the others by {seconds} s"),
        _ => format!("the clocks of {} differ by {seconds} s", listing(&words)),
    };
    let mut finding = Finding::about(RULE.code, Severity::Warn, "clock")
        .saying(
            summary,
            "certificates count as expired or not yet valid, and logs tell a wrong order",
        )
        .seen(
            "Leases of kube-node-lease",
            format!("renewed {seconds} s apart, and the nodes are ready"),
        )
        .mended_by(
            Remedy::text("set the clock by a server that the node reaches, and keep it so")
                .with_commands([
                    format!("# on {}", listing(&words)),
                    "timedatectl status; chronyc tracking".to_owned(),
                    "systemctl enable --now systemd-timesyncd   # or chronyd".to_owned(),
                ]),
        );
    finding.nodes = names.iter().map(|name| NodeName::from(*name)).collect();
    finding
}
