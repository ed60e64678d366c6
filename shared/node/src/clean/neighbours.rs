//! Entries of the neighbour tables.

use kcilium_core::leftovers::{Neighbour, Outcome};

use super::outcome::judged;
use crate::netlink;
use crate::netlink::act;

pub(super) async fn neighbours(neighbours: &[&Neighbour]) -> Vec<Outcome> {
    let acts: Vec<_> =
        neighbours.iter().map(|neighbour| act::delete_neighbour(neighbour)).collect();
    let after = netlink::neighbours().await;
    let there = |neighbour: &Neighbour| {
        after.as_ref().map(|all| all.contains(neighbour)).map_err(Clone::clone)
    };
    neighbours.iter().zip(acts).map(|(neighbour, act)| judged(act, there(neighbour))).collect()
}
