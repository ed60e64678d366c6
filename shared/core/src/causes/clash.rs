//! `C-CLASH`: pods got addresses that the LAN needs.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use ipnet::IpNet;

use super::{Case, ChainLink, Check, Confidence, Explained, Verdict, move_pods, nodes_of};
use crate::{
    facts::{CiliumConfig, NodeName},
    rules::{Code, Finding, Remedy, Severity},
    view::{FAR_AWAY, Fate, Installation, NodeView, Protected, Role, View, listing},
};

pub(super) fn verdict(case: &Case<'_>) -> Option<Verdict> {
    let hijacked: Vec<&Finding> = case.of_rule("RT-01").collect();
    let is_ciliums = |finding: &&Finding| concerns_cilium(case.view, finding);
    let claimed: Vec<&Finding> = case.of_rule("CIDR-01").filter(is_ciliums).collect();
    let overlapping: Vec<&Finding> = case
        .of_rule("CIDR-02")
        .filter(|finding| finding.severity >= Severity::Error)
        .filter(is_ciliums)
        .collect();
    let all = || hijacked.iter().chain(&claimed).chain(&overlapping).copied();
    all().next()?;
    // Pod CIDRs that somebody only has in mind break nothing: the findings say what they would do.
    if hijacked.is_empty() && case.view.installation() == Installation::NotSeen {
        return None;
    }

    let mut nodes = nodes_of(all());
    if nodes.is_empty() {
        nodes = case.view.nodes().iter().map(|node| node.name().clone()).collect();
        nodes.sort_unstable();
    }
    let victims = victims(case.view, all());
    let mut symptoms = case.symptoms(&nodes, |finding| is_symptom(case.view, &victims, finding));
    // The cluster's DNS is of no node.
    let of_dns = case.of_rule("DNS-03");
    symptoms.extend(of_dns.filter(|finding| is_symptom(case.view, &victims, finding)));
    // Addresses that leave through Cilium are the proof; that they lie in a pod CIDR is only a reason.
    let confidence = if hijacked.is_empty() { Confidence::Likely } else { Confidence::Confirmed };
    Some(Verdict {
        severity: None,
        cause: "C-CLASH",
        confidence,
        title: title(&victims),
        chain: chain(case, &victims, &symptoms, [&hijacked, &claimed, &overlapping]),
        broken: broken(case.view, &victims),
        still_works: still_works(case.view, &nodes, &victims),
        cautions: vec![
            "Ping proves nothing: it may be answered although nothing else works, and a dead ping \
             proves nothing either. What counts is the route lookup."
                .into(),
            "`cilium status` may well report OK: no agent compares its pod CIDRs with the LAN."
                .into(),
        ],
        fix: fix(case.view, &hijacked),
        verify: verify(case.view, &victims),
        explains: ["CIDR-01", "CIDR-02", "CIDR-03", "CIDR-04", "RT-01"].map(Code).to_vec(),
        explains_also: symptoms.iter().copied().map(Explained::of).collect(),
        alternatives: Vec::new(),
        decides: Vec::new(),
        nodes,
    })
}

/// Whether a finding about an address or a pod CIDR is about Cilium's pods. A subnet that only the CNI
/// file of another plugin names is that plugin's trouble.
fn concerns_cilium(view: &View<'_>, finding: &Finding) -> bool {
    let subject = &finding.subject;
    let network = subject.parse::<IpNet>().or_else(|_| subject.parse::<IpAddr>().map(IpNet::from));
    network.is_ok_and(|network| {
        let mut claims = view.pod_cidrs_overlapping(network).into_iter();
        claims.any(|claim| !claim.is_only_of_other_plugins())
    })
}

/// What nodes and pods suffer from that cannot reach these addresses.
fn is_symptom(view: &View<'_>, victims: &[Protected], finding: &Finding) -> bool {
    let dns_is_lost = victims.iter().any(Protected::is_dns);
    let is_lost = |address: IpAddr| {
        (address.is_loopback() && dns_is_lost)
            || !view.pod_cidrs_overlapping(address.into()).is_empty()
    };
    match (finding.code.0, finding.subject.as_str()) {
        ("POD-01", "host DNS") | ("POD-08", "upstream servers") => dns_is_lost,
        ("POD-01" | "DNS-03", subject) => subject.parse().is_ok_and(is_lost),
        ("POD-02", _) => dns_is_lost || victims.iter().any(Protected::is_gateway),
        ("CNI-08", "kubelet") => victims.iter().any(Protected::is_cluster_machine),
        _ => false,
    }
}

/// The protected addresses that findings are about, with the roles they have for any node.
fn victims<'f>(view: &View<'_>, findings: impl Iterator<Item = &'f Finding>) -> Vec<Protected> {
    let addresses: BTreeSet<IpAddr> =
        findings.filter_map(|finding| finding.subject.parse().ok()).collect();
    let mut victims: BTreeMap<IpAddr, BTreeSet<Role>> =
        addresses.into_iter().map(|address| (address, BTreeSet::new())).collect();
    for (_, protected) in view.protected() {
        if let Some(roles) = victims.get_mut(&protected.address) {
            roles.extend(protected.roles.iter().cloned());
        }
    }
    victims.into_iter().map(|(address, roles)| Protected { address, roles }).collect()
}

fn title(victims: &[Protected]) -> String {
    let has = |is: fn(&Protected) -> bool| victims.iter().any(is);
    let what = match (
        has(Protected::is_gateway),
        has(Protected::is_dns),
        has(Protected::is_cluster_machine),
    ) {
        (true, true, false) => "the LAN's gateway and DNS server",
        (true, false, false) => "the LAN's gateway",
        (false, true, false) => "the LAN's DNS server",
        (true, _, true) | (_, true, true) => {
            "the LAN's gateway or DNS server, and machines of the cluster"
        }
        (false, false, true) => "machines of the cluster itself",
        (false, false, false) if !victims.is_empty() => "addresses that the nodes need",
        (false, false, false) => "addresses of the LAN",
    };
    format!("Cilium's pod CIDRs swallowed {what}")
}

fn chain(
    case: &Case<'_>,
    victims: &[Protected],
    symptoms: &[&Finding],
    [hijacked, claimed, overlapping]: [&[&Finding]; 3],
) -> Vec<ChainLink> {
    let mut chain = Vec::new();
    if victims.iter().any(|victim| victim.is_dns() || victim.is_gateway()) {
        chain.push(ChainLink::symptom(
            "names do not resolve, images are not pulled (ErrImagePull, ImagePullBackOff), pods that need either crash",
        ));
    }
    if victims.iter().any(Protected::is_cluster_machine) {
        chain.push(ChainLink::symptom(
            "nodes cannot reach each other or the API server; SSH between them hangs",
        ));
    }
    chain.extend(symptoms.iter().map(|finding| ChainLink::symptom(&finding.summary)));
    for finding in hijacked.iter().chain(claimed).take(4) {
        for evidence in finding.evidence.iter().take(6) {
            let link = ChainLink::fact(&evidence.source, &evidence.fact);
            if !chain.contains(&link) {
                chain.push(link);
            }
        }
    }
    if hijacked.is_empty() && claimed.is_empty() {
        for finding in overlapping.iter().take(4) {
            chain.push(ChainLink::fact("", &finding.summary));
        }
    }
    if let Some(config) = case.view.config() {
        chain.push(ChainLink::fact(&config.origin, configuration(config)));
    }
    chain.push(ChainLink::cause(if hijacked.is_empty() {
        "pods and the LAN have addresses in common; of two routes the one with the longer prefix wins"
    } else {
        "of two routes the one with the longer prefix wins: Cilium's route to a pod CIDR beats the LAN's"
    }));
    chain
}

fn configuration(config: &CiliumConfig) -> String {
    let version =
        config.version.as_ref().map(|version| format!("Cilium {version}, ")).unwrap_or_default();
    let pool = config.pool_v4.join(" ");
    let pool = if pool.is_empty() { String::new() } else { format!(", pool {pool}") };
    format!("{version}IPAM {}{pool}, routing {}", config.ipam, config.routing)
}

fn broken(view: &View<'_>, victims: &[Protected]) -> Vec<String> {
    let mut broken = Vec::new();
    for victim in victims {
        let address = victim.address;
        if victim.is_dns() {
            broken.push(format!(
                "DNS on {address}: from the nodes, and from pods, for which CoreDNS asks it"
            ));
            broken.push(format!("image pulls: the runtime looks up registries on {address}"));
        }
        if victim.is_gateway() {
            broken.push(format!("what is addressed to {address} itself: DHCP renewal, its DNS and its web page if it has them"));
            if !victim.is_dns() && !dns_is_known(view) {
                broken.push(format!(
                    "DNS and image pulls, if {address} is the DNS server (not recorded)"
                ));
            }
        }
        for role in victim.roles.iter().filter(|_| victim.is_cluster_machine()) {
            broken.push(format!(
                "{address} ({}): SSH, kubelet, API and tunnel traffic to it",
                role.word()
            ));
        }
        if !victim.is_dns() && !victim.is_gateway() && !victim.is_cluster_machine() {
            broken.push(format!("{address} ({})", victim.roles_in_words()));
        }
    }
    broken.extend(own_addresses(view));
    broken
}

fn dns_is_known(view: &View<'_>) -> bool {
    view.nodes().iter().any(|node| node.facts.resolvers.known().is_some())
}

/// Addresses of the nodes in pod CIDRs: whoever asks there is answered into the tunnel.
fn own_addresses(view: &View<'_>) -> Vec<String> {
    view.pod_cidrs()
        .iter()
        .map(|claim| (claim, view.own_addresses_in(claim)))
        .filter(|(_, own)| !own.is_empty())
        .map(|(claim, own)| {
            let prefix = claim.with_owner();
            format!("the nodes' own addresses in {prefix}, for other nodes: {}", listing(&own))
        })
        .collect()
}

fn still_works(view: &View<'_>, nodes: &[NodeName], victims: &[Protected]) -> Vec<String> {
    let mut works = Vec::new();
    let affected = || view.nodes().iter().filter(|node| nodes.contains(node.name()));
    if let Some(way) = affected().find_map(|node| way_out(node)) {
        works.push(format!(
            "the internet by address, through the gateway: {FAR_AWAY} leaves {way}; the next hop is bound to that device, \
             whatever the routes say about its address"
        ));
    }
    // Where nodes lose each other, tunnels between them go too.
    if !victims.is_empty() && !victims.iter().any(Protected::is_cluster_machine) {
        works.push("pod to pod and Services, which is what `cilium status` looks at".into());
    }
    works
}

fn way_out(node: &NodeView<'_>) -> Option<String> {
    match node.fate(FAR_AWAY) {
        fate @ Fate::Leaves { .. } if fate.into_cilium().is_none() => Some(fate.in_words()),
        _ => None,
    }
}

fn fix(view: &View<'_>, hijacked: &[&Finding]) -> Vec<Remedy> {
    let mut steps = Vec::new();
    let first_aid = first_aid(hijacked);
    if !first_aid.is_empty() {
        steps.push(
            Remedy::text(
                "First aid, where you need DNS or SSH to go on (Helm needs DNS to fetch the chart): pods of that block lose their network, and the \
                 agent puts the route back after some minutes.",
            )
            .with_commands(first_aid),
        );
    }
    steps.extend(move_pods::steps(view));
    steps
}

/// Each command once, with the line before it that says where to run it: apart, a command would move
/// to other nodes.
fn first_aid(hijacked: &[&Finding]) -> Vec<String> {
    let mut pairs: Vec<&[String]> = Vec::new();
    for pair in hijacked.iter().flat_map(|finding| finding.remedy.commands.chunks(2)) {
        if !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    pairs.concat()
}

fn verify(view: &View<'_>, victims: &[Protected]) -> Vec<Check> {
    let mut checks: Vec<Check> = victims
        .iter()
        .take(3)
        .map(|victim| {
            let link = lan_link(view, victim.address);
            Check::new(
                format!("ip route get {}", victim.address),
                link.map_or_else(
                    || "no `dev cilium_…`, on every node".into(),
                    |link| format!("`dev {link}`, on every node"),
                ),
            )
        })
        .collect();
    checks.push(Check::new("kubectl cilium-doctor --local", "no verdict, on every node"));
    checks
}

/// Device by which the LAN's own route leads to an address.
fn lan_link(view: &View<'_>, address: IpAddr) -> Option<String> {
    let route = view.nodes().iter().find_map(|node| node.lan_route_to(address))?;
    route.links().next().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::first_aid;
    use crate::rules::{Basis, Code, Finding, Remedy, Severity};

    fn hijack(commands: &[&str]) -> Finding {
        Finding {
            code: Code("RT-01"),
            severity: Severity::Block,
            basis: Basis::Observed,
            subject: String::new(),
            nodes: Vec::new(),
            summary: String::new(),
            evidence: Vec::new(),
            impact: String::new(),
            remedy: Remedy::default().with_commands(commands.iter().copied()),
        }
    }

    #[test]
    fn a_command_stays_with_the_nodes_it_is_for() {
        let one = hijack(&["# on node1", "ip route del A", "# on node2", "ip route del B"]);
        let other = hijack(&["# on node1", "ip route del A", "# on node1", "ip route del C"]);
        assert_eq!(
            first_aid(&[&one, &other]),
            [
                "# on node1",
                "ip route del A",
                "# on node2",
                "ip route del B",
                "# on node1",
                "ip route del C",
            ]
        );
    }
}
