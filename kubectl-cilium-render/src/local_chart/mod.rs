//! `--chart-directory`: a chart from disk, with its version, its defaults and its schema.

mod archive;
mod coalesce;
mod error;
mod files;
mod held;
mod schema;
mod violation;

use std::path::Path;

use kcilium_core::chart::ChartVersion;
use serde_json::Value as Json;

use crate::layers::{Map, Value, yaml};

pub use coalesce::coalesce;
pub use error::ChartError;
use files::{File, Files};
pub use held::Held;

/// What is read of a chart.
#[derive(Debug)]
pub struct LocalChart {
    /// The version of Cilium that it installs.
    pub version: ChartVersion,
    /// Its own values.
    pub defaults: Map,
    /// What Helm holds values against, if the chart says.
    pub schema: Option<Json>,
}

impl LocalChart {
    /// Reads a folder or an archive, and of it these three files only.
    ///
    /// # Errors
    /// What is no chart, what Helm could not read, and what would take too much memory.
    pub fn read(path: &Path) -> Result<Self, ChartError> {
        let files = if path.is_dir() { files::read(path)? } else { archive::read(path)? };
        let name = |file: File| path.join(file.name()).display().to_string();
        let Files { chart, values, schema } = files;
        let chart = chart.ok_or_else(|| ChartError::NoChart(path.to_owned()))?;
        let version = version(&name(File::Chart), &chart)?;
        let defaults = match values {
            Some(bytes) => yaml::read(&name(File::Values), &bytes)?.values,
            None => Map::new(),
        };
        let parse = |bytes: Vec<u8>| serde_json::from_slice(&bytes);
        let schema = schema.map(parse).transpose();
        let schema =
            schema.map_err(|source| ChartError::Schema { name: name(File::Schema), source })?;
        Ok(Self { version, defaults, schema })
    }
}

/// Distributions count their own charts: theirs say Cilium's version as that of the application.
fn version(name: &str, bytes: &[u8]) -> Result<ChartVersion, ChartError> {
    let chart = yaml::read(name, bytes)?.values;
    let text = |key: &str| match chart.get(key).map(|node| &node.value) {
        Some(Value::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let key = if text("name") == Some("cilium") { "version" } else { "appVersion" };
    let found = text(key);
    found.and_then(|text| text.parse().ok()).ok_or_else(|| ChartError::Version {
        name: name.to_owned(),
        key,
        found: found.map(str::to_owned),
    })
}
