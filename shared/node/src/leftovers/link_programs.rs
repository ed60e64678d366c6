//! Programs on interfaces: tc filters, tcx, netkit, XDP.

use kcilium_bpf::{AttachType, Target, attached};
use kcilium_core::facts::{Link, LinkName, Unavailable};
use kcilium_core::leftovers::{Attachment, AttachmentPoint, Direction, Filter, NetkitEnd, Qdisc};

use super::program::program;
use crate::netlink;
use crate::unavailable::unavailable;

/// Qdiscs, and what hangs on clsact.
pub(crate) struct TrafficControl {
    pub(crate) clsact: Result<Vec<LinkName>, Unavailable>,
    pub(crate) qdiscs: Result<Vec<Qdisc>, Unavailable>,
    pub(crate) filters: Result<Vec<Filter>, Unavailable>,
    pub(crate) other_filters: Result<Vec<LinkName>, Unavailable>,
}

/// Reads qdiscs and filters. Interfaces without clsact have no filters that Cilium could have made.
pub(crate) async fn traffic_control(links: &Result<Vec<Link>, Unavailable>) -> TrafficControl {
    match listed(links).await {
        Ok(Listed { clsact, qdiscs, filters, others }) => TrafficControl {
            clsact: Ok(clsact),
            qdiscs: Ok(qdiscs),
            filters: Ok(filters),
            other_filters: Ok(others),
        },
        Err(why) => TrafficControl {
            clsact: Err(why.clone()),
            qdiscs: Err(why.clone()),
            filters: Err(why.clone()),
            other_filters: Err(why),
        },
    }
}

struct Listed {
    clsact: Vec<LinkName>,
    qdiscs: Vec<Qdisc>,
    filters: Vec<Filter>,
    others: Vec<LinkName>,
}

async fn listed(links: &Result<Vec<Link>, Unavailable>) -> Result<Listed, Unavailable> {
    let links = links.as_ref().map_err(Clone::clone)?;
    let mut qdiscs = netlink::qdiscs(links).await?;
    let clsact = qdiscs.extract_if(.., |qdisc| qdisc.kind == "clsact");
    let clsact: Vec<LinkName> = clsact.map(|qdisc| qdisc.link).collect();
    let mut bpf = Vec::new();
    let mut others = Vec::new();
    for link in links.iter().filter(|link| clsact.contains(&link.name)) {
        for filter in netlink::filters(link).await? {
            if filter.kind != "bpf" {
                others.push(link.name.clone());
                continue;
            }
            bpf.push(Filter {
                link: link.name.clone(),
                direction: filter.direction,
                priority: filter.priority,
                protocol: filter.protocol,
                handle: filter.handle,
                name: filter.name,
                // Its name may do, where the program may not be asked for.
                program: filter.program_id.and_then(|id| program(id).ok().flatten()),
            });
        }
    }
    Ok(Listed { clsact, qdiscs, filters: bpf, others })
}

/// Programs that are attached in the newer ways, which `tc` does not show.
pub(super) async fn link_programs(
    links: &Result<Vec<Link>, Unavailable>,
) -> Result<Vec<Attachment>, Unavailable> {
    let links = links.as_ref().map_err(Clone::clone)?;
    let mut found = Vec::new();
    for link in links {
        let name = &link.name;
        for (direction, kind) in [
            (Direction::Ingress, AttachType::TcxIngress),
            (Direction::Egress, AttachType::TcxEgress),
        ] {
            on_link(
                link,
                kind,
                &AttachmentPoint::Tcx { link: name.clone(), direction },
                &mut found,
            )?;
        }
        if link.kind.as_deref() != Some("netkit") {
            continue;
        }
        for (end, kind) in [
            (NetkitEnd::Primary, AttachType::NetkitPrimary),
            (NetkitEnd::Peer, AttachType::NetkitPeer),
        ] {
            on_link(link, kind, &AttachmentPoint::Netkit { link: name.clone(), end }, &mut found)?;
        }
    }
    for (link, id) in netlink::xdp_programs().await? {
        let point = AttachmentPoint::Xdp { link };
        let program = program(id)?;
        found.extend(program.map(|program| Attachment { point, program, link_id: None }));
    }
    Ok(found)
}

fn on_link(
    link: &Link,
    kind: AttachType,
    point: &AttachmentPoint,
    found: &mut Vec<Attachment>,
) -> Result<(), Unavailable> {
    let attached = match attached(Target::Link(link.index), kind) {
        Ok(attached) => attached,
        // The interface went meanwhile.
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error()) => {
            return Ok(());
        }
        Err(error) => return Err(unavailable(format!("BPF programs on {}", link.name), &error)),
    };
    for one in attached {
        if let Some(program) = program(one.program_id)? {
            let link_id = one.link_id;
            found.push(Attachment { point: point.clone(), program, link_id });
        }
    }
    Ok(())
}
