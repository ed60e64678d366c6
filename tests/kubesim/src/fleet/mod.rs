//! Generated clusters of any size, the same in every run, with objects as large as real ones.
//!
//! A fleet is healthy: Cilium's agents run on every node, every pod's address lies in the network
//! of its node. Objects are cast from a handful of moulds (see [`crate::Mould`]), so that a cluster
//! of 150 000 pods takes a second to make and a fraction of a gigabyte to keep.

mod caster;
mod layout;
mod pod;
mod serial;
mod shape;

use std::net::Ipv4Addr;

use anyhow::Result;
use ipnet::Ipv4Net;
use serde_json::json;

use self::{caster::Caster, layout::Layout};
use crate::{collector::Collector, load, store::Store};

/// What a generated cluster is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// How many nodes, each with a Cilium agent.
    pub nodes: usize,
    /// How many pods in all: the agents, two of the operator, two of the cluster DNS, and the
    /// others in Deployments of up to 30.
    pub pods: usize,
    /// How many namespaces the Deployments are in.
    pub namespaces: usize,
    /// The nodes' addresses.
    pub node_network: Ipv4Net,
    /// The pods' addresses, of which each node gets a /24. One that holds the nodes' makes a clash.
    pub pod_network: Ipv4Net,
    /// How many CiliumIdentities there are at least: each Deployment has one, and the others are
    /// left from Deployments that are gone.
    pub identities: usize,
    /// How many pods hang in ImagePullBackOff.
    pub pulling: usize,
}

const NODE_NETWORK: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 16);
const POD_NETWORK: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 64, 0, 0), 11);

impl Fleet {
    /// A healthy fleet with 50 namespaces.
    pub fn new(nodes: usize, pods: usize) -> Self {
        Self {
            nodes,
            pods,
            namespaces: 50,
            node_network: NODE_NETWORK,
            pod_network: POD_NETWORK,
            identities: 0,
            pulling: 0,
        }
    }
}

/// Puts a fleet into a store, and forgets the history up to then.
pub(crate) fn load(store: &mut Store, fleet: &Fleet) -> Result<()> {
    let layout = Layout::new(fleet)?;
    load::read(include_str!("../../scenarios/pieces/cilium-1.14.2-crds.yaml"))?
        .into_iter()
        .try_for_each(|definition| load::load(store, definition))?;
    for name in &layout.namespaces {
        let metadata = json!({"name": name, "creationTimestamp": "2025-03-04T08:15:00Z"});
        load::load(store, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}))?;
    }
    // The namespaces are all that controllers have to see to: what follows is complete.
    Collector::default().run(store);
    let mut caster = Caster::new(store, &layout)?;
    caster.nodes()?;
    caster.system(fleet)?;
    for workload in &layout.workloads {
        caster.workload(workload, fleet.pulling)?;
    }
    for spare in layout.workloads.len()..fleet.identities {
        let namespace = &layout.namespaces[spare % layout.namespaces.len()];
        caster.identity(spare, namespace, &format!("former-{spare:05}"));
    }
    store.compact();
    Ok(())
}
