//! Putting things back.

use std::fs;
use std::io;
use std::ops::ControlFlow;

use kcilium_core::facts::Unavailable;
use kcilium_core::leftovers::{Chain, Feeder, HostState, Leftover, Plan};

use super::super::saved_file::place;
use super::super::{IPSET, Keepsake, LIMIT, SETS, store};
use super::ruleset;
use crate::host::HostRoot;
use crate::iptables::{Form, output, program, run, run_on, saved};
use crate::netlink::act::{add_route, add_rule};
use crate::unavailable::plain;

/// Things in the order in which they can be put back: sets before the rules that look into them,
/// chains before what leads to them, tables before the rules that lead there, and last the files,
/// of which the kubelet takes notice.
pub(super) fn in_order(plan: &Plan) -> Vec<&Leftover> {
    let rank = |what: &Leftover| match what {
        Leftover::Set { .. } => 0,
        Leftover::Chain(_) => 1,
        Leftover::Feeder(_) => 2,
        Leftover::Route(_) => 3,
        Leftover::Rule(_) => 4,
        _ => 5,
    };
    let mut things: Vec<&Leftover> = plan.items.iter().map(|item| &item.what).collect();
    things.sort_by_key(|what| rank(what));
    things
}

/// Acts on things in order, and says for each that was begun what went wrong.
pub(super) fn put_back(
    root: &HostRoot,
    keepsake: &Keepsake,
    now: &HostState,
    things: &[&Leftover],
    told: &mut dyn FnMut(&Leftover) -> ControlFlow<()>,
) -> Vec<Result<(), String>> {
    let mut acted = Vec::new();
    let mut rest = things;
    while let Some(first) = rest.first() {
        if told(first).is_break() {
            break;
        }
        // Chains lead to each other.
        let chains: Vec<&Chain> = rest.iter().map_while(|what| chain_beside(first, what)).collect();
        let taken = chains.len().max(1);
        let outcome = match chains.as_slice() {
            [] => one(root, keepsake, now, first),
            chains => make_chains(root, keepsake, chains),
        };
        acted.extend(std::iter::repeat_n(outcome, taken));
        rest = rest.get(taken..).unwrap_or_default();
    }
    acted
}

/// A chain that is kept where the first one is.
fn chain_beside<'a>(first: &Leftover, what: &'a Leftover) -> Option<&'a Chain> {
    match (first, what) {
        (Leftover::Chain(first), Leftover::Chain(chain)) => {
            ((chain.backend, chain.family) == (first.backend, first.family)).then_some(chain)
        }
        _ => None,
    }
}

fn make_chains(root: &HostRoot, keepsake: &Keepsake, chains: &[&Chain]) -> Result<(), String> {
    let Some(first) = chains.first() else {
        return Ok(());
    };
    let input = ruleset::input(&keepsake.content.state, chains)?;
    // Without `--noflush` everything else would go.
    let arguments = ["--noflush", "-w", "5"];
    run_on(root, first.backend, first.family, Form::Restore, &arguments, &input)
        .map(drop)
        .map_err(said)
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn said(why: Unavailable) -> String {
    why.to_string()
}

fn one(
    root: &HostRoot,
    keepsake: &Keepsake,
    now: &HostState,
    what: &Leftover,
) -> Result<(), String> {
    match what {
        Leftover::Set { name } => make_set(root, keepsake, name),
        Leftover::Feeder(feeder) => insert(root, keepsake, feeder),
        Leftover::Route(route) => add_route(route).map_err(|error| plain(&error)),
        Leftover::Rule(rule) => add_rule(rule).map_err(|error| plain(&error)),
        Leftover::CniBackup { path, original } => {
            file(root, keepsake, path)?;
            take_back(root, keepsake, now, path, original).map_err(|error| plain(&error))
        }
        Leftover::CniConfiguration { path }
        | Leftover::CniResult { path }
        | Leftover::File { path } => file(root, keepsake, path),
        _ => Err("there is no way to put it back".into()),
    }
}

fn file(root: &HostRoot, keepsake: &Keepsake, path: &str) -> Result<(), String> {
    let saved = keepsake.file(path).ok_or("it was not saved")?;
    saved.put_back(root, &keepsake.place).map_err(|error| plain(&error))
}

/// A file that the clean gave its name back: it goes under this name, unless somebody changed it
/// since, or it was there before.
fn take_back(
    root: &HostRoot,
    keepsake: &Keepsake,
    now: &HostState,
    path: &str,
    original: &str,
) -> io::Result<()> {
    let was_there = keepsake.file(original).is_some();
    let is_there = now.cni_files.items().iter().any(|file| file.path == original);
    let saved = keepsake.file(path);
    let is_same = saved.is_some_and(|file| file.is_as_saved(root, &keepsake.place, original));
    if was_there || !is_there || !is_same {
        return Ok(());
    }
    fs::remove_file(place(root, original)?)
}

/// Inserts a rule where it stood among those that are still there.
fn insert(root: &HostRoot, keepsake: &Keepsake, feeder: &Feeder) -> Result<(), String> {
    let chain = &feeder.chain;
    let before = ruleset::text(&keepsake.content.state, chain)?;
    let now = saved(root, chain.backend, chain.family).map_err(said)?;
    let before = ruleset::rules(before, chain).unwrap_or_default();
    let now = ruleset::rules(&now, chain).unwrap_or_default();
    let position = ruleset::position(&before, &now, feeder).to_string();
    let mut arguments = vec!["-w", "5", "-t", &chain.table, "-I", &chain.name, &position];
    arguments.extend(feeder.rule.iter().map(String::as_str));
    run(root, chain.backend, chain.family, Form::Change, &arguments).map(drop).map_err(said)
}

/// Makes a set with what was in it.
fn make_set(root: &HostRoot, keepsake: &Keepsake, name: &str) -> Result<(), String> {
    let text = store::read(&keepsake.place.join(SETS), LIMIT);
    let text = text.map_err(|error| plain(&error))?;
    let mut input = String::new();
    for line in String::from_utf8_lossy(&text).lines() {
        // `create NAME …`, `add NAME …`
        if line.split(' ').nth(1) == Some(name) {
            input.push_str(line);
            input.push('\n');
        }
    }
    let mut command = program(root, IPSET).ok_or("ipset is not installed")?;
    output(command.arg("restore"), IPSET, &input).map(drop).map_err(said)
}
