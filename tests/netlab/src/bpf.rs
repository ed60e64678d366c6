//! Places for BPF programs that are the test's own: a file system for pins, a cgroup.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::command::run;
use crate::gate;
use crate::lab::Lab;

/// A BPF file system of the test's, unmounted when dropped.
#[derive(Debug)]
pub struct BpfFiles(PathBuf);

impl BpfFiles {
    /// Mounts one, at a directory that is made.
    pub fn mount(path: &Path) -> Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "bpf", "bpf"]).arg(path);
        run(mount, "")?;
        Ok(Self(path.to_owned()))
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for BpfFiles {
    fn drop(&mut self) {
        unmount(&self.0);
    }
}

/// A cgroup without processes, below the machine's root; programs on it see nobody's sockets.
#[derive(Debug)]
pub struct Cgroup {
    path: PathBuf,
    bound: Vec<PathBuf>,
}

impl Cgroup {
    /// Makes one, named after the lab.
    pub fn create(lab: &Lab) -> Result<Self> {
        let root = root().context("no cgroup2 is mounted")?;
        let path = root.join(lab.prefix().trim_end_matches('-'));
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self { path, bound: Vec::new() })
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Shows it at another place, as the root of a node's cgroups.
    pub fn bind(&mut self, place: &Path) -> Result<()> {
        fs::create_dir_all(place).with_context(|| format!("cannot make {}", place.display()))?;
        let mut mount = Command::new("mount");
        mount.arg("--bind").args([&self.path, place]);
        run(mount, "")?;
        self.bound.push(place.to_owned());
        Ok(())
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        for place in &self.bound {
            unmount(place);
        }
        // Programs go with it.
        let _ = fs::remove_dir(&self.path);
    }
}

fn unmount(place: &Path) {
    let mut umount = Command::new("umount");
    umount.arg("-l").arg(place);
    // Another drop, or the test itself, may have been faster.
    let _ = run(umount, "");
}

/// Where the machine's second hierarchy of cgroups is.
fn root() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let cgroup2 = mounts.lines().find(|line| line.contains(" - cgroup2 "))?;
    cgroup2.split(' ').nth(4).map(PathBuf::from)
}

/// Whether BPF file systems can be mounted and the second hierarchy of cgroups is there.
///
/// # Panics
///
/// In CI (`CI=true`) where not, as [`require_root_netns`](crate::require_root_netns) does.
pub fn require_bpf() -> bool {
    let supported = fs::read_to_string("/proc/filesystems")
        .is_ok_and(|list| list.lines().any(|line| line.ends_with("\tbpf")));
    gate::granted(&match (supported, root()) {
        (true, Some(_)) => Ok(()),
        _ => Err("a kernel with BPF file systems and a mounted cgroup2 are needed".to_owned()),
    })
}
