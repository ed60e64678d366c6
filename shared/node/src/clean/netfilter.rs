//! Chains of iptables and the rules that lead to them. Whole tables are never saved and restored:
//! another iptables than the one that wrote a rule may drop half of it.

use std::collections::BTreeMap;
use std::io;

use kcilium_core::facts::{Fact, Family, Unavailable};
use kcilium_core::leftovers::{
    Backend, Chain, Feeder, HostState, Inventory, Leftover, Outcome, Ruleset,
};

use super::outcome::judged;
use crate::host::HostRoot;
use crate::iptables::{Form, run, saved};

/// Deletes one rule that leads to a chain of Cilium's. Comment and target are all that is in it, so
/// every iptables can say it.
pub(super) fn feeder(root: &HostRoot, feeder: &Feeder) -> Outcome {
    let same = |what: &Leftover| matches!(what, Leftover::Feeder(other) if other == feeder);
    let chain = &feeder.chain;
    let before = match count(root, chain.backend, chain.family, &same) {
        Ok(0) => return Outcome::AlreadyGone,
        Ok(before) => before,
        Err(why) => return Outcome::failed(why.to_string()),
    };
    let mut arguments = vec!["-D", &chain.name];
    arguments.extend(feeder.rule.iter().map(String::as_str));
    let act = change(root, chain, &arguments);
    // There may be two of them.
    judged(act, count(root, chain.backend, chain.family, &same).map(|after| after >= before))
}

/// Empties all chains before the first is deleted: they lead to each other.
pub(super) fn chains(root: &HostRoot, chains: &[&Chain]) -> Vec<Outcome> {
    let before = Listed::of(root, chains);
    let emptied: Vec<Option<io::Result<()>>> = chains
        .iter()
        .map(|chain| match before.has(chain) {
            Ok(true) => Some(change(root, chain, &["-F", &chain.name])),
            _ => None,
        })
        .collect();
    let acts: Vec<Option<io::Result<()>>> = chains
        .iter()
        .zip(emptied)
        .map(|(chain, emptied)| {
            Some(emptied?.and_then(|()| change(root, chain, &["-X", &chain.name])))
        })
        .collect();
    let after = Listed::of(root, chains);
    chains
        .iter()
        .zip(acts)
        .map(|(chain, act)| match (act, before.has(chain)) {
            (Some(act), _) => judged(act, after.has(chain)),
            (None, Ok(_)) => Outcome::AlreadyGone,
            (None, Err(why)) => Outcome::failed(why.to_string()),
        })
        .collect()
}

fn change(root: &HostRoot, chain: &Chain, arguments: &[&str]) -> io::Result<()> {
    // Others change tables too, and each change waits for the one before.
    let mut all = vec!["-w", "5", "-t", &chain.table];
    all.extend(arguments);
    run(root, chain.backend, chain.family, Form::Change, &all)
        .map(drop)
        .map_err(|why| io::Error::other(why.to_string()))
}

/// How many of the leftovers in a ruleset are the one in question.
fn count(
    root: &HostRoot,
    backend: Backend,
    family: Family,
    same: &dyn Fn(&Leftover) -> bool,
) -> Result<usize, Unavailable> {
    Ok(leftovers(root, backend, family)?.iter().filter(|what| same(what)).count())
}

fn leftovers(
    root: &HostRoot,
    backend: Backend,
    family: Family,
) -> Result<Vec<Leftover>, Unavailable> {
    let text = Fact::Known(saved(root, backend, family)?);
    let netfilter = vec![Ruleset { backend, family, text }];
    let state = HostState { netfilter, ..HostState::default() };
    Ok(Inventory::of(&state).items.into_iter().map(|item| item.what).collect())
}

/// Chains of Cilium's, for each ruleset.
struct Listed(BTreeMap<(Backend, u8), Result<Vec<Leftover>, Unavailable>>);

impl Listed {
    fn of(root: &HostRoot, chains: &[&Chain]) -> Self {
        let mut listed = BTreeMap::new();
        for chain in chains {
            listed
                .entry((chain.backend, chain.family.bits()))
                .or_insert_with(|| leftovers(root, chain.backend, chain.family));
        }
        Self(listed)
    }

    fn has(&self, chain: &Chain) -> Result<bool, Unavailable> {
        match self.0.get(&(chain.backend, chain.family.bits())) {
            Some(Ok(all)) => {
                Ok(all.iter().any(|what| matches!(what, Leftover::Chain(other) if other == chain)))
            }
            Some(Err(why)) => Err(why.clone()),
            None => Ok(false),
        }
    }
}
