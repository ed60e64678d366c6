use super::{Finding, Judgement, Remedy, Severity, command, devices, premise, rule};
use crate::{
    facts::{Link, RoutingMode},
    view::{NodeView, View},
};

rule! {
    /// ## What it checks
    /// On nodes where an agent runs: the MTU of pods' devices against that of the device that has the
    /// node's InternalIP, and the MTU of the routes to other nodes' pods against the same device's
    /// less the 50 bytes of VXLAN or Geneve. Encryption takes more; that is not counted.
    ///
    /// ## Why it hurts
    /// Small packets pass and large ones do not: connections open, and hang with the first page of
    /// data. Agents take the device's MTU by themselves; a value `MTU` that is larger, or a device
    /// whose MTU was lowered later, ends like this.
    ///
    /// ## Fix
    /// Leave the value `MTU` out, or set it to that of the network between the nodes (the agent takes
    /// the tunnel's bytes off by itself). Restart the agents, then the pods.
    ///
    /// ## References
    /// - Cilium documentation, Helm reference: MTU
    /// - cilium/cilium issue 35489
    "MTU-01", Error, State, "pods send packets that are too large for the network", judge
}

/// Bytes that VXLAN and Geneve add over IPv4; over IPv6 it is more.
const TUNNEL: u32 = 50;

fn judge(view: &View<'_>, out: &mut Judgement) {
    if !premise::has_nodes(view, out) {
        return;
    }
    for node in view.nodes() {
        if !premise::runs_agent(view, node, out) {
            continue;
        }
        let facts = (node.facts.links.get(), node.facts.addresses.get(), node.facts.routes.get());
        let links = match facts {
            (Ok(links), Ok(_), Ok(_)) => links,
            (Err(why), _, _) | (_, Err(why), _) | (_, _, Err(why)) => {
                out.missing_on(node.name(), "MTUs", why);
                continue;
            }
        };
        let Some(device) = devices::of_internal_address(view, node) else {
            out.unknown_on(node.name(), "MTU", "no device is known to have the node's InternalIP");
            continue;
        };
        if let Some(fact) = too_large(view, node, links, device) {
            out.found(finding(view, node, device, fact));
        }
    }
}

/// What is too large for the device, in words.
fn too_large(
    view: &View<'_>,
    node: &NodeView<'_>,
    links: &[Link],
    device: &Link,
) -> Option<String> {
    // Netkit and old recordings may tell no MTU: 0 is none.
    let of_pod = links.iter().find(|link| link.name.is_endpoint_device() && link.mtu > device.mtu);
    if let Some(link) = of_pod.filter(|_| device.mtu > 0) {
        return Some(format!("{} has MTU {}", link.name, link.mtu));
    }
    let is_tunnel = match view.config() {
        Some(config) => matches!(config.routing, RoutingMode::Tunnel(_)),
        None => false,
    };
    let most = device.mtu.checked_sub(TUNNEL).filter(|most| is_tunnel && *most > 0)?;
    let mut routes = node.cilium_host_routes();
    let route = routes.find(|route| route.mtu.is_some_and(|mtu| mtu > most))?;
    Some(format!("{route}: at most {most} fits into the tunnel"))
}

fn finding(view: &View<'_>, node: &NodeView<'_>, device: &Link, fact: String) -> Finding {
    let mut finding = Finding::about(RULE.code, Severity::Error, "MTU")
        .on(node.name())
        .saying(
            format!(
                "pods of {} send packets that are too large for {} (MTU {})",
                node.name(),
                device.name,
                device.mtu
            ),
            "large packets get lost: connections open, and hang as soon as data flow",
        )
        .seen(format!("devices of {}", node.name()), fact)
        .seen(
            format!("devices of {}", node.name()),
            format!("{} has MTU {}", device.name, device.mtu),
        );
    let given = view.facts.cluster.config_data.known().and_then(|data| data.data.get("mtu"));
    if let Some(mtu) = given.filter(|mtu| !mtu.is_empty() && *mtu != "0") {
        finding = finding.seen("cilium-config", format!("mtu {mtu}"));
    }
    finding.mended_by(
        Remedy::text(
            "take the device's MTU, restart the agents, and then the pods, which keep the MTU they \
             started with before 1.17",
        )
        .with_values(format!("MTU: {}\n", device.mtu))
        .with_commands([command::restart_agent(view.namespace(), node.name())]),
    )
}
