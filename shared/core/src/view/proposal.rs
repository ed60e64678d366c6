//! A configuration that is about to be installed.

use serde_json::Value;

use crate::{chart::ChartVersion, facts::CiliumConfig};

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
