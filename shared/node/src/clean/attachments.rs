//! BPF programs that are attached otherwise than by tc.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;

use kcilium_bpf::{
    AttachType, Attached, Pinned, Target, attached, detach_link, detach_program, open_program,
    pinned,
};
use kcilium_core::facts::{LinkName, Unavailable};
use kcilium_core::leftovers::{Attachment, AttachmentPoint, Direction, NetkitEnd, Outcome};

use super::outcome::judged;
use crate::host::HostRoot;
use crate::leftovers::{attach_type, pins};
use crate::netlink;
use crate::netlink::act;
use crate::unavailable::{plain, unavailable};

/// Takes one program off, and leaves those beside it. Its pins stay: they go later.
pub(super) async fn attachment(root: &HostRoot, attachment: &Attachment) -> Outcome {
    match &attachment.point {
        AttachmentPoint::Cgroup { path, hook } => {
            let directory = root.locate(path).and_then(File::open);
            match directory {
                Ok(directory) => {
                    let target = Target::Cgroup(directory.as_fd());
                    detached(root, attachment, target, attach_type(*hook))
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => Outcome::AlreadyGone,
                Err(error) => Outcome::failed(plain(&error)),
            }
        }
        AttachmentPoint::Tcx { link, direction } => {
            let kind = match direction {
                Direction::Ingress => AttachType::TcxIngress,
                Direction::Egress => AttachType::TcxEgress,
            };
            on_link(root, attachment, link, kind).await
        }
        AttachmentPoint::Netkit { link, end } => {
            let kind = match end {
                NetkitEnd::Primary => AttachType::NetkitPrimary,
                NetkitEnd::Peer => AttachType::NetkitPeer,
            };
            on_link(root, attachment, link, kind).await
        }
        AttachmentPoint::Xdp { link } => xdp(root, attachment, link).await,
    }
}

async fn on_link(
    root: &HostRoot,
    attachment: &Attachment,
    link: &LinkName,
    kind: AttachType,
) -> Outcome {
    match netlink::links().await {
        Ok(links) => match links.iter().find(|other| other.name == *link) {
            Some(link) => detached(root, attachment, Target::Link(link.index), kind),
            None => Outcome::AlreadyGone,
        },
        Err(why) => Outcome::failed(why.to_string()),
    }
}

fn detached(
    root: &HostRoot,
    attachment: &Attachment,
    target: Target<'_>,
    kind: AttachType,
) -> Outcome {
    let id = attachment.program.id;
    let found = || -> io::Result<Option<Attached>> {
        Ok(attached(target, kind)?.into_iter().find(|one| one.program_id == id))
    };
    let act = match found() {
        Ok(None) => return Outcome::AlreadyGone,
        Err(error) => return Outcome::failed(plain(&error)),
        Ok(Some(Attached { link_id: Some(link), .. })) => detach_link(link),
        Ok(Some(_)) => match detach_program(target, id, kind) {
            Ok(()) => Ok(()),
            // Where a link holds it the kernel finds no such program, and for cgroups it does not
            // say which link; but Cilium pins them.
            Err(error) => by_pins(root, id).unwrap_or(Err(error)),
        },
    };
    let there = found().map(|one| one.is_some());
    judged(act, there.map_err(|error| unavailable("attached programs", &error)))
}

async fn xdp(root: &HostRoot, attachment: &Attachment, link: &LinkName) -> Outcome {
    let id = attachment.program.id;
    let there = async || -> Result<bool, Unavailable> {
        Ok(netlink::xdp_programs().await?.contains(&(link.clone(), id)))
    };
    if there().await == Ok(false) {
        return Outcome::AlreadyGone;
    }
    let act = match by_pins(root, id) {
        Some(act) => act,
        None => open_program(id).and_then(|program| match program {
            Some(program) => act::detach_xdp(link, program.as_fd()),
            None => Ok(()),
        }),
    };
    judged(act, there().await)
}

/// Detaches the pinned links that hold a program; nothing where there are none.
fn by_pins(root: &HostRoot, program: u32) -> Option<io::Result<()>> {
    let mut done = None;
    for pin in pins(root).ok()?.iter().filter(|pin| !pin.is_directory) {
        let held = root.locate(&pin.path).and_then(|place| pinned(&place));
        if let Ok(Pinned::Link(link)) = held
            && link.program_id == program
        {
            done = Some(done.unwrap_or(Ok(())).and(detach_link(link.id)));
        }
    }
    done
}
