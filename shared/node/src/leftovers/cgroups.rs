//! Programs on the host's cgroups: the socket load balancer, which rewrites the host's own
//! connections.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use kcilium_bpf::{AttachType, Target, attached};
use kcilium_core::facts::Unavailable;
use kcilium_core::leftovers::{Attachment, AttachmentPoint, CgroupHook};

use super::program::program;
use crate::host::HostRoot;
use crate::unavailable::unavailable;

/// Where the second hierarchy of cgroups may be mounted: the usual place, that of systems with both
/// hierarchies, and the agent's own.
const ROOTS: [&str; 3] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/run/cilium/cgroupv2"];
/// How far below the root an agent was seen to attach (on Talos, to its own cgroup).
const DEPTH: usize = 2;
/// `CGROUP2_SUPER_MAGIC`.
const CGROUP2: u64 = 0x6367_7270;

const HOOKS: [(CgroupHook, AttachType); 13] = [
    (CgroupHook::Inet4Bind, AttachType::CgroupInet4Bind),
    (CgroupHook::Inet6Bind, AttachType::CgroupInet6Bind),
    (CgroupHook::Inet4Connect, AttachType::CgroupInet4Connect),
    (CgroupHook::Inet6Connect, AttachType::CgroupInet6Connect),
    (CgroupHook::Inet4PostBind, AttachType::CgroupInet4PostBind),
    (CgroupHook::Inet6PostBind, AttachType::CgroupInet6PostBind),
    (CgroupHook::Udp4Sendmsg, AttachType::CgroupUdp4Sendmsg),
    (CgroupHook::Udp6Sendmsg, AttachType::CgroupUdp6Sendmsg),
    (CgroupHook::Udp4Recvmsg, AttachType::CgroupUdp4Recvmsg),
    (CgroupHook::Udp6Recvmsg, AttachType::CgroupUdp6Recvmsg),
    (CgroupHook::Inet4Getpeername, AttachType::CgroupInet4Getpeername),
    (CgroupHook::Inet6Getpeername, AttachType::CgroupInet6Getpeername),
    (CgroupHook::InetSockRelease, AttachType::CgroupInetSockRelease),
];

/// How the kernel calls a hook.
pub(crate) fn attach_type(hook: CgroupHook) -> AttachType {
    let found = HOOKS.iter().find(|(other, _)| *other == hook);
    // The table has all of them.
    found.map_or(AttachType::CgroupInet4Connect, |(_, kind)| *kind)
}

/// Programs on this host's root cgroup and a little below; none where there is no second hierarchy.
pub(super) fn programs(root: &HostRoot) -> Result<Vec<Attachment>, Unavailable> {
    let mut found = Vec::new();
    // The same hierarchy is often mounted twice.
    let mut seen = BTreeSet::new();
    for path in ROOTS {
        walk(root, path, DEPTH, &mut seen, &mut found)?;
    }
    Ok(found)
}

fn walk(
    root: &HostRoot,
    path: &str,
    depth: usize,
    seen: &mut BTreeSet<(u64, u64)>,
    found: &mut Vec<Attachment>,
) -> Result<(), Unavailable> {
    let explain = |error: &io::Error| unavailable(format!("programs on cgroup {path}"), error);
    let place = root.locate(path).map_err(|error| explain(&error))?;
    let directory = match open_cgroup(&place) {
        Ok(Some(directory)) => directory,
        Ok(None) => return Ok(()),
        Err(error) => return Err(explain(&error)),
    };
    let metadata = directory.metadata().map_err(|error| explain(&error))?;
    if !seen.insert((metadata.dev(), metadata.ino())) {
        return Ok(());
    }
    for (hook, kind) in HOOKS {
        let attached = attached(Target::Cgroup(directory.as_fd()), kind);
        for one in attached.map_err(|error| explain(&error))? {
            let Some(program) = program(one.program_id)? else {
                continue;
            };
            let point = AttachmentPoint::Cgroup { path: path.to_owned(), hook };
            found.push(Attachment { point, program, link_id: None });
        }
    }
    if depth == 0 {
        return Ok(());
    }
    for name in children(&place).map_err(|error| explain(&error))? {
        walk(root, &format!("{path}/{name}"), depth - 1, seen, found)?;
    }
    Ok(())
}

/// Nothing for what does not exist (any more), or is no cgroup of the second hierarchy.
fn open_cgroup(place: &Path) -> io::Result<Option<File>> {
    let directory = match File::open(place) {
        Ok(directory) => directory,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let kind = rustix::fs::fstatfs(&directory)?.f_type;
    Ok((u64::try_from(kind) == Ok(CGROUP2)).then_some(directory))
}

fn children(place: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(place)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.extend(entry.file_name().into_string().ok());
        }
    }
    names.sort_unstable();
    Ok(names)
}
