use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use ipnet::IpNet;

use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{Address, KubeNode, NodeAddressKind, NodeName},
    view::View,
};

rule! {
    /// ## What it checks
    /// Whether the InternalIP that a node registered is one of its addresses, and whether it lies in
    /// the network that the other nodes use: where most nodes register an address of one network,
    /// and a node has an address in that network too but registered another one, its kubelet chose
    /// the wrong interface.
    ///
    /// ## Why it hurts
    /// Tunnels and routes of all agents lead to the registered address. On a host with two
    /// interfaces the kubelet takes the one with the default route, which often is the wrong one.
    ///
    /// ## Fix
    /// Start the kubelet with `--node-ip`, set to the address in the cluster's network.
    ///
    /// ## References
    /// - Cilium documentation, "Kubernetes Without kube-proxy": note on `--node-ip`
    "RT-05", Error, State, "a node registered an address of the wrong interface", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    let registered = match view.facts.cluster.nodes.get() {
        Ok(nodes) => nodes,
        Err(_) if view.coming_config().is_some() => {
            out.not_applicable("the host is looked at alone, without a cluster");
            return;
        }
        Err(why) => {
            out.missing("Nodes", why);
            return;
        }
    };
    let by_name: HashMap<&NodeName, &KubeNode> =
        registered.iter().rev().map(|kube| (&kube.name, kube)).collect();
    let mut machines: Vec<Machine<'_>> = Vec::new();
    if !premise::has_nodes(view, out) {
        return;
    }
    for node in view.nodes() {
        let Some(kube) = by_name.get(node.name()) else {
            out.unknown_on(node.name(), "InternalIP", "no Node has this name");
            continue;
        };
        match node.facts.addresses.get() {
            Err(why) => out.missing_on(node.name(), "addresses", why),
            Ok(addresses) => machines.extend(internal(kube).map(|ip| Machine {
                name: node.name(),
                ip,
                addresses,
            })),
        }
    }
    let cluster_network = cluster_network(&machines);
    for machine in &machines {
        match machine.own() {
            None => out.found(not_on_node(machine)),
            Some(own) => {
                if let Some(network) =
                    cluster_network.filter(|network| !network.contains(&own.address))
                    && let Some(better) = machine.address_in(network)
                {
                    out.found(wrong_link(machine, own, better, network));
                }
            }
        }
    }
}

struct Machine<'a> {
    name: &'a NodeName,
    ip: IpAddr,
    addresses: &'a [Address],
}

impl<'a> Machine<'a> {
    fn own(&self) -> Option<&'a Address> {
        self.addresses.iter().find(|own| own.address == self.ip)
    }

    fn address_in(&self, network: IpNet) -> Option<&'a Address> {
        self.addresses
            .iter()
            .find(|own| network.contains(&own.address) && !own.link.leads_into_cilium())
    }
}

fn internal(node: &KubeNode) -> impl Iterator<Item = IpAddr> {
    let internal = node.addresses.iter().filter(|own| own.kind == NodeAddressKind::InternalIP);
    // Dual stack registers an IPv6 address too; the first one decides.
    internal.map(|own| own.address).take(1)
}

/// The network that most registered addresses are in; with two nodes apart there is no majority.
fn cluster_network(machines: &[Machine<'_>]) -> Option<IpNet> {
    let mut votes: BTreeMap<IpNet, usize> = BTreeMap::new();
    for own in machines.iter().filter_map(Machine::own) {
        *votes.entry(own.network()).or_default() += 1;
    }
    let (network, count) = votes.into_iter().max_by_key(|(_, count)| *count)?;
    (count * 2 > machines.len()).then_some(network)
}

fn not_on_node(machine: &Machine<'_>) -> Finding {
    finding(
        machine,
        format!("{} registered {}, which is none of its addresses", machine.name, machine.ip),
        Vec::new(),
        "set the kubelet's --node-ip to an address that the node has, or give the node that address".into(),
    )
}

fn wrong_link(machine: &Machine<'_>, own: &Address, better: &Address, network: IpNet) -> Finding {
    finding(
        machine,
        format!(
            "{} registered {} on {}; the other nodes use {network}, where it has {} on {}",
            machine.name, own.address, own.link, better.address, better.link
        ),
        vec![Evidence::new(
            format!("addresses of {}", machine.name),
            format!("{} on {}, {} on {}", own.address, own.link, better.address, better.link),
        )],
        format!("start the kubelet of {} with --node-ip={}", machine.name, better.address),
    )
}

fn finding(
    machine: &Machine<'_>,
    summary: String,
    mut evidence: Vec<Evidence>,
    remedy: String,
) -> Finding {
    evidence.insert(
        0,
        Evidence::new(format!("Node {}", machine.name), format!("InternalIP {}", machine.ip)),
    );
    Finding {
        code: RULE.code,
        severity: Severity::Error,
        basis: Basis::Observed,
        subject: machine.ip.to_string(),
        nodes: vec![machine.name.clone()],
        summary,
        evidence,
        impact: "tunnels and routes of the other nodes lead to that address".into(),
        remedy: Remedy::text(remedy),
    }
}
