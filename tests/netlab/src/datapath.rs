//! What Cilium's BPF programs do with packets of pods, by means that every kernel has: with this,
//! pods of a lab really reach each other, Services and what is outside, until something is broken.
//!
//! The main table stays as the agent leaves it. A packet that it sends to `cilium_host` comes out of
//! `cilium_net`, as with Cilium, and there rules lead it on: to a pod's device, or into the tunnel.

use std::net::{Ipv4Addr, SocketAddrV4};

use anyhow::{Context as _, Result};

use crate::agent::Share;
use crate::node::Node;

/// The network of all pods.
const PODS: &str = "10.244.0.0/16";

/// The chain in which agents masquerade.
const MASQUERADING: &str = "CILIUM_POST_nat";

/// Of `cilium_host` and `cilium_net`: they ask nobody for addresses, so what one sends has to suit the
/// other.
const PAIR: &str = "02:00:00:00:c1:11";

/// Which packets of pods get the node's address when they leave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Masquerade<'a> {
    /// None.
    Off,
    /// Those that leave by any device of the node, but for those to the native routing CIDR.
    But(&'a str),
    /// Those that leave by this device.
    On(&'a str),
}

/// Makes packets go on all nodes, by whatever routes or tunnels they have.
pub(crate) fn install(nodes: &[Node], shares: &[Share]) -> Result<()> {
    for (node, own) in nodes.iter().zip(shares) {
        let mut script = format!(
            "\
link set cilium_host address {PAIR}
link set cilium_net address {PAIR}
route add {health}/32 dev lxc_health table 200
route add {pod}/32 dev {lxc} table 200
route add unreachable {cidr} table 200
",
            health = own.health,
            pod = own.pod,
            lxc = own.lxc,
            cidr = own.pod_cidr,
        );
        let tunnels = node.namespace().ip(&["link", "show", "cilium_vxlan"]).is_ok();
        for from in ["cilium_net", if tunnels { "cilium_vxlan" } else { "eth1" }] {
            // Devices of pods that came later.
            script.extend([
                format!("rule add pref 199 iif {from} lookup main suppress_prefixlength 31\n"),
                format!("rule add pref 200 iif {from} lookup 200\n"),
            ]);
        }
        if tunnels {
            script.extend([format!("link set cilium_vxlan address {}\n", tunnel_address(node))]);
            let others = nodes.iter().zip(shares).filter(|(it, _)| it.name() != node.name());
            script.extend(others.map(|(other, share)| {
                let (cidr, router, to) = (share.pod_cidr, share.router, other.address());
                let address = tunnel_address(other);
                format!(
                    "\
neigh add {router} lladdr {address} dev cilium_vxlan nud permanent
route add {cidr} encap ip id 2 dst {to} via {router} dev cilium_vxlan onlink mtu 1450 table 200
"
                )
            }));
        }
        node.namespace().ip_batch(&script)?;
        // The node's own packets come with an address of the node.
        node.namespace().sysctl("net.ipv4.conf.cilium_net.accept_local", "1")?;
        // It was seen before, on its way to `cilium_host`.
        iptables(node, "-t raw -A PREROUTING -i cilium_net -j NOTRACK")?;
        iptables(node, &format!("-t nat -N {MASQUERADING}"))?;
        let comment = "-m comment --comment cilium-feeder";
        iptables(node, &format!("-t nat -A POSTROUTING {comment} -j {MASQUERADING}"))?;
        masquerade(node, own.pod_cidr, Masquerade::But(PODS))?;
    }
    Ok(())
}

/// The hardware address of a node's end of the tunnel.
fn tunnel_address(node: &Node) -> String {
    let [.., last] = node.address().octets();
    format!("02:00:00:00:c2:{last:02x}")
}

/// Replaces what is masqueraded on a node, whose pods have addresses of `cidr`.
pub(crate) fn masquerade(node: &Node, cidr: &str, how: Masquerade<'_>) -> Result<()> {
    iptables(node, &format!("-t nat -F {MASQUERADING}"))?;
    let which = match how {
        Masquerade::Off => return Ok(()),
        Masquerade::But(exempt) => format!("! -d {exempt} ! -o cilium_+"),
        Masquerade::On(device) => format!("! -d {PODS} -o {device}"),
    };
    iptables(node, &format!("-t nat -A {MASQUERADING} -s {cidr} {which} -j MASQUERADE"))
}

/// Lets a Service's port lead to one of its pods, for pods of the node and for the node itself.
pub(crate) fn service(node: &Node, service: SocketAddrV4, backend: SocketAddrV4) -> Result<()> {
    let (address, port): (&Ipv4Addr, u16) = (service.ip(), service.port());
    for chain in ["PREROUTING", "OUTPUT"] {
        for protocol in ["tcp", "udp"] {
            let which = format!("-t nat -A {chain} -d {address} -p {protocol} --dport {port}");
            iptables(node, &format!("{which} -j DNAT --to-destination {backend}"))?;
        }
    }
    Ok(())
}

fn iptables(node: &Node, arguments: &str) -> Result<()> {
    node.namespace()
        .iptables(arguments)
        .map(drop)
        .with_context(|| format!("node `{}`", node.name()))
}
