//! A homelab: three nodes on a LAN whose router is gateway and DNS, and a second, internal network
//! for the cluster.
//!
//! ```text
//! internet 1.1.1.1, 1.0.0.1, 223.5.5.5
//!    │ 203.0.113.0/30
//! router   10.0.0.1 ── lan 10.0.0.0/16 ─┬─ node1 .124   ─┬─ cluster 10.24.0.0/24
//!                                       ├─ node2 .125   ─┤  (.2, .4, .5)
//!                                       └─ node3 .126   ─┘
//! ```
//!
//! The internet is a namespace without uplink. It knows the way back to the LAN only, as if the
//! router masqueraded for its LAN and for nothing else.

use std::net::{Ipv4Addr, SocketAddrV4};

use anyhow::{Context as _, Result};

use crate::agent::{self, CiliumState, Share};
use crate::datapath::{self, Masquerade};
use crate::lab::Lab;
use crate::namespace::Namespace;
use crate::node::Node;

/// A LAN with router, internet stand-in and nodes.
#[derive(Debug)]
pub struct Homelab {
    lab: Lab,
    lan: Namespace,
    router: Namespace,
    internet: Namespace,
    nodes: Vec<Node>,
    /// What each of them has of the pod network, in the same order; none without Cilium.
    shares: &'static [Share],
    /// Their health endpoints, where agents run.
    health: Vec<Namespace>,
}

/// Builds the homelab with three nodes, `node1` to `node3`, and Cilium in the given state.
pub fn homelab(label: &str, state: CiliumState) -> Result<Homelab> {
    let mut home = Homelab::without_nodes(label)?;
    home.add_node("node1", "10.0.0.124/16", "10.24.0.2/24")?;
    home.add_node("node2", "10.0.0.125/16", "10.24.0.4/24")?;
    home.add_node("node3", "10.0.0.126/16", "10.24.0.5/24")?;
    let shares = match state {
        CiliumState::None => return Ok(home),
        CiliumState::Healthy | CiliumState::NativeRouting | CiliumState::Leftovers => &OWN_POOL,
        CiliumState::Clash => &DEFAULT_POOL,
    };
    home.shares = shares;
    for (node, own) in home.nodes.iter().zip(shares) {
        let others = home.nodes.iter().zip(shares).filter(|(other, _)| other.name() != node.name());
        let remote: Vec<(&str, Ipv4Addr)> =
            others.map(|(other, share)| (share.pod_cidr, other.address())).collect();
        home.health.extend(agent::install(&home.lab, node, own, &remote, state)?);
    }
    Ok(home)
}

const OWN_POOL: [Share; 3] = [
    Share {
        pod_cidr: "10.244.0.0/24",
        router: "10.244.0.120",
        health: "10.244.0.33",
        pod: "10.244.0.201",
        lxc: "lxcd14c4fc38cac",
    },
    Share {
        pod_cidr: "10.244.1.0/24",
        router: "10.244.1.75",
        health: "10.244.1.224",
        pod: "10.244.1.201",
        lxc: "lxc17427f7f5de6",
    },
    Share {
        pod_cidr: "10.244.2.0/24",
        router: "10.244.2.163",
        health: "10.244.2.210",
        pod: "10.244.2.201",
        lxc: "lxc55568c0fda15",
    },
];

// Which node got which CIDR of the default pool was chance.
const DEFAULT_POOL: [Share; 3] = [
    Share {
        pod_cidr: "10.0.1.0/24",
        router: "10.0.1.218",
        health: "10.0.1.33",
        pod: "10.0.1.39",
        lxc: "lxc2917aecf8b06",
    },
    Share {
        pod_cidr: "10.0.0.0/24",
        router: "10.0.0.200",
        health: "10.0.0.33",
        pod: "10.0.0.123",
        lxc: "lxcfe31df2114db",
    },
    Share {
        pod_cidr: "10.0.2.0/24",
        router: "10.0.2.71",
        health: "10.0.2.33",
        pod: "10.0.2.212",
        lxc: "lxc214d615fa3df",
    },
];

impl Homelab {
    /// The LAN with its router and the internet behind it.
    pub(crate) fn without_nodes(label: &str) -> Result<Self> {
        let lab = Lab::new(label)?;
        let lan = lab.namespace("lan")?;
        lab.bridge(&lan, "lan", &[])?;
        lab.bridge(&lan, "cluster", &[])?;

        let router = lab.namespace("router")?;
        lab.veth((&router, "eth0"), (&lan, "router"))?;
        lan.ip(&["link", "set", "router", "master", "lan"])?;
        router.ip(&["addr", "add", "10.0.0.1/16", "dev", "eth0"])?;
        router.sysctl("net.ipv4.ip_forward", "1")?;

        let internet = lab.namespace("internet")?;
        lab.veth((&router, "wan"), (&internet, "eth0"))?;
        router.ip_batch(
            "\
addr add 203.0.113.2/30 dev wan
route add default via 203.0.113.1
",
        )?;
        internet.ip_batch(
            "\
addr add 203.0.113.1/30 dev eth0
addr add 1.1.1.1/32 dev lo
addr add 1.0.0.1/32 dev lo
addr add 223.5.5.5/32 dev lo
route add 10.0.0.0/16 via 203.0.113.2
",
        )?;
        Ok(Self { lab, lan, router, internet, nodes: Vec::new(), shares: &[], health: Vec::new() })
    }

    /// Puts a node with these addresses on LAN and cluster network; the addresses carry their
    /// prefix lengths.
    pub(crate) fn add_node(&mut self, name: &str, lan: &str, cluster: &str) -> Result<&Node> {
        let node = Node::create(&self.lab, name, cluster)?;
        for (link, bridge) in [("eth0", "lan"), ("eth1", "cluster")] {
            let port = format!("{name}-{link}");
            self.lab.veth((node.namespace(), link), (&self.lan, &port))?;
            self.lan.ip(&["link", "set", &port, "master", bridge])?;
        }
        // A bridge knows that it has no carrier only after it has lost a port, as a Docker host
        // has after its last container stopped. Without this its route would not be `linkdown`.
        node.namespace().ip_batch(&format!(
            "\
addr add {lan} dev eth0
addr add {cluster} dev eth1
route add default via 10.0.0.1 dev eth0
link add docker0 type bridge
link add container type veth peer name container-eth0
link set container master docker0
link del container
link set docker0 up
addr add 172.17.0.1/16 dev docker0
"
        ))?;
        self.nodes.push(node);
        self.node(name)
    }

    /// Lets pods reach what they should: what Cilium's BPF would do with their packets is done by
    /// routes and `iptables`.
    pub fn carry_packets(&self) -> Result<()> {
        datapath::install(&self.nodes, self.shares)
    }

    /// Changes which packets of pods get the address of their node, on every node.
    pub fn masquerade(&self, how: Masquerade<'_>) -> Result<()> {
        let mut nodes = self.nodes.iter().zip(self.shares);
        nodes.try_for_each(|(node, share)| datapath::masquerade(node, share.pod_cidr, how))
    }

    /// The network of a node's pods, and where they send everything.
    pub fn pod_network(&self, node: &str) -> Result<(&str, Ipv4Addr)> {
        let mut nodes = self.nodes.iter().zip(self.shares);
        let (_, share) = nodes
            .find(|(known, _)| known.name() == node)
            .with_context(|| format!("this lab has no node `{node}` with pods"))?;
        let gateway = share.router.parse();
        let gateway = gateway.with_context(|| format!("`{}` is no address", share.router))?;
        Ok((share.pod_cidr, gateway))
    }

    /// Lets a Service's address and port lead to one of its pods, from every node and its pods.
    pub fn service(&self, service: SocketAddrV4, backend: SocketAddrV4) -> Result<()> {
        self.nodes.iter().try_for_each(|node| datapath::service(node, service, backend))
    }

    /// The lab that owns all this, to add to it.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// The switch: bridges `lan` and `cluster`, without addresses.
    pub fn lan(&self) -> &Namespace {
        &self.lan
    }

    /// The router: 10.0.0.1 on the LAN (`eth0`), 203.0.113.2 outside (`wan`).
    pub fn router(&self) -> &Namespace {
        &self.router
    }

    /// The internet stand-in: 1.1.1.1, 1.0.0.1 and 223.5.5.5.
    pub fn internet(&self) -> &Namespace {
        &self.internet
    }

    /// The health endpoints of the nodes, in the same order: `eth0`, and nobody who answers yet.
    pub fn health_endpoints(&self) -> &[Namespace] {
        &self.health
    }

    /// The nodes, in the order of their names.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node of that name.
    pub fn node(&self, name: &str) -> Result<&Node> {
        self.nodes
            .iter()
            .find(|node| node.name() == name)
            .with_context(|| format!("this lab has no node `{name}`"))
    }
}
