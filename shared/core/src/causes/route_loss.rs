//! `C-ROUTELOSS`: rules or routes that the host lives by are not there.

use std::collections::HashSet;

use super::{Case, ChainLink, Check, Confidence, Verdict, nodes_of};
use crate::{
    facts::{Family, NodeName},
    rules::{Code, Finding, Remedy, Severity, has_lost_all, node_names, quoted, restart_agent},
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
    let rules_are_lost = !lost_rules.is_empty();
    let mut chain = vec![ChainLink::symptom(if rules_are_lost {
        "the host answers nobody, or not everybody"
    } else {
        "pods of these nodes reach no pod of another node"
    })];
    for finding in findings.iter().take(6) {
        chain.push(ChainLink::fact(source(finding), &finding.summary));
    }
    for node in nodes.iter().filter(|node| lacks_default_route(case, node)) {
        chain.push(ChainLink::fact(
            format!("routes of {node}"),
            "there is no IPv4 default route either",
        ));
    }
    chain.push(ChainLink::cause(if rules_are_lost {
        "something removed them: systemd-networkd and NetworkManager do, unless told to leave foreign ones alone"
    } else {
        "either something removed them (systemd-networkd and NetworkManager do, unless told not to), or the agent \
         could not install them; which of the two cannot be seen here"
    }));
    Some(Verdict {
        severity: None,
        cause: "C-ROUTELOSS",
        confidence: match (is_decisive, rules_are_lost) {
            (true, _) => Confidence::Confirmed,
            (false, true) => Confidence::Likely,
            (false, false) => Confidence::Undetermined,
        },
        title: format!(
            "{} on {}",
            if rules_are_lost {
                "policy rules that the host lives by are missing"
            } else {
                "all routes to other nodes' pods are missing"
            },
            node_names(&nodes)
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
        fix: fix(case, &lost_rules, &nodes),
        verify: vec![
            Check::new("ip rule", "a line `from all lookup local` before the one for main"),
            Check::new(
                "ip route show dev cilium_host",
                "one line for each node's pod CIDR (tunnel mode)",
            ),
        ],
        explains: ["RT-02", "RT-06"].map(Code).to_vec(),
        explains_also: Vec::new(),
        alternatives: Vec::new(),
        decides: Vec::new(),
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

fn fix(case: &Case<'_>, lost_rules: &[&Finding], nodes: &[NodeName]) -> Vec<Remedy> {
    let mut steps = Vec::new();
    let commands: Vec<String> =
        lost_rules.iter().flat_map(|finding| finding.remedy.commands.iter().cloned()).collect();
    if !commands.is_empty() {
        steps.push(Remedy::text("Put the rule back at once.").with_commands(commands));
    }
    let namespace = case.view.namespace();
    steps.push(
        Remedy::text(
            "Find out who did it. An agent that cannot install its routes says so in its log; if it has installed \
             them, look at what manages the host's network.",
        )
        .with_commands([
            format!("kubectl -n {} logs -l k8s-app=cilium --tail=50 --prefix", quoted(namespace)),
            "systemctl is-active systemd-networkd NetworkManager".to_owned(),
        ]),
    );
    steps.push(
        Remedy::text(
            "If systemd-networkd is active: tell it to leave foreign rules and routes alone, and restart it.",
        )
        .with_commands([
            "mkdir -p /etc/systemd/networkd.conf.d",
            "printf '[Network]\\nManageForeignRoutes=no\\nManageForeignRoutingPolicyRules=no\\n' > /etc/systemd/networkd.conf.d/10-cilium.conf",
            "systemctl restart systemd-networkd",
        ]),
    );
    let restarts = nodes.iter().take(RESTARTS).map(|node| restart_agent(namespace, node));
    steps.push(
        Remedy::text(
            "Restart the agents of these nodes: they install their rules and routes again.",
        )
        .with_commands(restarts),
    );
    steps
}

/// Nodes for which the command is spelled out.
const RESTARTS: usize = 5;
