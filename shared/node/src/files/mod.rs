//! What the host's files say.

mod agent_process;
mod cni_files;
mod host_endpoints;
mod host_files;
mod read;
mod resolvers;
mod sysctls;

pub(crate) use agent_process::{agent_process, services};
pub(crate) use cni_files::cni_files;
pub(crate) use host_endpoints::host_endpoints;
pub(crate) use read::{SMALL, list_if_exists, read_if_exists, read_text};
pub(crate) use resolvers::resolvers;
pub(crate) use sysctls::sysctls;
