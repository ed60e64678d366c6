//! The configuration that agents run with: `cilium-config`, and what their DaemonSet adds to it.

use std::collections::BTreeMap;

use super::{DecodeError, agent_arguments, cilium_config};
use crate::facts::{ApiServer, CiliumConfig, Workload};

/// Normalises keys of `cilium-config` with the DaemonSet of the agents, where it is known: the
/// version of its image, its arguments, which win over the keys, and its address of the API server.
///
/// # Errors
/// When a number or a boolean cannot be read; the error names the key.
pub fn of_agents(
    mut data: BTreeMap<String, String>,
    namespace: &str,
    agents: Option<&Workload>,
) -> Result<CiliumConfig, DecodeError> {
    let container = agents.and_then(|agents| agents.container("cilium-agent"));
    if let Some(container) = container {
        let arguments = container.command.iter().chain(&container.args);
        data.extend(agent_arguments::options(arguments.map(String::as_str)));
    }
    let version = container.and_then(crate::facts::Container::version);
    let mut config = cilium_config::from_config_map(&data, namespace, version)?;
    config.api_server = config.api_server.or_else(|| agents.and_then(api_server));
    Ok(config)
}

/// The address that the chart writes into the environment of every container that asks the API
/// server. Without it, agents find the Service `kubernetes` there, as all pods do.
fn api_server(agents: &Workload) -> Option<ApiServer> {
    ["cilium-agent", "config"].into_iter().find_map(|name| {
        let container = agents.container(name)?;
        let host = container.variable("KUBERNETES_SERVICE_HOST")?;
        let port = container.variable("KUBERNETES_SERVICE_PORT");
        let server = ApiServer {
            host: host.value.clone().unwrap_or_default(),
            port: port.and_then(|port| port.value.clone()).unwrap_or_default(),
            from: host.from.clone(),
        };
        (!server.host.is_empty() || server.from.is_some()).then_some(server)
    })
}
