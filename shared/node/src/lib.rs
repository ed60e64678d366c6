//! The Linux side: what one host's kernel and files say about its network.
//!
//! [`collect()`] fills [`NodeFacts`](kcilium_core::facts::NodeFacts), [`look_up`] asks the kernel for
//! the way to single addresses, [`probe::run`] sends packets. Nothing but [`clean()`] and
//! [`keepsake::undo`] changes anything on the host, and nothing needs privileges where the kernel does not ask for them: a source that is closed
//! to this user becomes [`Fact::Unavailable`](kcilium_core::facts::Fact::Unavailable), and the others
//! are read nevertheless.
//!
//! Netlink and `/proc/sys` show the network namespace of the calling thread, files lie under the
//! [`HostRoot`]. In a container with `hostNetwork` the two fit together when the host's root is
//! mounted and named.

#![cfg(target_os = "linux")]

mod clean;
mod collect;
mod files;
mod host;
mod iptables;
pub mod keepsake;
mod leftovers;
mod netlink;
pub mod probe;
mod unavailable;

pub use clean::{Refusal, clean, no_agent};
pub use collect::{collect, look_up};
pub use host::{Host, HostRoot, is_root};
pub use leftovers::read_leftovers;
