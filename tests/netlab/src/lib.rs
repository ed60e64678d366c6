//! Test topologies in real network namespaces: real kernel, real netlink, no machine touched.
//!
//! A [`Lab`] makes namespaces and removes them, whatever becomes of the test; [`homelab`] and
//! [`seed_node`] build the networks that the plugins were written for. A test begins with
//! [`require_root_netns`], because all of it needs root and `ip`.
//!
//! Everything happens inside namespaces made here. None of them has a way out: no link is ever
//! created in, or moved to, the machine's own namespace, so nothing that a test sends can leave.
//!
//! ```no_run
//! use netlab::{CiliumState, homelab};
//!
//! # fn main() -> anyhow::Result<()> {
//! let home = homelab("doctor finds the clash", CiliumState::Clash)?;
//! let node1 = home.node("node1")?;
//! let way = node1.namespace().ip(&["route", "get", "10.0.0.1"])?;
//! assert!(way.contains("dev cilium_host"));
//! # Ok(())
//! # }
//! ```

mod agent;
mod bpf;
mod command;
mod datapath;
mod dirty;
mod gate;
mod guardian;
mod homelab;
mod lab;
mod namespace;
mod node;
mod seed_node;

pub use agent::CiliumState;
pub use bpf::{BpfFiles, Cgroup, require_bpf};
pub use datapath::Masquerade;
pub use dirty::{DIRTY_NODE_PROGRAMS, DirtyNode, Piece};
pub use gate::{require_programs, require_root_netns};
pub use homelab::{Homelab, homelab};
pub use lab::Lab;
pub use namespace::Namespace;
pub use node::Node;
pub use seed_node::seed_node;
