//! tc: BPF filters, and the qdisc that they hang on.

use kcilium_core::facts::{Fact, LinkName, Unavailable};
use kcilium_core::leftovers::{Filter, HostState, Inventory, Leftover, Outcome};

use super::outcome::judged;
use crate::leftovers::traffic_control;
use crate::netlink;
use crate::netlink::act;

/// Deletes one filter, if it is still the same program at its place.
pub(super) async fn filter(filter: &Filter) -> Outcome {
    let state = match on(&filter.link).await {
        Ok(Some(state)) => state,
        Ok(None) => return Outcome::AlreadyGone,
        Err(why) => return Outcome::failed(why.to_string()),
    };
    if !state.filters.items().contains(filter) {
        return Outcome::AlreadyGone;
    }
    let act = act::delete_filter(filter);
    let there = on(&filter.link).await;
    judged(
        act,
        there.map(|state| state.is_some_and(|state| state.filters.items().contains(filter))),
    )
}

/// Deletes clsact with the filters on it, if all of them are Cilium's.
pub(super) async fn clsact(link: &LinkName) -> Outcome {
    let state = match on(link).await {
        Ok(Some(state)) => state,
        Ok(None) => return Outcome::AlreadyGone,
        Err(why) => return Outcome::failed(why.to_string()),
    };
    if !has(&state, link) {
        return Outcome::AlreadyGone;
    }
    let items = Inventory::of(&state).items;
    if !items.iter().any(|item| matches!(item.what, Leftover::Clsact { .. })) {
        return Outcome::kept("filters of others are on it by now");
    }
    let act = act::delete_clsact(link);
    let there = on(link).await.map(|state| state.is_some_and(|state| has(&state, link)));
    judged(act, there)
}

fn has(state: &HostState, link: &LinkName) -> bool {
    state.clsact.items().contains(link)
}

/// What tc has on one interface; nothing where there is no such interface.
async fn on(link: &LinkName) -> Result<Option<HostState>, Unavailable> {
    let mut links = netlink::links().await?;
    links.retain(|other| other.name == *link);
    if links.is_empty() {
        return Ok(None);
    }
    let found = traffic_control(&Ok(links)).await;
    Ok(Some(HostState {
        clsact: Fact::Known(found.clsact?),
        filters: Fact::Known(found.filters?),
        other_filters: Fact::Known(found.other_filters?),
        ..HostState::default()
    }))
}
