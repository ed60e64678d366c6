//! A node as Cilium leaves it, with everything beside it that only looks like Cilium's.

mod dump;
mod files;
mod network;
mod piece;
mod programs;

use std::path::{Path, PathBuf};

pub use piece::Piece;

use anyhow::{Result, ensure};

use crate::bpf::{BpfFiles, Cgroup};
use crate::lab::Lab;
use crate::namespace::Namespace;
use crate::node::write_below;

/// Programs that a dirty node is made with.
pub const DIRTY_NODE_PROGRAMS: [&str; 6] =
    ["tc", "iptables-nft", "iptables-legacy", "ip6tables-legacy", "ipset", "mount"];

/// A node in a lab: a network namespace, a file root with its BPF file system, and a cgroup.
///
/// [`decorate`](Self::decorate) gives it what others have on a node; [`soil`](Self::soil) what Cilium
/// leaves. [`dump`](Self::dump) before the second is what a perfect cleaner comes back to.
#[derive(Debug)]
pub struct DirtyNode {
    // In the order in which they have to go.
    cgroup: Cgroup,
    files: BpfFiles,
    mounted: Vec<BpfFiles>,
    namespace: Namespace,
    root: PathBuf,
    lab: Lab,
}

impl DirtyNode {
    /// A node without anything.
    pub fn new(label: &str) -> Result<Self> {
        let lab = Lab::new(label)?;
        let namespace = lab.namespace("node")?;
        let root = lab.dir().join("root");
        let files = BpfFiles::mount(&root.join("sys/fs/bpf"))?;
        let mut cgroup = Cgroup::create(&lab)?;
        cgroup.bind(&root.join("sys/fs/cgroup"))?;
        let node = Self { cgroup, files, mounted: Vec::new(), namespace, root, lab };
        // A process table without kthreadd is a container's, not a node's.
        node.write("proc/2/comm", "kthreadd\n")?;
        Ok(node)
    }

    /// Everything that others have on a node, as close to Cilium's as they come.
    pub fn decorate(&self) -> Result<()> {
        self.decorate_network()?;
        self.decorate_programs()?;
        self.decorate_files()
    }

    /// Everything that Cilium leaves.
    pub fn soil(&mut self) -> Result<()> {
        self.soil_network()?;
        self.soil_programs()?;
        self.soil_files()
    }

    /// The lab that it is in.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Its network.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The directory that stands for its `/`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Writes a file below [`root`](Self::root), with its directories.
    pub fn write(&self, path: &str, content: &str) -> Result<()> {
        write_below(&self.root, path, content)
    }

    /// Runs a script of the shell in its network.
    pub fn shell(&self, script: &str) -> Result<String> {
        let output = self.namespace.command("sh").args(["-ec", script]).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {said}", script.lines().next().unwrap_or_default());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
