//! The address space of the cluster: which ranges there are, and where they collide.
//!
//! A /8 and a /24 do not fit on one linear axis. So the axis has no scale: it is cut at every
//! boundary of a range, and each piece gets the same width. What nests and what collides can then
//! be seen whatever the sizes are.

use std::{collections::BTreeSet, net::IpAddr};

use ipnet::IpNet;
use kcilium_core::{
    facts::{Facts, Family, IpamMode},
    prefix::{GivenPrefix, overlap},
    view::View,
};

/// Ranges that are drawn; what collides comes first.
pub(super) const MAX_RANGES: usize = 40;

/// What a range is used for, in the order in which rows are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// The pool that pod CIDRs are cut out of.
    Pool,
    /// Pods of a node.
    Pods,
    /// Services.
    Services,
    /// A network that nodes are connected to, or have a route to.
    Lan,
    /// A single address that nodes depend on.
    Address,
}

/// Whether a range touches what it must not touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Collision {
    /// It does.
    Now,
    /// It will, once the pool has been handed out that far.
    Latent,
    /// It does not.
    None,
}

/// A range with what it is used for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Range {
    pub(super) purpose: Use,
    pub(super) prefix: IpNet,
    pub(super) label: String,
    /// Whether it shares addresses with a range that it must not touch.
    pub(super) collision: Collision,
}

/// The map of one family.
#[derive(Debug, Default)]
pub(super) struct AddressMap {
    pub(super) ranges: Vec<Range>,
    /// How many more ranges there are.
    pub(super) left_out: usize,
    /// Where the axis is cut, the first address of each piece; one more than there are pieces.
    cuts: Vec<u128>,
}

impl AddressMap {
    /// Draws up the map; empty where nothing is known.
    pub(super) fn of(facts: &Facts, family: Family) -> Self {
        let mut ranges: Vec<Range> = known_ranges(facts)
            .filter(|range| Family::of_prefix(range.prefix) == family)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        if has_own_space(facts) {
            mark_collisions(&mut ranges);
        }
        let left_out = ranges.len().saturating_sub(MAX_RANGES);
        ranges.sort_by_key(|range| range.collision);
        ranges.truncate(MAX_RANGES);
        ranges.sort();
        let cuts: BTreeSet<u128> =
            ranges.iter().flat_map(|range| [first(range.prefix), end(range.prefix)]).collect();
        Self { ranges, left_out, cuts: cuts.into_iter().collect() }
    }

    /// How many pieces the axis has.
    pub(super) fn pieces(&self) -> usize {
        self.cuts.len().saturating_sub(1)
    }

    /// The pieces that a range covers: the first, and how many.
    pub(super) fn span(&self, prefix: IpNet) -> (usize, usize) {
        let at = |value: u128| self.cuts.partition_point(|cut| *cut < value);
        let (from, to) = (at(first(prefix)), at(end(prefix)));
        (from, to - from)
    }
}

fn known_ranges(facts: &Facts) -> impl Iterator<Item = Range> {
    let view = View::new(facts);
    let mut ranges = Vec::new();
    let mut add = |purpose, prefix: IpNet, label: String| {
        ranges.push(Range { purpose, prefix: prefix.trunc(), label, collision: Collision::None });
    };
    // Other modes have no pool, whatever the configuration says.
    if let Some(config) = view.config().filter(|config| config.ipam == IpamMode::ClusterPool) {
        for text in config.pool_v4.iter().chain(&config.pool_v6) {
            if let Ok(given) = text.parse::<GivenPrefix>() {
                add(Use::Pool, given.prefix(), "pool".into());
            }
        }
    }
    for claim in view.pod_cidrs() {
        let label =
            claim.owner.as_ref().map_or_else(|| "pods".into(), |it| format!("pods of {it}"));
        add(Use::Pods, claim.prefix, label);
    }
    for service in view.service_cidrs().unwrap_or_default().into_iter().flatten() {
        add(Use::Services, service.prefix(), "services".into());
    }
    for node in view.nodes() {
        for route in node.lan_routes().filter(|route| !is_single(route.destination)) {
            let device = route.links().next().map_or_else(String::new, |link| format!(" ({link})"));
            add(Use::Lan, route.destination, format!("LAN{device}"));
        }
    }
    for (_, protected) in view.protected() {
        add(Use::Address, IpNet::from(protected.address), protected.roles_in_words());
    }
    ranges.into_iter()
}

/// In clouds' IPAM modes pods have addresses of the network around them: nothing collides there.
fn has_own_space(facts: &Facts) -> bool {
    let config = facts.cluster.config.known();
    !config.is_some_and(|config| matches!(config.ipam, IpamMode::Other(_)))
}

fn is_single(prefix: IpNet) -> bool {
    prefix.prefix_len() == prefix.max_prefix_len()
}

/// A LAN holds its addresses and a pool its pod CIDRs: nothing is wrong with that. Between the
/// sides, and between pods and services, nothing may overlap.
fn mark_collisions(ranges: &mut [Range]) {
    let collisions: Vec<Collision> = ranges
        .iter()
        .map(|a| {
            let touching = ranges.iter().filter(|b| {
                are_apart(a.purpose, b.purpose) && overlap(a.prefix, b.prefix).is_some()
            });
            let is_pool = |range: &Range| range.purpose == Use::Pool;
            let how = touching
                .map(|b| if is_pool(a) || is_pool(b) { Collision::Latent } else { Collision::Now });
            how.min().unwrap_or(Collision::None)
        })
        .collect();
    for (range, collision) in ranges.iter_mut().zip(collisions) {
        range.collision = collision;
    }
}

fn are_apart(a: Use, b: Use) -> bool {
    let side = |purpose| match purpose {
        Use::Pool | Use::Pods => 0,
        Use::Services => 1,
        Use::Lan | Use::Address => 2,
    };
    side(a) != side(b)
}

fn first(prefix: IpNet) -> u128 {
    number(prefix.network())
}

/// The address after the last one.
fn end(prefix: IpNet) -> u128 {
    let last = number(match prefix {
        IpNet::V4(net) => IpAddr::V4(net.broadcast()),
        IpNet::V6(net) => IpAddr::V6(net.broadcast()),
    });
    last.saturating_add(1)
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}
