//! One node with the route table of the article that these plugins go back to: the default pool
//! has taken the LAN's first three /24, gateway and DNS 10.0.0.1 among them.

use std::net::Ipv4Addr;

use anyhow::Result;

use crate::agent::{self, CiliumState, Share};
use crate::homelab::Homelab;

/// Builds a homelab with that one node, `node1`.
pub fn seed_node(label: &str) -> Result<Homelab> {
    let mut home = Homelab::without_nodes(label)?;
    home.add_node("node1", "10.0.0.124/16", "10.24.0.2/24")?;
    let node = home.node("node1")?;
    node.namespace().ip(&["addr", "add", "10.0.1.24/16", "dev", "eth0"])?;
    let own = Share {
        pod_cidr: "10.0.2.0/24",
        router: "10.0.2.208",
        health: "10.0.2.33",
        pod: "10.0.2.201",
        lxc: "lxc8e7180b4ea74",
    };
    let remote = ["10.0.0.0/24", "10.0.1.0/24"].map(|cidr| (cidr, Ipv4Addr::new(10, 24, 0, 4)));
    agent::install(home.lab(), node, &own, &remote, CiliumState::Clash)?;
    Ok(home)
}
