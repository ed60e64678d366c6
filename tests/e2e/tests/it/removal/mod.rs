//! Cilium out of clusters.

mod everything;
mod faults;
mod fleet;
mod generated;
mod helm;
mod killed;
mod land;
mod nodes;
mod plan;
mod rights;
