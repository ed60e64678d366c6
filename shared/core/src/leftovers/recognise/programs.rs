//! Attached BPF programs, and the qdisc that filters hang on.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::LinkName;
use crate::leftovers::{
    Attachment, AttachmentPoint, Fate, Filter, HostState, Item, Leftover, Program, Proof,
};

/// How the names of Cilium's programs begin since 1.13.
const PROGRAM: &str = "cil_";
/// How the names of its maps begin, in all versions.
const MAP: &str = "cilium_";

/// In the order in which they are detached: what breaks the host itself first.
pub(super) fn items(state: &HostState) -> Vec<Item> {
    let cgroups = state.cgroup_programs.items().iter().filter_map(attachment);
    let links = state.link_programs.items().iter().filter_map(attachment);
    let filters = state.filters.items().iter().filter_map(filter);
    cgroups.chain(links).chain(filters).chain(clsact(state)).collect()
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
