//! Chains of iptables, and names of sets.

use std::collections::BTreeMap;

use super::ours::Ours;
use super::thing::{Thing, changes};
use super::{Comparison, known};
use crate::facts::Unavailable;
use crate::leftovers::recognise::words;
use crate::leftovers::{Chain, HostState, Ruleset};

/// By their names. kube-proxy, Calico and fail2ban enter members and delete them all the time.
pub(super) fn sets(state: &HostState, ours: &Ours<'_>) -> Result<Vec<Thing>, Unavailable> {
    let sets = known(&state.sets)?.iter();
    Ok(sets
        .filter(|name| !ours.has_set(name))
        .map(|name| Thing::new(format!("ipset {name}"), ""))
        .collect())
}

/// Backends and families one by one: of one that cannot be read the others know nothing.
pub(super) fn compare(
    before: &HostState,
    ours_before: &Ours<'_>,
    after: &HostState,
    ours_after: &Ours<'_>,
    comparison: &mut Comparison,
) {
    for ruleset in &before.netfilter {
        let same =
            |other: &&Ruleset| (other.backend, other.family) == (ruleset.backend, ruleset.family);
        let Some(later) = after.netfilter.iter().find(same) else {
            let what = format!("{} rules of iptables ({})", ruleset.family, ruleset.backend);
            comparison.unknown.push(Unavailable::not_collected(what));
            continue;
        };
        match (things(ruleset, ours_before), things(later, ours_after)) {
            (Ok(before), Ok(after)) => comparison.changes.append(&mut changes(before, after)),
            (Err(why), _) | (_, Err(why)) => comparison.unknown.push(why),
        }
    }
}

/// Chains and their rules. Comments and counters of packets are no part of them. An empty chain of
/// the kernel's that accepts everything does nothing, and comes into being when its table is listed.
fn things(ruleset: &Ruleset, ours: &Ours<'_>) -> Result<Vec<Thing>, Unavailable> {
    let text = match ruleset.text.get() {
        Ok(text) => text,
        Err(why) if why.is_absent() => return Ok(Vec::new()),
        Err(why) => return Err(why.clone()),
    };
    let mut things = Vec::new();
    let mut table = "";
    let mut chains: BTreeMap<&str, Chain> = BTreeMap::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name.trim();
            chains.clear();
        } else if let Some(declared) = line.strip_prefix(':') {
            let mut words = declared.split_whitespace();
            let (Some(name), Some(policy)) = (words.next(), words.next()) else {
                continue;
            };
            let chain = Chain {
                backend: ruleset.backend,
                family: ruleset.family,
                table: table.into(),
                name: name.into(),
            };
            if !ours.has_chain(&chain) && policy != "ACCEPT" {
                let policy = if policy == "-" { String::new() } else { format!("policy {policy}") };
                things.push(Thing::new(chain.to_string(), policy));
            }
            chains.insert(name, chain);
        } else if let Some((chain, rule)) =
            line.strip_prefix("-A ").and_then(|rest| rest.split_once(' '))
        {
            let Some(chain) = chains.get(chain).filter(|chain| !ours.has_chain(chain)) else {
                continue;
            };
            let is_feeder = ours
                .feeders_in(chain)
                .is_some_and(|feeders| feeders.contains(words(rule).as_slice()));
            if !is_feeder {
                things.push(Thing::new(format!("rule in {chain}"), rule));
            }
        }
    }
    Ok(things)
}
