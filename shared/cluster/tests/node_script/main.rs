//! The node script in real shells, with an `ip` and a `cilium-dbg` that say what a test wants.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may fail in this way")]

mod cni;
mod framing;
mod health;
mod iptables;
mod node;
mod reading;
