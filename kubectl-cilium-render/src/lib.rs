//! Helm values for Cilium: merged as Helm merges them, each with its origin.
//!
//! Files and flags → [layers] of values → one tree → [text](emit). The library is there for the
//! tests and the fuzz targets; the program is `kubectl-cilium_render`.

pub mod args;
pub mod diff;
pub mod emit;
pub mod explain;
pub mod given;
pub mod ignored;
pub mod keys;
pub mod layers;
pub mod migrate;
pub mod next;
pub mod release;
mod remark;
pub mod render;
pub mod strvals;
