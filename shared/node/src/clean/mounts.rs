//! Mounted file systems, and names of network namespaces, which are mounts too.

use std::io;

use kcilium_core::facts::Unavailable;
use kcilium_core::leftovers::Outcome;
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};

use super::files;
use super::outcome::judged;
use crate::host::HostRoot;
use crate::leftovers::mounts;
use crate::unavailable::plain;

/// What `mountinfo` calls the file system of namespaces.
const NAMESPACES: &str = "nsfs";

/// Unmounts a file system of this type from a place.
pub(super) fn mount(root: &HostRoot, path: &str, filesystem: &str) -> Outcome {
    let before = match count(root, path, filesystem) {
        Ok(0) => return Outcome::AlreadyGone,
        Ok(before) => before,
        Err(why) => return Outcome::failed(why.to_string()),
    };
    let act = root.locate(path).and_then(|place| {
        match unmount(&place, UnmountFlags::NOFOLLOW) {
            // Whoever uses it keeps it for as long; new ones do not find it.
            Err(Errno::BUSY) => unmount(&place, UnmountFlags::NOFOLLOW | UnmountFlags::DETACH),
            other => other,
        }
        .map_err(io::Error::from)
    });
    judged(act, count(root, path, filesystem).map(|after| after >= before))
}

fn count(root: &HostRoot, path: &str, filesystem: &str) -> Result<usize, Unavailable> {
    let found = mounts(root)?;
    let same = found.iter().filter(|mount| mount.path == path && mount.filesystem == filesystem);
    Ok(same.count())
}

/// Takes a name off a network namespace, which lives on as long as anything is in it.
pub(super) fn namespace(root: &HostRoot, path: &str) -> Outcome {
    let mounted = match mounts(root) {
        Ok(mounts) => mounts.into_iter().filter(|mount| mount.path == path).collect::<Vec<_>>(),
        Err(why) => return Outcome::failed(why.to_string()),
    };
    if let Some(other) = mounted.iter().find(|mount| mount.filesystem != NAMESPACES) {
        return Outcome::kept(format!("no namespace, but {} is mounted there", other.filesystem));
    }
    for _ in mounted {
        let flags = UnmountFlags::NOFOLLOW | UnmountFlags::DETACH;
        let done = root.locate(path).and_then(|place| Ok(unmount(place, flags)?));
        if let Err(error) = done {
            return Outcome::failed(plain(&error));
        }
    }
    files::file(root, path)
}
