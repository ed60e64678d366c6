//! Why a chart cannot be read.

use std::{io, path::PathBuf};

use crate::layers::yaml::YamlError;

/// Why a chart cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// The system, or what is in the archive.
    #[error("--chart-directory: cannot read {path}")]
    Read {
        /// The file or the archive.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// There is no `Chart.yaml`.
    #[error("--chart-directory: {0} holds no Chart.yaml, so it is no chart")]
    NoChart(PathBuf),
    /// More than one folder of an archive holds a chart.
    #[error("--chart-directory: {path} holds several charts: {}", .folders.join(", "))]
    SeveralCharts {
        /// The archive.
        path: PathBuf,
        /// Their folders.
        folders: Vec<String>,
    },
    /// `Chart.yaml` or `values.yaml` holds something else.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// The schema is no JSON.
    #[error("--chart-directory: {name} is not JSON")]
    Schema {
        /// The file.
        name: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// `Chart.yaml` does not say which Cilium it is.
    #[error(
        "--chart-directory: {key} in {name} is {}, not a version of Cilium such as \"1.16.2\"",
        .found.as_ref().map_or_else(|| "not given as text".to_owned(), |text| format!("`{text}`"))
    )]
    Version {
        /// The file.
        name: String,
        /// Where the version should stand.
        key: &'static str,
        /// What stands there.
        found: Option<String>,
    },
}

impl ChartError {
    /// What the reader can do about it: one sentence without a full stop.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Read { .. } | Self::NoChart(_) | Self::SeveralCharts { .. } => {
                "give the folder that Chart.yaml is in, or the .tgz that `helm pull` or `helm \
                 package` wrote"
            }
            Self::Yaml(_) | Self::Schema { .. } | Self::Version { .. } => {
                "Helm needs it too: mend the chart, or give another"
            }
        }
    }
}
