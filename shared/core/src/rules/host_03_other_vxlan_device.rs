use super::{Finding, Judgement, Remedy, Severity, command::quoted, premise, rule};
use crate::{
    facts::{CiliumConfig, Link, LinkFlag, RoutingMode, TunnelProtocol},
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// Where Cilium tunnels with VXLAN, whether another VXLAN device of the node (Flannel's
    /// `flannel.1`, Calico's `vxlan.calico`, one made by hand) has the same UDP port: 8472, or
    /// `tunnelPort`. Devices with other ports are in nobody's way.
    ///
    /// ## Why it hurts
    /// Cilium's device takes packets of all networks, so the kernel gives the port to one of them
    /// only: whichever comes second fails with "Address already in use". The agent then ends at its
    /// start; or, after a reboot, the other plugin does. A device that is down waits for its turn.
    ///
    /// ## Fix
    /// Delete the device if its plugin is gone (`ip link del flannel.1`), or give Cilium another
    /// port: `tunnelPort: 8473`, on all nodes at once.
    ///
    /// ## References
    /// - cilium/cilium issues 3219, 8990; canonical/k8s-snap pull request 1586
    "HOST-03", Block, Configuration, "another VXLAN device has the tunnel's port", judge
}

/// Cilium's own device.
const OWN: &str = "cilium_vxlan";
/// What Cilium takes where nothing is said.
const USUAL: u16 = 8472;

fn judge(view: &View<'_>, out: &mut Judgement) {
    let Some(config) = premise::config(view, out) else { return };
    if !premise::has_nodes(view, out) {
        return;
    }
    if config.routing != RoutingMode::Tunnel(TunnelProtocol::Vxlan) {
        out.not_applicable(format!("routing mode {} makes no VXLAN device", config.routing));
        return;
    }
    for node in view.nodes() {
        match node.facts.links.get() {
            Ok(links) => of_node(node, links, config, out),
            Err(why) => out.missing_on(node.name(), "devices", why),
        }
    }
}

fn of_node(node: &NodeView<'_>, links: &[Link], config: &CiliumConfig, out: &mut Judgement) {
    let port = config.tunnel_port.unwrap_or(USUAL);
    let is_vxlan = |link: &&Link| link.kind.as_deref() == Some("vxlan");
    let own = links.iter().filter(is_vxlan).find(|link| link.name.as_str() == OWN);
    let has_own = own.is_some_and(|link| link.has(LinkFlag::Up));
    for link in links.iter().filter(is_vxlan).filter(|link| link.name.as_str() != OWN) {
        match link.vxlan_port {
            Some(other) if other == port => out.found(finding(node, link, port, has_own)),
            Some(_) => {}
            None => out.unknown_on(node.name(), format!("port of {}", link.name), "was not read"),
        }
    }
}

fn finding(node: &NodeView<'_>, link: &Link, port: u16, has_own: bool) -> Finding {
    let name = &link.name;
    let (severity, state, impact) = match (link.has(LinkFlag::Up), has_own) {
        (true, false) => {
            (Severity::Block, "up", "the agent cannot bring its tunnel up, and ends at its start")
        }
        (true, true) => (
            Severity::Warn,
            "up beside Cilium's",
            "after a reboot whichever device comes second does not get the port",
        ),
        (false, _) => (
            Severity::Warn,
            "down",
            "once it is up, the agent cannot bring its tunnel up after a reboot",
        ),
    };
    Finding::about(RULE.code, severity, name.as_str())
        .on(node.name())
        .saying(format!("{name} has the tunnel's port {port}, and is {state}"), impact)
        .seen(format!("ip -d link, on {}", node.name()), format!("{name}: vxlan, dstport {port}"))
        .mended_by(
            Remedy::text(
                "delete the device if its plugin is gone; else give Cilium another port, and restart \
                 all agents at once",
            )
            .with_values(format!("tunnelPort: {}\n", next_to(port)))
            .with_commands([
                format!("# on {}", node.name()),
                format!("ip link del {}", quoted(name.as_str())),
            ]),
        )
}

/// A port that nobody else takes: the next one, but neither 4789, which VXLAN has by its standard, nor
/// one that does not exist.
fn next_to(port: u16) -> u16 {
    match port.checked_add(1) {
        Some(4789) => 4790,
        Some(next) => next,
        None => port - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::next_to;

    #[test]
    fn the_port_that_is_proposed_exists() {
        assert_eq!([8472, 4788, 65_535].map(next_to), [8473, 4790, 65_534]);
    }
}
