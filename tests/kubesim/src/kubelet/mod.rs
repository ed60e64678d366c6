//! What an API server asks of kubelets: `exec` and logs of pods.

mod dial;
mod exec;
mod locate;
mod log;
mod relay;
mod upgrade;

pub(crate) use exec::{Client, exec};
pub(crate) use log::log;
