//! A machine of a lab: a network namespace and the few files that node code reads.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::lab::Lab;
use crate::namespace::Namespace;

/// A node: its network, and a file root that stands for `/`.
#[derive(Debug)]
pub struct Node {
    name: String,
    address: Ipv4Addr,
    namespace: Namespace,
    root: PathBuf,
}

impl Node {
    /// A node that is to have the address `cluster`, without interfaces, with the files that every node
    /// has.
    pub(crate) fn create(lab: &Lab, name: &str, cluster: &str) -> Result<Self> {
        let address = cluster.split('/').next().unwrap_or_default();
        let address = address.parse().with_context(|| format!("`{cluster}` is no address"))?;
        let namespace = lab.namespace(name)?;
        // What kubelet and every CNI plugin ask of a node.
        namespace.sysctl("net.ipv4.ip_forward", "1")?;
        let node = Self { name: name.to_owned(), address, namespace, root: lab.dir().join(name) };
        node.write("etc/hostname", &format!("{name}\n"))?;
        node.write("etc/resolv.conf", "nameserver 10.0.0.1\n")?;
        // A process table without kthreadd is a container's, not a node's.
        node.write("proc/2/comm", "kthreadd\n")?;
        Ok(node)
    }

    /// The node's own name: `node1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address on the network of the cluster, by which others know it.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The node's network.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The directory that stands for the node's `/`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Writes a file below [`root`](Self::root), with its directories.
    pub fn write(&self, path: &str, content: &str) -> Result<()> {
        write_below(&self.root, path, content)
    }
}

/// Writes a file below a directory that stands for `/`, with its directories.
pub(crate) fn write_below(root: &Path, path: &str, content: &str) -> Result<()> {
    let file = root.join(path);
    let directory = file.parent().unwrap_or(root);
    fs::create_dir_all(directory)
        .and_then(|()| fs::write(&file, content))
        .with_context(|| format!("cannot write {}", file.display()))
}
