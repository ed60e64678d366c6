use super::{
    Basis, Evidence, Finding, Judgement, Remedy, Severity,
    command::{LIST_AGENTS, delete_cilium_links, delete_route},
    premise, rule,
};
use crate::{
    facts::{LinkName, Route},
    prefix::PrefixIndex,
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// What Cilium left behind: its devices (`cilium_*`, `lxc…`) on a node where no agent runs, and
    /// routes to `cilium_host` for networks that no CiliumNode owns any more.
    ///
    /// ## Why it hurts
    /// The routes go on to hijack their addresses, and nobody answers. A left-over `cilium_vxlan`
    /// keeps UDP port 8472 from the next CNI plugin. New pods hang in ContainerCreating, because the
    /// CNI file still names Cilium.
    ///
    /// ## Fix
    /// First find out whether Cilium is still installed: an agent that merely crashed leaves the
    /// same picture. Where Cilium is to go: delete the devices, which takes their routes along.
    /// Where it is to stay: bring the agent back. After a change of the pool, restart the agents.
    ///
    /// ## References
    /// - Cilium documentation, "Uninstall"
    "RT-07", Error, State, "routes or devices that nobody looks after", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    let owners = view.facts.cluster.cilium_nodes.items();
    let owned = PrefixIndex::new(owners.iter().flat_map(|owner| owner.pod_cidrs.iter().copied()));
    for node in view.nodes() {
        judge_links(view, node, out);
        judge_routes(view, node, &owned, out);
    }
}

fn judge_links(view: &View<'_>, node: &NodeView<'_>, out: &mut Judgement) {
    if let Err(why) = node.facts.links.get() {
        out.missing_on(node.name(), "devices", why);
        return;
    }
    let links: Vec<&LinkName> = node.cilium_links().collect();
    if links.is_empty() {
        return;
    }
    match view.agent_runs_on(node.facts) {
        Some(true) => {}
        None => {
            out.unknown_on(
                node.name(),
                "devices",
                "it has Cilium's devices, and whether an agent runs is not known",
            );
        }
        Some(false) => out.found(stale_links(view, node, &links)),
    }
}

fn stale_links(view: &View<'_>, node: &NodeView<'_>, links: &[&LinkName]) -> Finding {
    let mut names: Vec<&str> = links.iter().map(|link| link.as_str()).collect();
    names.sort_unstable();
    let routes: Vec<String> =
        node.cilium_host_routes().map(|route| route.destination.to_string()).collect();
    let mut evidence = vec![
        Evidence::new(format!("devices of {}", node.name()), names.join(", ")),
        Evidence::new("agents", format!("none runs on {}", node.name())),
    ];
    if !routes.is_empty() {
        evidence.push(Evidence::new(
            format!("routes of {}", node.name()),
            format!("still to cilium_host: {}", routes.join(", ")),
        ));
    }
    let cilium_files = node.facts.cni_files.items().iter().filter(|file| file.is_cilium());
    evidence.extend(cilium_files.map(|file| {
        Evidence::new(
            format!("CNI files of {}", node.name()),
            format!("{} still names cilium-cni", file.name),
        )
    }));
    Finding {
        code: RULE.code,
        severity: Severity::Error,
        basis: Basis::Observed,
        subject: "devices".into(),
        nodes: vec![node.name().clone()],
        summary: format!(
            "{} has {} of Cilium's devices, and no agent runs there",
            node.name(),
            names.len()
        ),
        evidence,
        impact: "routes to pods that are gone go on to take packets; new pods cannot start".into(),
        remedy: remedy(view, node, links),
    }
}

/// An agent that is down leaves the same picture as one that is gone: devices are only to be
/// deleted where the cluster has no agent at all.
fn remedy(view: &View<'_>, node: &NodeView<'_>, links: &[&LinkName]) -> Remedy {
    let is_uninstalled = view.facts.cluster.agents.known().is_some_and(Vec::is_empty);
    if !is_uninstalled {
        return Remedy::text(
            "ask the cluster whether Cilium is still installed. If it is, find out why the agent is down: what is \
             there is in use. If not, remove what it left",
        )
        .with_commands([LIST_AGENTS]);
    }
    let mut commands = vec![format!("# on {}: takes its routes along", node.name())];
    commands.extend(delete_cilium_links(links.iter().copied()));
    Remedy::text(
        "if Cilium is to go, remove what it left; running pods lose their network with it. If it is to stay, \
         install it again",
    )
    .with_commands(commands)
}

fn judge_routes(view: &View<'_>, node: &NodeView<'_>, owned: &PrefixIndex, out: &mut Judgement) {
    let mut routes = node.cilium_host_routes().peekable();
    if routes.peek().is_none() || view.agent_runs_on(node.facts) == Some(false) {
        return;
    }
    if let Err(why) = view.facts.cluster.cilium_nodes.get() {
        out.missing_on(node.name(), "owners of pod CIDRs", why);
        return;
    }
    let is_owned = |route: &Route| owned.overlapping(route.destination).next().is_some();
    let unowned: Vec<&Route> = routes.filter(|route| !is_owned(route)).collect();
    // In a cluster mesh the other clusters' CIDRs come from their own stores.
    let is_meshed = view.config().is_none_or(|config| config.cluster_id != 0);
    if is_meshed && !unowned.is_empty() {
        out.unknown_on(
            node.name(),
            "owners of pod CIDRs",
            "networks that no CiliumNode owns may belong to another cluster of the mesh",
        );
        return;
    }
    for route in unowned {
        out.found(stale_route(node, route));
    }
}

fn stale_route(node: &NodeView<'_>, route: &Route) -> Finding {
    Finding {
        code: RULE.code,
        severity: Severity::Error,
        basis: Basis::Observed,
        subject: route.destination.to_string(),
        nodes: vec![node.name().clone()],
        summary: format!(
            "{} sends {} to Cilium, and no CiliumNode owns it",
            node.name(),
            route.destination
        ),
        evidence: vec![
            Evidence::new(format!("routes of {}", node.name()), route.to_string()),
            Evidence::new("CiliumNodes", "none has this pod CIDR"),
        ],
        impact: format!("packets for {} vanish", route.destination),
        remedy: Remedy::text("delete the route; if it comes back, restart the agent on that node")
            .with_commands([format!("# on {}", node.name()), delete_route(route)]),
    }
}
