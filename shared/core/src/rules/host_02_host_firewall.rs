use super::{Evidence, Finding, Judgement, Remedy, Severity, premise, rule};
use crate::{
    facts::{CiliumConfig, Encryption, Iptables, NodeName, RoutingMode, TunnelProtocol},
    view::{View, listing},
};

rule! {
    /// ## What it checks
    /// Whether ufw, or firewalld with its rules in iptables, filters what comes to a node with Cilium.
    /// firewalld that writes to nftables is not seen. Which ports are open is not judged, so this is to
    /// be known, and no fault.
    ///
    /// ## Why it hurts
    /// Both drop what nothing allows. Where that is the tunnel's port, pods of different nodes do not
    /// reach each other, while those of one node do; where it is the health port, only the health check
    /// fails. With kube-proxy's work in BPF, firewalld from 1.2 on drops TCP of pods, and lets UDP pass.
    /// Starting one of them again may take Cilium's rules away (HOST-10).
    ///
    /// ## Fix
    /// Allow the ports between the nodes, or do without the firewall and use Cilium's host firewall.
    ///
    /// ## References
    /// - Cilium documentation, "System Requirements": firewall rules
    /// - cilium/cilium issue 35388; cilium/cilium-cli issue 673
    "HOST-02", Info, State, "a firewall of the host filters", judge
}

/// Fewer rules are what `ufw disable` leaves.
const FEW: u32 = 10;

/// Beginnings of their chains' names.
const FIREWALLS: [(&str, &[&str]); 2] =
    [("ufw", &["ufw-*", "ufw6-*"]), ("firewalld", &["IN_*", "FWD_*", "FWDI_*", "FWDO_*"])];

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if !premise::has_nodes(view, out) {
        return;
    }
    let mut found: Vec<(&str, &NodeName, u32)> = Vec::new();
    for node in view.nodes() {
        if !premise::runs_agent(view, node, out) {
            continue;
        }
        match node.facts.iptables.get() {
            Ok(kinds) => found.extend(FIREWALLS.iter().filter_map(|(name, chains)| {
                let rules = rules(kinds, chains);
                (rules >= FEW).then_some((*name, node.name(), rules))
            })),
            Err(why) => out.missing_on(node.name(), "iptables", why),
        }
    }
    for (name, _) in FIREWALLS {
        let own: Vec<_> = found.iter().filter(|(other, ..)| *other == name).collect();
        if !own.is_empty() {
            out.found(finding(config, name, &own));
        }
    }
}

/// How many rules stand in chains that packets get into.
fn rules(kinds: &[Iptables], chains: &[&str]) -> u32 {
    let counts = kinds.iter().flat_map(|kind| chains.iter().flat_map(|chain| kind.named(chain)));
    counts.filter(|count| count.table == "filter" && count.jumps > 0).map(|count| count.rules).sum()
}

/// What nodes say to each other, as ufw writes it.
fn ports(config: &CiliumConfig) -> Vec<String> {
    let tunnel = match &config.routing {
        RoutingMode::Tunnel(TunnelProtocol::Geneve) => Some(6081),
        RoutingMode::Tunnel(_) => Some(8472),
        RoutingMode::Native | RoutingMode::Unknown(_) => None,
    };
    let tunnel = tunnel.map(|usual| format!("{}/udp", config.tunnel_port.unwrap_or(usual)));
    let encryption = (config.encryption == Encryption::WireGuard).then(|| "51871/udp".to_owned());
    let usual = ["4240/tcp", "4244/tcp"].map(str::to_owned);
    tunnel.into_iter().chain(encryption).chain(usual).collect()
}

fn finding(config: &CiliumConfig, name: &str, own: &[&(&str, &NodeName, u32)]) -> Finding {
    let names: Vec<String> = own.iter().map(|(_, node, _)| node.to_string()).collect();
    let ports = ports(config);
    let command = |port: &String| {
        if name == "ufw" {
            format!("ufw allow from NODES proto {} to any port {}", proto(port), number(port))
        } else {
            format!("firewall-cmd --permanent --add-port={port}")
        }
    };
    let mut commands = vec![format!("# on {}", listing(&names))];
    commands.extend(ports.iter().map(command));
    if name == "firewalld" {
        commands.push(
            "firewall-cmd --reload   # then restart the agent: it writes its rules again".into(),
        );
    }
    let mut finding = Finding::about(RULE.code, Severity::Info, name)
        .saying(
            format!("{name} filters what comes to {}", listing(&names)),
            "what it does not allow between nodes is dropped without a word",
        )
        .mended_by(
            Remedy::text(format!(
                "see that it allows {} between nodes, and ICMP echo requests",
                ports.join(", ")
            ))
            .with_commands(commands),
        );
    finding.evidence = own
        .iter()
        .take(3)
        .map(|(_, node, rules)| {
            Evidence::new(
                format!("iptables of {node}"),
                format!("{rules} rules in chains of {name}"),
            )
        })
        .collect();
    finding.nodes = own.iter().map(|(_, node, _)| (*node).clone()).collect();
    finding
}

fn proto(port: &str) -> &str {
    port.split_once('/').map_or(port, |(_, proto)| proto)
}

fn number(port: &str) -> &str {
    port.split_once('/').map_or(port, |(number, _)| number)
}
