//! Cilium out of clusters.

mod everything;
mod faults;
mod helm;
mod killed;
mod land;
mod plan;
mod rights;
