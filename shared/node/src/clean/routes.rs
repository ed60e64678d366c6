//! Routes of all tables.

use std::collections::BTreeSet;

use ipnet::IpNet;
use kcilium_core::facts::{NextHop, Route};
use kcilium_core::leftovers::Outcome;

use super::outcome::judged;
use crate::netlink;
use crate::netlink::act;

/// Deletes routes, and looks once what is left of them: tables may be long.
pub(super) async fn routes(routes: &[&Route]) -> Vec<Outcome> {
    let destinations: BTreeSet<IpNet> = routes.iter().map(|route| route.destination).collect();
    let listed = async || {
        let mut all = netlink::routes().await?;
        all.retain(|route| destinations.contains(&route.destination));
        Ok(all.iter().map(without_state).collect::<Vec<_>>())
    };
    let there = |all: &Result<Vec<Route>, kcilium_core::facts::Unavailable>, route: &Route| {
        all.as_ref().map(|all| all.contains(&without_state(route))).map_err(Clone::clone)
    };
    let before = listed().await;
    let acts: Vec<_> = routes
        .iter()
        // What is not there is not asked for: the kernel may take another for it.
        .map(|route| (there(&before, route) == Ok(true)).then(|| act::delete_route(route)))
        .collect();
    let after = listed().await;
    routes
        .iter()
        .zip(acts)
        .map(|(route, act)| match (act, there(&before, route)) {
            (Some(act), _) => judged(act, there(&after, route)),
            (None, Ok(_)) => Outcome::AlreadyGone,
            (None, Err(why)) => Outcome::failed(why.to_string()),
        })
        .collect()
}

/// Whether a next hop has a carrier changes with every cable.
fn without_state(route: &Route) -> Route {
    let still = |hop: &NextHop| NextHop { flags: Vec::new(), ..hop.clone() };
    Route { next_hops: route.next_hops.iter().map(still).collect(), ..route.clone() }
}
