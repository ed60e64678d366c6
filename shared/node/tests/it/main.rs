//! Facts of real network namespaces and of made-up file trees.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may fail in this way")]

mod clean;
mod consistency;
mod files;
mod host;
mod inside;
mod leftovers;
mod links;
mod lookups;
mod nexthop_objects;
mod reachability;
mod routes;
mod rules;
