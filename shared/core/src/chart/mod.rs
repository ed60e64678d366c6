//! The keys of the charts: which version has which, of what type, and what became of the others.

pub mod accepted;
mod advice;
mod config_map;
pub mod refusals;
mod span;
mod strays;
pub(crate) mod suggest;
mod table;
mod values;
mod version;

pub use advice::{Advice, Effect, advice, kube_proxy_replacement};
pub use strays::{Stray, StrayKind, Strays};
pub use table::{Chart, Entry, Known, known_versions};
pub use values::ChartValues;
pub use version::{ChartVersion, Nearness, VersionError};
