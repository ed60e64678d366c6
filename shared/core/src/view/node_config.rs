//! What one node does otherwise than `cilium-config` says.

use std::collections::BTreeSet;

use super::View;
use crate::{
    decode::{agent_arguments, agent_config},
    facts::{CiliumConfig, CiliumNodeConfig, Component, NodeName, Unavailable, Workload},
};

/// What the init container `config` (`build-config`) is told about what else it reads. Before 1.13
/// there is neither the container nor a CiliumNodeConfig.
#[derive(Default)]
struct Overrides {
    /// `--allow-config-keys`: only these may be overridden; all of them where it is empty.
    allowed: BTreeSet<String>,
    /// `--deny-config-keys`.
    denied: BTreeSet<String>,
    sources: Option<String>,
}

impl View<'_> {
    /// The live configuration of a node: `cilium-config`, over it the CiliumNodeConfigs that select
    /// the node, over them the agents' arguments. Agents read it when they start.
    ///
    /// # Errors
    /// When something of it is not known, or cannot be decoded.
    pub fn node_config(&self, node: &NodeName) -> Result<CiliumConfig, Unavailable> {
        let cluster = &self.facts.cluster;
        let written = cluster.config_data.get().map_err(Clone::clone)?;
        let namespace = written.namespace.as_str();
        let agents =
            cluster.workloads(Component::Agent).find(|agents| agents.namespace == namespace);
        let overrides = Overrides::of(agents);
        let chosen = self.chosen(node, namespace, &overrides)?;
        let mut data = written.data.clone();
        for (key, value) in chosen.iter().flat_map(|chosen| &chosen.defaults) {
            if overrides.permit(key) {
                data.insert(key.clone(), value.clone());
            }
        }
        let failed = |error: crate::decode::DecodeError| {
            Unavailable::failed(format!("configuration of node {node}"), error.to_string())
        };
        let mut config = agent_config::of_agents(data, namespace, agents).map_err(failed)?;
        for chosen in chosen {
            config.origin.push_str(", CiliumNodeConfig ");
            config.origin.push_str(&chosen.name);
        }
        Ok(config)
    }

    /// The CiliumNodeConfigs that select a node, the weakest first. Those without a selector select
    /// nothing.
    fn chosen(
        &self,
        node: &NodeName,
        namespace: &str,
        overrides: &Overrides,
    ) -> Result<Vec<&CiliumNodeConfig>, Unavailable> {
        if !overrides.are_read()? {
            return Ok(Vec::new());
        }
        let all = match self.facts.cluster.cilium_node_configs.get() {
            Ok(all) => all.as_slice(),
            // Clusters without the CRD have none.
            Err(why) if why.is_absent() => &[],
            Err(why) => return Err(why.clone()),
        };
        let mut chosen = Vec::new();
        for config in all.iter().filter(|config| config.namespace == namespace) {
            if self.selects(config, node)? {
                chosen.push(config);
            }
        }
        chosen.sort_by_key(|config| &config.name);
        Ok(chosen)
    }

    fn selects(&self, config: &CiliumNodeConfig, node: &NodeName) -> Result<bool, Unavailable> {
        let selector = match &config.nodes {
            None => return Ok(false),
            Some(selector) if selector.is_empty() => return Ok(true),
            Some(selector) => selector,
        };
        let nodes = self.facts.cluster.nodes.get().map_err(Clone::clone)?;
        let matches = match nodes.iter().find(|known| known.name == *node) {
            Some(known) => selector.matches(&known.labels),
            None => None,
        };
        matches.ok_or_else(|| {
            Unavailable::failed(
                format!("CiliumNodeConfig {}", config.name),
                format!("nobody knows whether it selects node {node}"),
            )
        })
    }
}

impl Overrides {
    fn of(agents: Option<&Workload>) -> Self {
        let Some(container) = agents.and_then(|agents| agents.container("config")) else {
            return Self::default();
        };
        let arguments = container.command.iter().chain(&container.args);
        let mut options = agent_arguments::options(arguments.map(String::as_str));
        let mut keys = |name| {
            let text: String = options.remove(name).unwrap_or_default();
            text.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect()
        };
        let (allowed, denied) = (keys("allow-config-keys"), keys("deny-config-keys"));
        Self { allowed, denied, sources: options.remove("source") }
    }

    /// Whether CiliumNodeConfigs are read at all.
    fn are_read(&self) -> Result<bool, Unavailable> {
        let Some(sources) = &self.sources else { return Ok(true) };
        if sources.split(',').any(|source| source.starts_with("node:")) {
            return Err(Unavailable::not_collected(format!(
                "annotations of Nodes, which `--source={sources}` makes part of the configuration"
            )));
        }
        Ok(sources.contains("cilium-node-config"))
    }

    /// Whether a key may be overridden. Where some are allowed, nobody looks at what is denied.
    fn permit(&self, key: &str) -> bool {
        if self.allowed.is_empty() {
            !self.denied.contains(key)
        } else {
            self.allowed.contains(key)
        }
    }
}
