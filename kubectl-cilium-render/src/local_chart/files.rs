//! The files that are read of a chart.

use std::{
    io::{self, Read},
    path::Path,
};

use super::ChartError;
use crate::layers::yaml::MAX_BYTES;

/// A file that is read of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum File {
    /// Its name and version.
    Chart,
    /// Its own values.
    Values,
    /// What values may be.
    Schema,
}

impl File {
    pub(super) const ALL: [Self; 3] = [Self::Chart, Self::Values, Self::Schema];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Chart => "Chart.yaml",
            Self::Values => "values.yaml",
            Self::Schema => "values.schema.json",
        }
    }
}

/// What is in them.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) chart: Option<Vec<u8>>,
    pub(super) values: Option<Vec<u8>>,
    pub(super) schema: Option<Vec<u8>>,
}

impl Files {
    pub(super) fn put(&mut self, file: File, bytes: Vec<u8>) {
        let place = match file {
            File::Chart => &mut self.chart,
            File::Values => &mut self.values,
            File::Schema => &mut self.schema,
        };
        *place = Some(bytes);
    }
}

/// Reads them in a folder. Which are missing is for others to judge.
pub(super) fn read(folder: &Path) -> Result<Files, ChartError> {
    let mut files = Files::default();
    for file in File::ALL {
        let path = folder.join(file.name());
        let bytes = std::fs::File::open(&path).and_then(contents);
        match bytes {
            Ok(bytes) => files.put(file, bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(ChartError::Read { path, source }),
        }
    }
    Ok(files)
}

/// All of a file, unless it is larger than values may be.
pub(super) fn contents(file: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_BYTES {
        return Err(io::Error::other(format!("it is larger than {} MiB", MAX_BYTES >> 20)));
    }
    Ok(bytes)
}
