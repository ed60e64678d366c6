use std::ops::ControlFlow;

use ipnet::IpNet;

use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, command::quoted, rule};
use crate::{
    facts::{CiliumNode, NodeName},
    prefix::for_each_overlap,
    view::{MAX_CONFLICTS, View},
};

rule! {
    /// ## What it checks
    /// The pod CIDRs of all CiliumNodes against each other, also of CiliumNodes whose Node is gone.
    ///
    /// ## Why it hurts
    /// Two nodes give the same addresses to their pods. Each third node knows one route only: half
    /// of the pods of such a pair cannot be reached, and which half changes with every restart.
    ///
    /// ## Fix
    /// Delete one of the CiliumNodes, restart its agent, and recreate the node's pods. Where the
    /// CiliumNode belongs to no Node any more, delete it.
    ///
    /// ## References
    /// - cilium/cilium issues 15500, 17277, 22770
    "CIDR-07", Block, State, "pod CIDRs of two nodes overlap", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let nodes = match view.facts.cluster.cilium_nodes.get() {
        Ok(nodes) => nodes,
        Err(_) if view.coming_config().is_some() => {
            out.not_applicable("no CiliumNode exists");
            return;
        }
        Err(why) => {
            out.missing("CiliumNodes", why);
            return;
        }
    };
    let claims: Vec<(&CiliumNode, IpNet)> = nodes
        .iter()
        .flat_map(|node| node.pod_cidrs.iter().map(move |cidr| (node, *cidr)))
        .collect();
    let prefixes: Vec<IpNet> = claims.iter().map(|(_, prefix)| *prefix).collect();
    let mut count = 0;
    for_each_overlap(&prefixes, &prefixes, |a, b| {
        // Each pair comes twice, and each prefix meets itself.
        if a < b {
            out.found(finding(view, claims[a], claims[b]));
            count += 1;
        }
        if count < MAX_CONFLICTS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
}

fn finding(view: &View<'_>, a: (&CiliumNode, IpNet), b: (&CiliumNode, IpNet)) -> Finding {
    let orphan = [a.0, b.0].into_iter().find(|node| is_orphan(view, &node.name));
    let victim = orphan.unwrap_or(b.0);
    let mut evidence = vec![
        Evidence::new(format!("CiliumNode {}", a.0.name), format!("pod CIDR {}", a.1)),
        Evidence::new(format!("CiliumNode {}", b.0.name), format!("pod CIDR {}", b.1)),
    ];
    if let Some(orphan) = orphan {
        evidence.push(Evidence::new("Nodes", format!("no Node is called {}", orphan.name)));
    }
    Finding {
        code: RULE.code,
        severity: Severity::Block,
        basis: Basis::Observed,
        subject: b.1.to_string(),
        nodes: vec![a.0.name.clone(), b.0.name.clone()],
        summary: format!("nodes {} and {} both own {}", a.0.name, b.0.name, shared(a.1, b.1)),
        evidence,
        impact: "pods of the two nodes have the same addresses; which of them is reached is chance"
            .into(),
        remedy: Remedy::text(if orphan.is_some() {
            "delete the CiliumNode that belongs to no Node"
        } else {
            "delete one of the two CiliumNodes, restart that node's agent, and recreate its pods"
        })
        .with_commands([format!("kubectl delete ciliumnode {}", quoted(victim.name.as_str()))]),
    }
}

fn shared(a: IpNet, b: IpNet) -> IpNet {
    if a.prefix_len() >= b.prefix_len() { a } else { b }
}

fn is_orphan(view: &View<'_>, name: &NodeName) -> bool {
    let nodes = &view.facts.cluster.nodes;
    nodes.known().is_some_and(|nodes| !nodes.iter().any(|node| node.name == *name))
}
