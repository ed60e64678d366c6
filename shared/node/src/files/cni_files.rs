//! CNI configuration files.

use std::path::Path;

use kcilium_core::decode::cni_conf::{self, is_cni_file_name};
use kcilium_core::facts::{CniFile, Unavailable};

use super::read::{SMALL, list, read_regular};
use crate::host::HostRoot;
use crate::unavailable::unavailable;

const DIRECTORY: &str = "/etc/cni/net.d";

/// The files that a container runtime considers, in its order. One that cannot be read or
/// understood is listed as broken: a runtime stumbles over it all the same.
pub(crate) fn cni_files(root: &HostRoot) -> Result<Vec<CniFile>, Unavailable> {
    let names = list(root, DIRECTORY).map_err(|error| unavailable(DIRECTORY, &error))?;
    let mut files = Vec::new();
    for name in names.into_iter().filter(|name| is_cni_file_name(name)) {
        let place = root.locate(&format!("{DIRECTORY}/{name}"));
        files.extend(match place {
            Ok(place) => cni_file(name, &place),
            Err(error) => Some(broken(name, &error)),
        });
    }
    Ok(files)
}

/// Nothing for a directory, which no runtime opens.
fn cni_file(name: String, place: &Path) -> Option<CniFile> {
    if place.is_dir() {
        return None;
    }
    Some(match read_regular(place, SMALL) {
        Ok(text) => cni_conf::decode(&name, &text),
        Err(error) => broken(name, &error),
    })
}

fn broken(name: String, error: &std::io::Error) -> CniFile {
    CniFile {
        broken: Some(unavailable(name.as_str(), error).why),
        name,
        network: String::new(),
        plugins: Vec::new(),
        subnets: Vec::new(),
    }
}
