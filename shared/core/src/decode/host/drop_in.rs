//! Folders of drop-ins: a file hides those of the same name in folders that count less.

use std::collections::BTreeMap;

use super::{HostFiles, has_extension};
use crate::facts::Unavailable;

/// Drop-ins that are read of a program.
const MOST: usize = 200;

/// Paths of the files `*.conf` in these folders, of which the first counts most, in the order of their
/// names.
pub(super) fn paths(files: &impl HostFiles, folders: &[&str]) -> Result<Vec<String>, Unavailable> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for folder in folders {
        for name in files.names(folder)?.into_iter().filter(|name| has_extension(name, "conf")) {
            let path = format!("{folder}/{name}");
            found.entry(name).or_insert(path);
        }
    }
    if found.len() > MOST {
        let why = format!("more than {MOST} files");
        return Err(Unavailable::failed(folders.first().copied().unwrap_or_default(), why));
    }
    Ok(found.into_values().collect())
}
