//! Programs and what they hang on.
//!
//! Programs are told by their names: whose number is another one was loaded anew by its owner.

use super::known;
use super::ours::Ours;
use super::thing::Thing;
use crate::facts::Unavailable;
use crate::leftovers::{Attachment, AttachmentPoint, HostState, Leftover};

pub(super) fn clsact(state: &HostState, ours: &Ours<'_>) -> Result<Vec<Thing>, Unavailable> {
    let links = known(&state.clsact)?.iter();
    Ok(links
        .filter(|link| !ours.has_clsact(link))
        .map(|link| Thing::new(format!("qdisc clsact on {link}"), ""))
        .collect())
}

pub(super) fn filters(state: &HostState, ours: &Ours<'_>) -> Result<Vec<Thing>, Unavailable> {
    let filters = known(&state.filters)?.iter();
    Ok(filters
        .filter(|filter| !ours.has_filter(filter))
        .map(|filter| {
            let what = format!("tc filters on {} {}", filter.link, filter.direction);
            let shown = format!("{} at {}", filter.name, filter.priority);
            Thing::exact(what, shown, &Leftover::Filter(filter.clone()).identity())
        })
        .collect())
}

pub(super) fn other_filters(state: &HostState, ours: &Ours<'_>) -> Result<Vec<Thing>, Unavailable> {
    let links = known(&state.other_filters)?.iter();
    Ok(links
        .filter(|link| !ours.has_link(link))
        .map(|link| Thing::new(format!("tc filters other than BPF on {link}"), ""))
        .collect())
}

pub(super) fn link_programs(state: &HostState, ours: &Ours<'_>) -> Result<Vec<Thing>, Unavailable> {
    Ok(attachments(known(&state.link_programs)?, ours))
}

pub(super) fn cgroup_programs(
    state: &HostState,
    ours: &Ours<'_>,
) -> Result<Vec<Thing>, Unavailable> {
    Ok(attachments(known(&state.cgroup_programs)?, ours))
}

fn attachments(attachments: &[Attachment], ours: &Ours<'_>) -> Vec<Thing> {
    let is_on_our_link = |attachment: &Attachment| match &attachment.point {
        AttachmentPoint::Cgroup { .. } => false,
        AttachmentPoint::Tcx { link, .. }
        | AttachmentPoint::Netkit { link, .. }
        | AttachmentPoint::Xdp { link } => ours.has_link(link),
    };
    attachments
        .iter()
        .filter(|attachment| !is_on_our_link(attachment) && !ours.has_attachment(attachment))
        .map(|attachment| {
            let what = format!("BPF programs on {}", attachment.point);
            let identity = Leftover::Attachment(attachment.clone()).identity();
            Thing::exact(what, attachment.program.name.clone(), &identity)
        })
        .collect()
}
