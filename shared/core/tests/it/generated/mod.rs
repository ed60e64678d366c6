//! Nodes with whatever Cilium leaves and whatever comes near it, at random. Whoever makes a thing
//! says what of it goes; nothing here asks the code under test.

mod files;
mod links;
mod netfilter;
mod programs;
mod routing;
mod transforms;

use kcilium_core::facts::{Fact, Family};
use kcilium_core::leftovers::{Backend, HostState, Leftover, Ruleset};
use proptest::{collection::vec, prelude::*};

/// What all nodes know of their cluster.
pub(crate) const POD_CIDR: &str = "10.244.0.0/16";
pub(crate) const NODE: &str = "10.24.0.4";

/// A thing on a node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Thing {
    /// What a collector reads of it.
    read: HostState,
    /// Table of iptables, and lines of `iptables-save` in it.
    chains: Vec<(&'static str, String)>,
    /// What goes with Cilium, whatever else is on the node.
    goes: Vec<Leftover>,
    /// What goes only where no pod of Cilium's lives.
    goes_after_pods: Vec<Leftover>,
    /// It is a pod that lives.
    lives: bool,
}

/// A node.
#[derive(Clone)]
pub(crate) struct Generated {
    /// What a collector reads.
    pub(crate) state: HostState,
    /// All that is to go.
    pub(crate) goes: Vec<Leftover>,
}

/// What is on it, without what is not.
impl std::fmt::Debug for Generated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut state = serde_json::to_value(&self.state).unwrap();
        state.as_object_mut().unwrap().retain(|_, fact| fact.get("unavailable").is_none());
        f.debug_struct("Generated")
            .field("state", &state.to_string())
            .field("goes", &self.goes)
            .finish()
    }
}

fn anything() -> impl Strategy<Value = Thing> {
    prop_oneof![
        4 => links::things(),
        4 => routing::things(),
        3 => netfilter::things(),
        3 => programs::things(),
        4 => files::things(),
        2 => transforms::things(),
    ]
}

pub(crate) fn node() -> impl Strategy<Value = Generated> {
    let rules = (routing::local_rule(Family::V4), routing::local_rule(Family::V6));
    let backend = prop_oneof![Just(Backend::Nft), Just(Backend::Legacy)];
    (vec(anything(), 0..40), rules, backend).prop_map(|(mut things, rules, backend)| {
        things.extend([rules.0, rules.1]);
        assembled(things, backend)
    })
}

fn assembled(things: Vec<Thing>, backend: Backend) -> Generated {
    let pod_lives = things.iter().any(|thing| thing.lives);
    let mut state = HostState::default();
    let mut goes = Vec::new();
    let mut lines = Vec::new();
    state.remembered.pod_cidrs = vec![POD_CIDR.parse().unwrap()];
    state.remembered.node_addresses = vec![NODE.parse().unwrap()];
    macro_rules! join {
        ($read:expr, $($fact:ident)*) => {{
            // What nobody read is not there, which the plan does not care for.
            $(if let Fact::Known(more) = $read.$fact {
                let mut all = state.$fact.items().to_vec();
                all.extend(more);
                state.$fact = Fact::Known(all);
            })*
        }};
    }
    for thing in things {
        let mut read = thing.read;
        state.remembered.pod_links.append(&mut read.remembered.pod_links);
        lines.extend(thing.chains);
        goes.extend(thing.goes);
        if !pod_lives {
            goes.extend(thing.goes_after_pods);
        }
        join!(
            read, links addresses routes rules neighbours clsact filters other_filters link_programs
            cgroup_programs pins sets transforms endpoints cni_files cni_results cni_binaries
            network_namespaces mounts paths
        );
    }
    let text = Fact::Known(netfilter::saved(&lines));
    state.netfilter.push(Ruleset { backend, family: Family::V4, text });
    for what in &mut goes {
        if let Leftover::Feeder(feeder) = what {
            feeder.chain.backend = backend;
        } else if let Leftover::Chain(chain) = what {
            chain.backend = backend;
        }
    }
    // An empty list is one that was read.
    for fact in [&mut state.clsact, &mut state.other_filters] {
        *fact = Fact::Known(fact.items().to_vec());
    }
    state.filters = Fact::Known(state.filters.items().to_vec());
    Generated { state, goes }
}

impl Thing {
    /// Something of others'.
    fn foreign(read: HostState) -> Self {
        Self { read, ..Self::default() }
    }

    /// Something of Cilium's.
    fn ours(read: HostState, goes: Vec<Leftover>) -> Self {
        Self { read, goes, ..Self::default() }
    }
}
