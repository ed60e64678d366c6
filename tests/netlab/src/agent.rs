//! What a Cilium agent installs on a node, as recorded from 1.14.2.
//!
//! Links, addresses and routes are those of real nodes. What is missing is BPF: no packet gets from
//! a pod to anywhere unless [`datapath`](crate::datapath) is there too.

use std::net::Ipv4Addr;

use anyhow::Result;

use crate::command::run;
use crate::lab::Lab;
use crate::namespace::Namespace;
use crate::node::Node;

/// How Cilium fares on the nodes of a lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CiliumState {
    /// Never installed.
    None,
    /// Running with a pool of its own, 10.244.0.0/16.
    Healthy,
    /// Running with the same pool, and with routes between the nodes in place of a tunnel.
    NativeRouting,
    /// Running with the default pool 10.0.0.0/8, in which the LAN lies.
    Clash,
    /// [`Healthy`](Self::Healthy) after `helm uninstall`: the agent and its health endpoint are
    /// gone; links, routes and CNI configuration stay.
    Leftovers,
}

impl CiliumState {
    /// Whether an agent process is to be seen on the nodes.
    pub fn agent_runs(self) -> bool {
        matches!(self, Self::Healthy | Self::NativeRouting | Self::Clash)
    }
}

/// One node's share of the pod network.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    /// The node's pod CIDR.
    pub(crate) pod_cidr: &'static str,
    /// The address of `cilium_host`, the gateway of the node's pods.
    pub(crate) router: &'static str,
    /// The address of the health endpoint.
    pub(crate) health: &'static str,
    /// The address of the one pod that runs here.
    pub(crate) pod: &'static str,
    /// The host's side of that pod's interface.
    pub(crate) lxc: &'static str,
}

const CNI_CONFIG: &str = r#"{
  "cniVersion": "0.3.1",
  "name": "cilium",
  "plugins": [
    {
       "type": "cilium-cni",
       "enable-debug": false,
       "log-file": "/var/run/cilium/cilium-cni.log"
    }
  ]
}
"#;

/// Installs on `node` what its agent did, which owns `own` and knows the pod CIDRs `remote` of
/// other nodes. Gives the health endpoint, which is there while an agent runs.
pub(crate) fn install(
    lab: &Lab,
    node: &Node,
    own: &Share,
    remote: &[(&str, Ipv4Addr)],
    state: CiliumState,
) -> Result<Option<Namespace>> {
    let Share { pod_cidr, router, .. } = own;
    let mut script = format!(
        "\
link add cilium_host type veth peer name cilium_net
link set cilium_host arp off
link set cilium_net arp off
link set cilium_host up
link set cilium_net up
addr add {router}/32 dev cilium_host
route add {router} dev cilium_host proto kernel scope link
route add {pod_cidr} via {router} dev cilium_host proto kernel src {router}
"
    );
    if state == CiliumState::NativeRouting {
        // `autoDirectNodeRoutes`.
        let route = |(cidr, node): &(&str, Ipv4Addr)| {
            format!("route add {cidr} via {node} dev eth1 proto kernel\n")
        };
        script.extend(remote.iter().map(route));
    } else {
        script += "\
link add cilium_vxlan type vxlan external dstport 8472
link set cilium_vxlan up
";
        // 50 bytes less than the LAN: what VXLAN wraps around a packet.
        script.extend(remote.iter().map(|(cidr, _)| {
            format!(
                "route add {cidr} via {router} dev cilium_host proto kernel src {router} mtu 1450\n"
            )
        }));
    }
    node.namespace().ip_batch(&script)?;
    // What all versions have, and lead packets through. It is empty here: nothing depends on it.
    node.namespace().iptables("-N CILIUM_FORWARD")?;
    let feeder = ["-m", "comment", "--comment", "cilium-feeder: CILIUM_FORWARD"];
    let mut command = node.namespace().command("iptables");
    command.args(["--wait", "-A", "FORWARD"]).args(feeder).args(["-j", "CILIUM_FORWARD"]);
    run(command, "")?;

    endpoint(lab, node, own.lxc, &format!("{}-pod", node.name()), own.pod, router)?;
    node.write("etc/cni/net.d/05-cilium.conflist", CNI_CONFIG)?;
    if !state.agent_runs() {
        return Ok(None);
    }
    node.write("proc/4242/comm", "cilium-agent\n")?;
    // Of the agent's own process: the endpoint goes when the agent does.
    let name = format!("{}-health", node.name());
    endpoint(lab, node, "lxc_health", &name, own.health, router).map(Some)
}

/// A pod: a namespace with `eth0`, whose other end is `link` on the node.
fn endpoint(
    lab: &Lab,
    node: &Node,
    link: &str,
    namespace: &str,
    address: &str,
    router: &str,
) -> Result<Namespace> {
    let pod = lab.namespace(namespace)?;
    lab.veth((node.namespace(), link), (&pod, "eth0"))?;
    pod.ip_batch(&format!(
        "\
addr add {address}/32 dev eth0
route add {router} dev eth0 scope link
route add default via {router} dev eth0 mtu 1450
"
    ))?;
    Ok(pod)
}
