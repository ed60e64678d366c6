//! Helm values for Cilium: merged as Helm merges them, each with its origin.
//!
//! A cluster or a snapshot → [facts](source) → [detected values](detect); files and flags → [layers]
//! of values over them → one tree → [text](emit). The library is there for the
//! tests and the fuzz targets; the program is `kubectl-cilium_render`.

pub mod args;
pub mod detect;
pub mod diff;
pub mod emit;
pub mod explain;
pub mod given;
pub mod helm_template;
pub mod layers;
pub mod lint;
pub mod local_chart;
pub mod migrate;
pub mod next;
pub mod release;
pub mod render;
pub mod source;
pub mod strvals;
pub mod upstream_flags;
pub mod verify;
