use std::collections::{BTreeMap, BTreeSet};

use super::{Evidence, Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{
        CiliumConfig, NetworkPolicy, NodeName, PolicyEnforcement, RoutingMode, SilentNode,
        TunnelProtocol, UnavailableKind,
    },
    view::{View, listing},
};

rule! {
    /// ## What it checks
    /// What agents found when they last probed each other (`cilium-health status`): the agent at each
    /// node's own address, and the endpoint there that stands for its pods, both by TCP at port 4240.
    /// Nodes that are not ready, and those whose agent is not, are left out: other rules name them. An
    /// address that answers by TCP and not by ICMP is left out too; many networks drop ICMP. That all
    /// answer tells nothing of the ways out of the cluster: no probe goes there (see the causes that
    /// `--probe` finds).
    ///
    /// ## Why it hurts
    /// Where a node's own address does not answer, something between the nodes drops packets, or there is
    /// no way. Where it does and the endpoint does not, pods reach no pod on that node: the tunnel's
    /// packets are dropped, or routes to its pod CIDR are missing. It is a warning where that is less
    /// sure: the endpoint answers and the node's port alone does not; a policy for all pods, or one that
    /// could not be read, may be for endpoints too; the node is of another cluster of a mesh.
    ///
    /// ## Fix
    /// Let the nodes talk to each other: TCP 4240, ICMP, and the tunnel (UDP 8472 for VXLAN, 6081 for
    /// Geneve). In native routing mode see RT-02 and the network's own routes.
    ///
    /// ## References
    /// - Cilium documentation, "Troubleshooting: Cluster connectivity health"
    /// - Cilium documentation, "System Requirements", "Firewall Rules"
    "AG-05", Error, State, "nodes do not answer each other's probes", judge
}

/// What did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// Neither the node nor its endpoint.
    Host,
    /// The node; its endpoint does.
    Port,
    /// The endpoint; its node does.
    Endpoint,
}

/// Whose nodes they are. How those of other clusters fare is not known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cluster {
    Own,
    Other,
}

impl Cluster {
    fn of(node: &SilentNode) -> Self {
        if node.name.contains('/') { Self::Other } else { Self::Own }
    }
}

/// One way that is broken.
struct Broken<'a> {
    from: &'a NodeName,
    to: &'a SilentNode,
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    if premise::written(view, "enable-health-checking").as_deref() == Some("false") {
        out.not_applicable("agents do not probe each other (`healthChecking: false`)");
        return;
    }
    let unwell = unwell(view);
    let mut probed = 0;
    let mut broken: BTreeMap<(Part, Cluster), Vec<Broken<'_>>> = BTreeMap::new();
    for node in view.nodes() {
        if view.agent_runs_on(node.facts) == Some(false) {
            continue;
        }
        let report = match node.facts.health.get() {
            Ok(report) => report,
            // Of this host alone, and in snapshots of older versions.
            Err(why) if why.kind == UnavailableKind::NotCollected => {
                out.not_applicable("agents were not asked what their probers found");
                continue;
            }
            Err(why) => {
                out.missing_on(node.name(), "what the agent's prober found", why);
                continue;
            }
        };
        probed += report.probed;
        if unwell.contains(node.name().as_str()) {
            continue;
        }
        let silent = report.nodes.iter().filter(|it| !unwell.contains(&*it.name));
        for (part, to) in silent.filter_map(|it| Some((part(it)?, it))) {
            let of = (part, Cluster::of(to));
            broken.entry(of).or_default().push(Broken { from: node.name(), to });
        }
    }
    for (of, ways) in &broken {
        out.found(finding(view, *of, ways, probed));
    }
}

/// Nodes that are known to be ill, by name.
fn unwell<'a>(view: &View<'a>) -> BTreeSet<&'a str> {
    let cluster = &view.facts.cluster;
    let nodes = cluster.nodes.items().iter().filter(|node| !node.is_ready());
    let agents = cluster.agents.items().iter().filter(|agent| !agent.ready);
    let names = nodes.map(|node| &node.name).chain(agents.map(|agent| &agent.node));
    names.map(NodeName::as_str).collect()
}

/// What does not answer by TCP. An endpoint answers through a tunnel whose node keeps its own port shut.
fn part(node: &SilentNode) -> Option<Part> {
    let is_answered = !node.endpoint.address.is_empty() && node.endpoint.http.is_none();
    match (node.host.http.is_some(), node.endpoint.http.is_some()) {
        (true, _) if is_answered => Some(Part::Port),
        (true, _) => Some(Part::Host),
        (false, true) => Some(Part::Endpoint),
        (false, false) => None,
    }
}

/// What of the policies may be why endpoints are silent: one that is for all pods is for them, too
/// (cilium/cilium issue 14871).
fn policies(view: &View<'_>) -> Option<String> {
    if view.config().is_some_and(|it| it.policy_enforcement == PolicyEnforcement::Always) {
        return Some("`enable-policy` is always".to_owned());
    }
    let policies = &view.facts.cluster.cilium_clusterwide_network_policies;
    if policies.known().is_none() {
        return Some("clusterwide policies could not be read".to_owned());
    }
    let is_for_all =
        |it: &&NetworkPolicy| it.selects_all && it.isolates_ingress && !it.selects_nodes;
    let policy = policies.items().iter().find(is_for_all)?;
    Some(format!("the CiliumClusterwideNetworkPolicy {} is for all pods", policy.name))
}

fn finding(
    view: &View<'_>,
    (part, cluster): (Part, Cluster),
    ways: &[Broken<'_>],
    probed: usize,
) -> Finding {
    let targets: BTreeSet<&str> = ways.iter().map(|way| &*way.to.name).collect();
    let targets: Vec<String> = targets.into_iter().map(str::to_owned).collect();
    let count = ways.len();
    let (subject, summary, impact) = match part {
        Part::Host => (
            "nodes",
            format!(
                "{count} of {probed} probes from node to node had no answer, to {}",
                listing(&targets)
            ),
            "something between these nodes drops packets, or there is no way; pods on them do not \
             reach each other",
        ),
        Part::Port => (
            "agents' port",
            format!(
                "pods are reached, and {count} of {probed} probes of TCP 4240 of nodes had no answer, to {}",
                listing(&targets)
            ),
            "agents count these nodes as not reachable; nothing else needs that port",
        ),
        Part::Endpoint => (
            "endpoints",
            format!(
                "nodes reach each other, and {count} of {probed} probes to pods of others had no answer, \
                 on {}",
                listing(&targets)
            ),
            "pods reach no pod on these nodes; those of the cluster's DNS among them",
        ),
    };
    let policies = if part == Part::Endpoint { policies(view) } else { None };
    let severity = match (part, cluster, &policies) {
        (Part::Port, ..) | (_, Cluster::Other, _) | (.., Some(_)) => Severity::Warn,
        _ => Severity::Error,
    };
    let impact = if policies.is_some() {
        "pods of these nodes are not reached, or a policy keeps agents from their endpoints alone"
    } else {
        impact
    };
    let subject = match cluster {
        Cluster::Own => subject.to_owned(),
        Cluster::Other => format!("{subject} of other clusters"),
    };
    let mut finding = Finding::about(RULE.code, severity, subject).saying(summary, impact);
    let sources: BTreeSet<&NodeName> = ways.iter().map(|way| way.from).collect();
    finding.nodes = sources.into_iter().cloned().collect();
    finding.evidence = ways.iter().take(5).map(|way| evidence(part, way)).collect();
    let mut remedy = remedy(view, part, ways);
    if let Some(policies) = policies {
        finding = finding.seen("policies", policies);
        remedy.text += "; where a policy is behind it, one more that lets `remote-node` into pods labelled \
                        `reserved:health`, and these out to it, ends it";
    }
    finding.mended_by(remedy)
}

fn evidence(part: Part, way: &Broken<'_>) -> Evidence {
    let (path, what) = match part {
        Part::Host | Part::Port => (&way.to.host, "the node"),
        Part::Endpoint => (&way.to.endpoint, "its endpoint"),
    };
    let icmp = if path.icmp.is_some() { "ICMP has none either" } else { "ICMP has one" };
    let error = path.http.as_deref().unwrap_or_default();
    let fact = format!("{}, {what} at {}: {error} ({icmp})", way.to.name, path.address);
    Evidence::new(format!("cilium-health status on {}", way.from), fact)
}

fn remedy(view: &View<'_>, part: Part, ways: &[Broken<'_>]) -> Remedy {
    let tunnel = view.config().and_then(tunnel);
    let text = match (part, tunnel) {
        (Part::Port, _) => "let nodes reach TCP 4240 of each other".to_owned(),
        (Part::Host, None) => "let nodes reach TCP 4240 and ICMP of each other".to_owned(),
        (Part::Host, Some((_, number))) => {
            format!("let nodes reach TCP 4240, ICMP and UDP {number} of each other")
        }
        (Part::Endpoint, Some((name, number))) => {
            format!("let {name} through between the nodes: UDP {number}")
        }
        (Part::Endpoint, None) => {
            "see that routes lead to each node's pod CIDR, on the nodes (RT-02) and \
                                   on the routers between them"
                .to_owned()
        }
    };
    let agents = view.facts.cluster.agents.items();
    let agent = ways.iter().find_map(|way| agents.iter().find(|it| it.node == *way.from));
    let commands = agent.map(|agent| {
        format!(
            "kubectl -n {} exec {} -c cilium-agent -- cilium-health status --probe   # on {}",
            super::quoted(&agent.namespace),
            super::quoted(&agent.name),
            agent.node
        )
    });
    Remedy::text(text).with_commands(commands)
}

/// The tunnel's name and UDP port.
fn tunnel(config: &CiliumConfig) -> Option<(&'static str, u16)> {
    match config.routing {
        RoutingMode::Tunnel(TunnelProtocol::Vxlan) => {
            Some(("VXLAN", config.tunnel_port.unwrap_or(8472)))
        }
        RoutingMode::Tunnel(TunnelProtocol::Geneve) => {
            Some(("Geneve", config.tunnel_port.unwrap_or(6081)))
        }
        _ => None,
    }
}
