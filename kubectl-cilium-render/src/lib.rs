//! Helm values for Cilium: merged as Helm merges them, each with its origin.

pub mod emit;
pub mod keys;
pub mod layers;
pub mod strvals;
