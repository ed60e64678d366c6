use std::{collections::BTreeMap, net::IpAddr};

use super::{Basis, Evidence, Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::NodeName,
    view::{AddressConflict, PodCidr, Protected, View, listing},
};

rule! {
    /// ## What it checks
    /// No pod CIDR may contain an address that a node depends on outside Cilium: a default gateway,
    /// a DNS server (also one behind systemd-resolved), another node, the API server, a proxy, a
    /// registry mirror, or an address given with `--protect`.
    ///
    /// ## Why it hurts
    /// In tunnel mode every agent installs a route for each pod CIDR to `cilium_host`. That route
    /// is longer than the LAN's, so it wins: for the node the address is now a pod. What goes
    /// *through* a gateway still works, because the next hop of the default route is bound to its
    /// device. What is addressed *to* it dies: DNS, DHCP renewal, SSH between nodes; and with DNS
    /// the image pulls. A ping may still be answered, and proves nothing.
    ///
    /// ## Fix
    /// Move the pods to a pool that is free (CIDR-12 suggests one). CiliumNodes keep the blocks
    /// they have: delete them and restart agents and pods after the pool was changed.
    ///
    /// ## References
    /// - Cilium documentation, "Cluster Scope": check for conflicting node CIDRs
    /// - cilium/cilium issues 1499, 13955, 42383
    "CIDR-01", Block, State, "pod CIDR contains an address that the node needs", judge
}

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_pod_cidrs(view, out) || !premise::has_nodes(view, out) {
        return;
    }
    for node in view.nodes() {
        for (fact, of) in [
            (node.facts.routes.get().err(), "gateways"),
            (node.facts.resolvers.get().err(), "DNS servers"),
        ] {
            if let Some(why) = fact {
                out.missing_on(node.name(), of, why);
            }
        }
    }
    for (_, conflicts) in by_address(view.address_conflicts()) {
        if let Some(finding) = finding(view, &conflicts) {
            out.found(finding);
        }
    }
}

/// The same address usually matters to every node: one finding for all of them.
fn by_address<'v, 'a>(
    conflicts: Vec<AddressConflict<'v, 'a>>,
) -> BTreeMap<(IpAddr, ipnet::IpNet), Vec<AddressConflict<'v, 'a>>> {
    let mut grouped: BTreeMap<_, Vec<AddressConflict<'v, 'a>>> = BTreeMap::new();
    for conflict in conflicts {
        let key = (conflict.protected.address, conflict.pod_cidr.prefix);
        grouped.entry(key).or_default().push(conflict);
    }
    grouped
}

fn finding(view: &View<'_>, conflicts: &[AddressConflict<'_, '_>]) -> Option<Finding> {
    let first = conflicts.first()?;
    let (address, pod_cidr) = (first.protected.address, first.pod_cidr);
    let mut all_roles = first.protected.clone();
    for conflict in conflicts {
        all_roles.roles.extend(conflict.protected.roles.iter().cloned());
    }
    let nodes: Vec<NodeName> =
        conflicts.iter().map(|conflict| conflict.node.name().clone()).collect();
    let mut evidence = vec![Evidence::new(
        pod_cidr.sources.first().map_or_else(String::new, ToString::to_string),
        format!("pod CIDR {}", pod_cidr.with_owner()),
    )];
    evidence.extend(role_evidence(first.node.name(), &all_roles));
    evidence.extend(own_addresses_inside(view, pod_cidr));
    Some(Finding {
        code: RULE.code,
        severity: Severity::Block,
        basis: Basis::Observed,
        subject: address.to_string(),
        nodes,
        summary: format!(
            "{address} ({}) lies in the pod CIDR {}",
            all_roles.roles_in_words(),
            pod_cidr.with_owner()
        ),
        evidence,
        impact: impact(&all_roles),
        remedy: Remedy::text(
            "move the pods to a free pool (see CIDR-12), then delete the CiliumNodes and restart \
             agents and pods: existing CiliumNodes keep their blocks",
        ),
    })
}

fn role_evidence(node: &NodeName, protected: &Protected) -> Vec<Evidence> {
    use crate::view::Role;
    protected
        .roles
        .iter()
        .filter_map(|role| match role {
            Role::Gateway { link } => Some(Evidence::new(
                format!("routes of {node}"),
                match link {
                    Some(link) => format!("default via {} dev {link}", protected.address),
                    None => format!("default via {}", protected.address),
                },
            )),
            Role::Dns { file, .. } => {
                Some(Evidence::new(file.clone(), format!("nameserver {}", protected.address)))
            }
            _ => None,
        })
        .collect()
}

/// Addresses of the nodes themselves in the same block: other nodes answer them into the tunnel.
fn own_addresses_inside(view: &View<'_>, pod_cidr: &PodCidr) -> Option<Evidence> {
    let own = view.own_addresses_in(pod_cidr);
    (!own.is_empty()).then(|| {
        Evidence::new("addresses of the nodes", format!("in it lie too: {}", listing(&own)))
    })
}

fn impact(protected: &Protected) -> String {
    let mut broken: Vec<&str> = Vec::new();
    if protected.is_dns() {
        broken.push("name resolution, and with it image pulls");
    }
    if protected.is_gateway() {
        broken.push("everything addressed to the gateway itself, such as DHCP renewal");
    }
    if protected.is_cluster_machine() {
        broken.push("the kubelet's way to the API server and SSH between nodes");
    }
    if broken.is_empty() {
        broken.push("everything addressed to it");
    }
    format!(
        "packets to {} go to a pod that does not exist; dead: {}",
        protected.address,
        broken.join("; ")
    )
}
