//! Things by name, and how two lists of them differ.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Change;

/// How lines are called, before what they are lines of.
pub(super) const LINE: &str = "line of ";

/// Something that was seen.
#[derive(Clone, Debug)]
pub(super) struct Thing {
    /// What it is called. Several things may be called alike; then their order counts.
    what: String,
    state: State,
}

/// How a thing is.
#[derive(Clone, Debug)]
struct State {
    /// In words.
    shown: String,
    /// In full: this is compared.
    exact: String,
    coming: Coming,
}

/// What it means that a thing is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coming {
    Change,
    /// Nothing: such things come while nobody does anything. That one is gone is a change.
    ByItself,
}

impl Thing {
    /// A thing whose state is fully told by words.
    pub(super) fn new(what: impl Into<String>, shown: impl Into<String>) -> Self {
        let shown = shown.into();
        let state = State { exact: shown.clone(), shown, coming: Coming::Change };
        Self { what: what.into(), state }
    }

    /// A thing of which the words do not tell everything.
    pub(super) fn exact(what: String, shown: String, value: &impl Serialize) -> Self {
        // Plain data always has a form in JSON.
        let exact = serde_json::to_string(value).unwrap_or_default();
        Self { what, state: State { shown, exact, coming: Coming::Change } }
    }

    /// The same, if it may come by itself.
    pub(super) fn coming_by_itself(mut self) -> Self {
        self.state.coming = Coming::ByItself;
        self
    }
}

/// What is different between two lists.
pub(super) fn changes(before: Vec<Thing>, after: Vec<Thing>) -> Vec<Change> {
    let mut named: BTreeMap<String, (Vec<State>, Vec<State>)> = BTreeMap::new();
    for thing in before {
        named.entry(thing.what).or_default().0.push(thing.state);
    }
    for thing in after {
        named.entry(thing.what).or_default().1.push(thing.state);
    }
    let of_one =
        |(what, (before, after)): (String, (Vec<_>, Vec<_>))| of_one(&what, &before, &after);
    let mut changes: Vec<Change> = named.into_iter().flat_map(of_one).collect();
    // Of a file that is gone as a whole, nobody wants the lines.
    let whole: BTreeSet<String> = changes.iter().map(|change| change.what.clone()).collect();
    changes.retain(|change| {
        let file = change.what.strip_prefix(LINE);
        file.is_none_or(|file| !whole.contains(file))
    });
    changes
}

fn of_one(what: &str, before: &[State], after: &[State]) -> Vec<Change> {
    let exact = |states: &[State]| -> Vec<String> {
        states.iter().map(|state| state.exact.clone()).collect()
    };
    if exact(before) == exact(after) {
        return Vec::new();
    }
    let (lost, mut new) = (without(before, after), without(after, before));
    new.retain(|state| state.coming == Coming::Change);
    let change = |before, after| Change { what: what.to_owned(), before, after };
    match (&lost[..], &new[..]) {
        ([], []) if before.len() == after.len() => vec![change(None, None)],
        ([], []) => Vec::new(),
        // The words are the same, so it is something that they do not tell.
        ([lost], [new]) if lost.shown == new.shown => {
            vec![change(Some(lost.exact.clone()), Some(new.exact.clone()))]
        }
        ([lost], [new]) => vec![change(Some(lost.shown.clone()), Some(new.shown.clone()))],
        _ => {
            let lost = lost.iter().map(|state| change(Some(state.shown.clone()), None));
            let new = new.iter().map(|state| change(None, Some(state.shown.clone())));
            lost.chain(new).collect()
        }
    }
}

/// Those of a list that are not in another, each as often as it is missing there.
fn without(list: &[State], other: &[State]) -> Vec<State> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for state in other {
        *counts.entry(&state.exact).or_default() += 1;
    }
    let mut is_missing = |state: &&State| match counts.get_mut(state.exact.as_str()) {
        Some(count @ 1..) => {
            *count -= 1;
            false
        }
        _ => true,
    };
    list.iter().filter(|state| is_missing(state)).cloned().collect()
}
