use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use ipnet::IpNet;

use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{LinkName, NextHopFlag, NodeName, Route},
    view::{MAX_CONFLICTS, Reading, RouteConflict, View},
};

rule! {
    /// ## What it checks
    /// No pod CIDR may share addresses with a connected or static route of a node in the tables
    /// `main` and `local`. Cilium's own routes do not count, nor do the routes by which pods are
    /// reached without a tunnel (over a node's address), nor those of other CNI plugins (RT-03).
    /// Routes without carrier (`linkdown`, as docker0 without containers) count: the kernel uses
    /// them all the same. A wider network behind a router (`10.0.0.0/8 via …`) is a warning: only
    /// its part that pods have is lost. Default routes, also in halves, do not count.
    ///
    /// ## Why it hurts
    /// For each address that both have, the longer prefix wins. Either hosts of the LAN vanish
    /// behind Cilium, or pods vanish behind the LAN; and addresses of the overlap that the agent
    /// finds in use are taken out of its pool, until it is empty.
    ///
    /// ## Fix
    /// Move the pods to a pool that is free (CIDR-12).
    ///
    /// ## References
    /// - Cilium documentation, "Cluster Scope": check for conflicting node CIDRs
    /// - cilium/cilium issues 9793, 13955
    "CIDR-02", Block, State, "pod CIDR overlaps a network of the LAN", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_pod_cidrs(view, out) || !premise::has_routes(view, out) {
        return;
    }
    let conflicts = view.route_conflicts();
    for of_node in conflicts.chunk_by(|a, b| std::ptr::eq(a.node, b.node)) {
        if of_node.len() >= MAX_CONFLICTS {
            out.unknown_on(
                of_node[0].node.name(),
                "further overlaps",
                format!("there are {MAX_CONFLICTS} already; the rest is not listed"),
            );
        }
    }
    let mut protected: HashMap<(&NodeName, IpNet), Vec<IpAddr>> = HashMap::new();
    for conflict in view.address_conflicts() {
        let key = (conflict.node.name(), conflict.pod_cidr.prefix);
        protected.entry(key).or_default().push(conflict.protected.address);
    }
    let mut by_network: BTreeMap<_, Vec<RouteConflict<'_, '_>>> = BTreeMap::new();
    for conflict in conflicts {
        if conflict.reading == Reading::PerhapsWayToPods {
            out.unknown_on(
                conflict.node.name(),
                format!("route {}", conflict.route),
                "it may be the way to pods; which addresses nodes have is not known",
            );
            continue;
        }
        let key = (conflict.pod_cidr.prefix, conflict.route.destination);
        by_network.entry(key).or_default().push(conflict);
    }
    for conflicts in by_network.into_values() {
        let carries_protected = conflicts.iter().any(|conflict| {
            let key = (conflict.node.name(), conflict.pod_cidr.prefix);
            let mut addresses = protected.get(&key).into_iter().flatten();
            addresses.any(|address| conflict.route.destination.contains(address))
        });
        if let Some(finding) = finding(&conflicts, carries_protected) {
            out.found(finding);
        }
    }
}

fn finding(conflicts: &[RouteConflict<'_, '_>], carries_protected: bool) -> Option<Finding> {
    let first = conflicts.first()?;
    let (pod_cidr, route) = (first.pod_cidr, first.route);
    let nodes: Vec<NodeName> =
        conflicts.iter().map(|conflict| conflict.node.name().clone()).collect();
    let winner = first.winner();
    Some(Finding {
        code: RULE.code,
        severity: match first.reading {
            _ if carries_protected => Severity::Block,
            Reading::WiderElsewhere => Severity::Warn,
            Reading::Lan | Reading::PerhapsWayToPods => Severity::Error,
        },
        basis: Basis::Observed,
        subject: pod_cidr.prefix.to_string(),
        nodes,
        summary: format!("pod CIDR {} overlaps {}", pod_cidr.with_owner(), in_words(route)),
        evidence: vec![
            Evidence::new(
                pod_cidr.sources.first().map_or_else(String::new, ToString::to_string),
                format!("pod CIDR {}", pod_cidr.prefix),
            ),
            Evidence::new(format!("routes of {}", first.node.name()), route.to_string()),
            Evidence::new(
                "longest prefix wins",
                format!("{winner} takes the addresses that both have"),
            ),
        ],
        impact: if winner == pod_cidr.prefix {
            format!(
                "hosts of {} with an address in {} cannot be reached",
                route.destination, pod_cidr.prefix
            )
        } else {
            format!("pods with an address in {} cannot be reached", route.destination)
        },
        remedy: Remedy::text("move the pods to a free pool (see CIDR-12)"),
    })
}

fn in_words(route: &Route) -> String {
    let links: Vec<&str> = route.links().map(LinkName::as_str).collect();
    let state = if route.next_hops.iter().any(|hop| hop.has(NextHopFlag::Linkdown)) {
        ", without carrier but in use"
    } else {
        ""
    };
    format!("{} on {}{state}", route.destination, links.join(" and "))
}
