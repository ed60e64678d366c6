//! Attached BPF programs, and the qdisc that filters hang on.

use std::collections::{BTreeMap, BTreeSet};

use super::Known;
use crate::facts::LinkName;
use crate::leftovers::{
    Attachment, AttachmentPoint, Fate, Filter, HostState, Item, Leftover, Program, Proof,
};

/// How the names of Cilium's programs begin since 1.13.
const PROGRAM: &str = "cil_";
/// How the names of its maps begin, in all versions.
const MAP: &str = "cilium_";

/// Programs, and qdiscs, by when they go.
#[derive(Default)]
pub(super) struct Programs {
    /// In the order in which they are detached: what breaks the host itself first.
    pub(super) detached: Vec<Item>,
    /// What is on a pod's device goes with it: it sees no packets but the pod's, and may be all that
    /// the device is recognised by.
    pub(super) with_device: Vec<Item>,
}

pub(super) fn items(state: &HostState, known: &Known<'_>) -> Programs {
    let cgroups = state.cgroup_programs.items().iter().filter_map(attachment);
    let links = state.link_programs.items().iter().filter_map(attachment);
    let filters = state.filters.items().iter().filter_map(filter);
    // A qdisc before its filters, which go with it: an empty one says no more whose it was.
    let all = cgroups.chain(links).chain(clsact(state)).chain(filters);
    let mut found = Programs::default();
    for mut item in all {
        let pod = item_link(&item.what).filter(|link| link.is_endpoint_device());
        match pod.and_then(|link| known.link_fate(link)) {
            None | Some(Fate::Doubtful { .. }) => found.detached.push(item),
            Some(fate) => {
                if item.fate == Fate::Remove {
                    item.fate = fate.clone();
                }
                found.with_device.push(item);
            }
        }
    }
    found
}

fn item_link(what: &Leftover) -> Option<&LinkName> {
    match what {
        Leftover::Attachment(attachment) => link(&attachment.point),
        Leftover::Filter(filter) => Some(&filter.link),
        Leftover::Clsact { link } => Some(link),
        _ => None,
    }
}

/// By which program each interface is seen to be Cilium's.
pub(super) fn by_link(state: &HostState) -> BTreeMap<LinkName, Proof> {
    let filters = state.filters.items().iter();
    let filters = filters.filter_map(|filter| Some((filter.link.clone(), filter_proof(filter)?)));
    let programs = state.link_programs.items().iter().filter_map(|attachment| {
        Some((link(&attachment.point)?.clone(), proof(&attachment.program)?))
    });
    filters.chain(programs).collect()
}

fn link(point: &AttachmentPoint) -> Option<&LinkName> {
    match point {
        AttachmentPoint::Cgroup { .. } => None,
        AttachmentPoint::Tcx { link, .. }
        | AttachmentPoint::Netkit { link, .. }
        | AttachmentPoint::Xdp { link } => Some(link),
    }
}

/// Programs of 1.12 have names that anybody may give; their maps tell.
fn proof(program: &Program) -> Option<Proof> {
    if program.name.starts_with(PROGRAM) {
        return Some(Proof::ProgramName(program.name.clone()));
    }
    let map = program.maps.iter().find(|map| map.starts_with(MAP))?;
    Some(Proof::Map(map.clone()))
}

fn attachment(attachment: &Attachment) -> Option<Item> {
    Some(Item {
        proofs: vec![proof(&attachment.program)?],
        what: Leftover::Attachment(attachment.clone()),
        fate: Fate::Remove,
    })
}

/// What the loader called the filter is enough where the program cannot be asked for.
fn filter_proof(filter: &Filter) -> Option<Proof> {
    match &filter.program {
        Some(program) => proof(program),
        None => filter.name.starts_with(PROGRAM).then(|| Proof::ProgramName(filter.name.clone())),
    }
}

fn filter(filter: &Filter) -> Option<Item> {
    Some(Item {
        proofs: vec![filter_proof(filter)?],
        what: Leftover::Filter(filter.clone()),
        fate: Fate::Remove,
    })
}

/// The qdisc goes when nothing but Cilium's filters is on it. An empty one may be anybody's, and
/// harms nobody.
fn clsact(state: &HostState) -> Vec<Item> {
    let (Ok(qdiscs), Ok(filters), Ok(others)) =
        (state.clsact.get(), state.filters.get(), state.other_filters.get())
    else {
        return Vec::new();
    };
    let mut foreign: BTreeSet<&LinkName> = others.iter().collect();
    let mut ours = BTreeSet::new();
    for filter in filters {
        let links = if filter_proof(filter).is_some() { &mut ours } else { &mut foreign };
        links.insert(&filter.link);
    }
    let mut items = Vec::new();
    for link in qdiscs.iter().filter(|link| !foreign.contains(link)) {
        let (fate, proofs) = if ours.contains(link) {
            (Fate::Remove, vec![Proof::OnlyItsFilters])
        } else {
            (
                Fate::doubtful("it is empty, which does no harm, and does not say whose it was"),
                vec![],
            )
        };
        items.push(Item { what: Leftover::Clsact { link: link.clone() }, fate, proofs });
    }
    items
}
