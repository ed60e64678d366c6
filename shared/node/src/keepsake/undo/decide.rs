//! What is to become of a thing that was taken away.

use kcilium_core::facts::{Fact, Route, RoutingRule};
use kcilium_core::leftovers::{Chain, Feeder, HostState, Leftover};

use super::super::saved_file::place;
use super::super::{Keepsake, SETS};
use super::{Return, ruleset};
use crate::host::HostRoot;
use crate::unavailable::plain;

/// How a thing stands between what was kept and what is there now.
pub(super) fn decide(
    root: &HostRoot,
    keepsake: &Keepsake,
    now: &HostState,
    what: &Leftover,
) -> Return {
    let saved = &keepsake.content.state;
    match what {
        Leftover::Rule(rule) => of_rule(rule, now),
        Leftover::Route(route) => of_route(route, now),
        Leftover::Chain(chain) => of_chain(chain, saved, now),
        Leftover::Feeder(feeder) => of_feeder(feeder, saved, now),
        Leftover::Set { name } => of_set(name, keepsake, now),
        Leftover::CniConfiguration { path }
        | Leftover::CniResult { path }
        | Leftover::CniBackup { path, .. }
        | Leftover::File { path } => of_file(root, keepsake, path),
        other => impossible(other.undo().to_string()),
    }
}

fn impossible(why: impl Into<String>) -> Return {
    Return::Impossible { why: why.into() }
}

/// There or lacking, if the source could be read.
fn among<T>(fact: &Fact<Vec<T>>, is_it: impl Fn(&T) -> bool) -> Return {
    match fact.get() {
        Ok(all) if all.iter().any(is_it) => Return::There,
        Ok(_) => Return::Lacking,
        Err(why) => Return::Failed { why: why.to_string() },
    }
}

fn of_rule(rule: &RoutingRule, now: &HostState) -> Return {
    among(&now.rules, |other| other == rule)
}

fn of_route(route: &Route, now: &HostState) -> Return {
    let identity = |route: &Route| Leftover::Route(route.clone()).identity();
    let found = among(&now.routes, |other| identity(other) == identity(route));
    let lost = route.links().find(|link| !now.links.items().iter().any(|it| it.name == **link));
    match (found, lost) {
        (Return::Lacking, Some(link)) => {
            impossible(format!("its device {link} is gone; Cilium makes both anew"))
        }
        (found, _) => found,
    }
}

fn of_chain(chain: &Chain, saved: &HostState, now: &HostState) -> Return {
    let (saved, now) = match (ruleset::text(saved, chain), ruleset::text(now, chain)) {
        (Ok(saved), Ok(now)) => (saved, now),
        (Err(why), _) | (_, Err(why)) => return Return::Failed { why },
    };
    let saved = ruleset::rules(saved, chain).unwrap_or_default();
    match ruleset::rules(now, chain) {
        Some(now) if now == saved => Return::There,
        Some(_) => Return::Left { why: "there is a chain of that name with other rules".into() },
        None if saved.iter().any(|rule| ruleset::marks_everything(rule)) => impossible(
            "the iptables that saved it left out a match for sockets, and without it a rule would \
             take all packets of this host",
        ),
        None => Return::Lacking,
    }
}

fn of_feeder(feeder: &Feeder, saved: &HostState, now: &HostState) -> Return {
    let target = feeder.rule.last().cloned().unwrap_or_default();
    let fed = Chain { name: target, ..feeder.chain.clone() };
    if let Return::Impossible { .. } = of_chain(&fed, saved, now) {
        return impossible("the chain that it leads to cannot be put back");
    }
    match ruleset::text(now, &feeder.chain) {
        Err(why) => Return::Failed { why },
        Ok(text) => {
            let rules = ruleset::rules(text, &feeder.chain).unwrap_or_default();
            let is_there = rules.iter().any(|rule| ruleset::is_feeder(rule, feeder));
            if is_there { Return::There } else { Return::Lacking }
        }
    }
}

fn of_set(name: &str, keepsake: &Keepsake, now: &HostState) -> Return {
    match among(&now.sets, |other| other == name) {
        Return::Lacking if !keepsake.place.join(SETS).exists() => {
            impossible("there was no ipset to save what is in it; Cilium makes it anew")
        }
        found => found,
    }
}

fn of_file(root: &HostRoot, keepsake: &Keepsake, path: &str) -> Return {
    let Some(file) = keepsake.file(path) else {
        return impossible("it was not saved");
    };
    if file.is_as_saved(root, &keepsake.place, path) {
        return Return::There;
    }
    match place(root, path).and_then(|place| place.symlink_metadata()) {
        Ok(_) => Return::Left { why: "there is another file of that name now".into() },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Return::Lacking,
        Err(error) => Return::Failed { why: plain(&error) },
    }
}
