//! `C-ROUTELOSS`: rules or routes that the host lives by were removed.

use std::collections::HashSet;

use super::{Case, ChainLink, Check, Confidence, Verdict, names, nodes_of};
use crate::{
    facts::{Family, NodeName},
    rules::{Code, Finding, Remedy, Severity, has_lost_all},
    view::NodeView,
};

pub(super) fn verdict(case: &Case<'_>) -> Option<Verdict> {
    let lost_rules: Vec<&Finding> = case.of_rule("RT-06").collect();
    let lost_routes = all_lost(case);
    let findings: Vec<&Finding> = lost_rules.iter().chain(&lost_routes).copied().collect();
    let nodes = nodes_of(findings.iter().copied());
    if nodes.is_empty() {
        return None;
    }
    let is_decisive = lost_rules.iter().any(|finding| finding.severity == Severity::Block);
    let mut chain = vec![ChainLink::symptom(
        "the network was fine after the installation, and broke after a restart of the host's network service",
    )];
    for finding in findings.iter().take(6) {
        chain.push(ChainLink::fact(source(finding), &finding.summary));
    }
    for node in nodes.iter().filter(|node| lacks_default_route(case, node)) {
        chain.push(ChainLink::fact(
            format!("routes of {node}"),
            "there is no IPv4 default route either",
        ));
    }
    chain.push(ChainLink::cause(
        "systemd-networkd and NetworkManager remove rules and routes that are not theirs, unless told not to",
    ));
    Some(Verdict {
        cause: "C-ROUTELOSS",
        confidence: if is_decisive { Confidence::Confirmed } else { Confidence::Likely },
        title: format!(
            "rules or routes that the agent installed were removed on {}",
            names(&nodes)
        ),
        chain,
        broken: findings
            .iter()
            .map(|finding| finding.impact.clone())
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect(),
        still_works: Vec::new(),
        cautions: Vec::new(),
        fix: fix(&lost_rules),
        verify: vec![
            Check::new("ip rule", "a line `from all lookup local` before the one for main"),
            Check::new(
                "ip route show dev cilium_host",
                "one line for each node's pod CIDR (tunnel mode)",
            ),
        ],
        explains: ["RT-02", "RT-06"].map(Code).to_vec(),
        nodes,
    })
}

fn source(finding: &Finding) -> &str {
    finding.evidence.last().map_or("", |evidence| evidence.source.as_str())
}

/// One missing route is one peer's trouble; all of them missing is the host's.
fn all_lost<'c>(case: &Case<'c>) -> Vec<&'c Finding> {
    let missing: Vec<&Finding> = case.of_rule("RT-02").collect();
    let concerned: HashSet<&NodeName> = missing.iter().flat_map(|finding| &finding.nodes).collect();
    let nodes = case.view.nodes().iter().filter(|node| concerned.contains(node.name()));
    let lost: HashSet<&NodeName> =
        nodes.filter(|node| has_lost_all(case.view, node)).map(NodeView::name).collect();
    missing
        .into_iter()
        .filter(|finding| finding.nodes.iter().all(|name| lost.contains(name)))
        .collect()
}

fn lacks_default_route(case: &Case<'_>, name: &NodeName) -> bool {
    case.view.node(name).is_some_and(|node| {
        let mut routes = node.facts.routes.items().iter();
        node.facts.routes.known().is_some()
            && !routes.any(|route| route.is_default() && route.family() == Family::V4)
    })
}

fn fix(lost_rules: &[&Finding]) -> Vec<Remedy> {
    let mut steps = Vec::new();
    let commands: Vec<String> =
        lost_rules.iter().flat_map(|finding| finding.remedy.commands.iter().cloned()).collect();
    if !commands.is_empty() {
        steps.push(Remedy::text("Put the rule back at once.").with_commands(commands));
    }
    steps.push(
        Remedy::text("Tell the host's network service to leave foreign rules and routes alone.").with_commands([
            "# systemd-networkd",
            "mkdir -p /etc/systemd/networkd.conf.d",
            "printf '[Network]\\nManageForeignRoutes=no\\nManageForeignRoutingPolicyRules=no\\n' > /etc/systemd/networkd.conf.d/10-cilium.conf",
        ]),
    );
    steps.push(
        Remedy::text("Restart the agents: they install their rules and routes again.")
            .with_commands(["kubectl -n kube-system rollout restart daemonset/cilium"]),
    );
    steps
}
