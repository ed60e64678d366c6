//! CNI: configurations, results, binaries.

use kcilium_core::facts::Unavailable;
use kcilium_core::leftovers::{
    CNI_BINARY_DIRECTORIES, CNI_CONFIGURATION_DIRECTORIES, CNI_RESULT_DIRECTORIES, CniText,
};

use crate::files::{list_if_exists, read_if_exists};
use crate::host::HostRoot;

/// Files with their text.
pub(super) fn files(root: &HostRoot) -> Result<Vec<CniText>, Unavailable> {
    let paths = paths(root, &CNI_CONFIGURATION_DIRECTORIES)?;
    Ok(paths
        .into_iter()
        .filter_map(|path| {
            let text = read_if_exists(root, &path).map_err(|error| error.why).transpose()?;
            Some(CniText { path, text })
        })
        .collect())
}

pub(super) fn results(root: &HostRoot) -> Result<Vec<String>, Unavailable> {
    paths(root, &CNI_RESULT_DIRECTORIES)
}

pub(super) fn binaries(root: &HostRoot) -> Result<Vec<String>, Unavailable> {
    paths(root, &CNI_BINARY_DIRECTORIES)
}

fn paths(root: &HostRoot, directories: &[&str]) -> Result<Vec<String>, Unavailable> {
    let mut found = Vec::new();
    for directory in directories {
        found.append(&mut list_if_exists(root, directory)?);
    }
    Ok(found)
}
