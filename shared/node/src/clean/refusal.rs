//! Why nothing is taken away.

use kcilium_core::facts::Unavailable;

/// Nothing, or nothing more, was touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An agent lives: it would put everything back within seconds.
    #[error("a Cilium agent runs on this host{}", process(*.pid))]
    AgentLives {
        /// Its process, where that is known.
        pid: Option<u32>,
    },
    /// Whether an agent lives could not be told.
    #[error("whether a Cilium agent runs on this host is not known: {0}")]
    AgentUnknown(Unavailable),
}

fn process(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}
