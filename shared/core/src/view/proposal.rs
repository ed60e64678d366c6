//! A configuration that is about to be installed.

use serde_json::Value;

use crate::{
    chart::{ChartValues, ChartVersion},
    decode::{DecodeError, agent_arguments, cilium_config},
    facts::{ApiServer, CiliumConfig},
};

/// Values that are about to be installed, and what they mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// Version of the chart.
    pub chart: ChartVersion,
    /// The values, without the chart's defaults.
    pub values: Value,
    /// The configuration that the chart makes of them.
    pub config: CiliumConfig,
}

impl Proposal {
    /// Works out what values mean for a version of the chart, in the namespace that Helm would
    /// install it to.
    ///
    /// # Errors
    /// When a value is of a type that the chart cannot take, or makes an option of Cilium that is
    /// no number or boolean; the error names the value or the option.
    pub fn new(chart: ChartVersion, values: Value, namespace: &str) -> Result<Self, DecodeError> {
        let given = ChartValues::new(&values, &chart);
        let mut data = given.config_map()?;
        data.extend(extra_arguments(&given));
        let elsewhere = text(&given, "namespaceOverride");
        let namespace = elsewhere.as_deref().unwrap_or(namespace);
        let mut config =
            cilium_config::from_config_map(&data, namespace, Some(chart.of_cilium().clone()))
                .map_err(|error| {
                    DecodeError::new(format!("the values make a cilium-config of which {error}"))
                })?;
        "values".clone_into(&mut config.origin);
        config.api_server = config.api_server.or_else(|| api_server(&given));
        Ok(Self { chart, values, config })
    }
}

/// `extraArgs` stand on the agent's command line, where they win over the ConfigMap.
fn extra_arguments(values: &ChartValues<'_>) -> impl Iterator<Item = (String, String)> {
    let arguments = values.get("extraArgs");
    let arguments = arguments.as_deref().and_then(Value::as_array).into_iter().flatten();
    agent_arguments::options(arguments.filter_map(Value::as_str)).into_iter()
}

/// What the chart writes into the environment of the agents. `auto` stays as it is: the chart looks
/// the address up in the cluster, if at all.
fn api_server(values: &ChartValues<'_>) -> Option<ApiServer> {
    let port = text(values, "k8sServicePort").unwrap_or_default();
    if let Some(host) = text(values, "k8sServiceHost") {
        return Some(ApiServer { host, port, from: None });
    }
    let name = text(values, "k8sServiceHostRef.name")?;
    let key = text(values, "k8sServiceHostRef.key").unwrap_or_default();
    let from = Some(format!("ConfigMap {name} key {key}"));
    Some(ApiServer { host: String::new(), port, from })
}

/// A value that the chart has, unless it is empty.
fn text(values: &ChartValues<'_>, key: &str) -> Option<String> {
    values.chart().entry(key)?;
    values.text(key).filter(|text| !text.is_empty())
}
