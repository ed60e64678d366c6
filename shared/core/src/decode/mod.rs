//! What real programs print, into facts.
//!
//! Every decoder takes text and gives facts or a [`DecodeError`] that names the place; none of them
//! reads anything itself, so the same code serves this host's files, the output of a script that ran
//! in an agent's pod, and recorded fixtures.

pub mod agent_arguments;
pub mod agent_config;
pub mod agent_status;
pub mod certificate;
pub mod cilium_config;
pub mod cni_conf;
pub mod corefile;
pub mod endpoint_file;
pub mod health;
pub mod host;
pub mod host_endpoints;
pub mod iproute2;
pub mod iproute2_text;
pub mod iptables;
pub mod kubernetes;
pub mod log;
pub mod proc_net;
pub mod recorded;
pub mod resolv_conf;
pub mod route_get;
pub mod sysctl;

/// Why a text could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DecodeError {
    message: String,
}

impl DecodeError {
    /// An error with its message: a lowercase fragment that names line or field.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl From<serde_json::Error> for DecodeError {
    fn from(error: serde_json::Error) -> Self {
        Self::new(error.to_string())
    }
}
