//! Files in the BPF file systems.

use std::fs;
use std::io;
use std::path::Path;

use kcilium_core::facts::Unavailable;
use kcilium_core::leftovers::{BPF_DIRECTORIES, Pin};

use crate::host::HostRoot;
use crate::unavailable::unavailable;

/// `BPF_FS_MAGIC`.
const BPF: u64 = 0xcafe_4a11;
/// Below each file system: where the agent pins, and where iproute2 used to for it.
const INSIDE: [&str; 2] = ["cilium", "tc/globals"];

/// Pins in the directories that Cilium uses, with these directories below its own.
pub(crate) fn pins(root: &HostRoot) -> Result<Vec<Pin>, Unavailable> {
    let mut found = Vec::new();
    for file_system in BPF_DIRECTORIES {
        let explain = |error: &io::Error| unavailable(file_system, error);
        let place = root.locate(file_system).map_err(|error| explain(&error))?;
        if !is_bpf(&place).map_err(|error| explain(&error))? {
            continue;
        }
        for inside in INSIDE {
            walk(&place.join(inside), &format!("{file_system}/{inside}"), &mut found)
                .map_err(|error| explain(&error))?;
        }
    }
    Ok(found)
}

fn is_bpf(place: &Path) -> io::Result<bool> {
    match rustix::fs::statfs(place) {
        Ok(status) => Ok(u64::try_from(status.f_type) == Ok(BPF)),
        Err(rustix::io::Errno::NOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A directory and everything in it. The kernel makes no links between pins, so it ends.
fn walk(place: &Path, path: &str, found: &mut Vec<Pin>) -> io::Result<()> {
    let entries = match fs::read_dir(place) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    found.push(Pin { path: path.to_owned(), is_directory: true });
    let mut entries = entries.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = format!("{path}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &path, found)?;
        } else {
            found.push(Pin { path, is_directory: false });
        }
    }
    Ok(())
}
