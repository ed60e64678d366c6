//! Endpoints, as the agent wrote them down.

use kcilium_core::decode::endpoint_file;
use kcilium_core::facts::Unavailable;
use kcilium_core::leftovers::Endpoint;

use crate::files::{list_if_exists, read_if_exists};
use crate::host::HostRoot;

const STATE: &str = "/run/cilium/state";

/// Every endpoint of the state directory whose file names an interface; none where the directory is
/// gone.
pub(super) fn endpoints(root: &HostRoot) -> Result<Vec<Endpoint>, Unavailable> {
    let mut found = Vec::new();
    for directory in list_if_exists(root, STATE)? {
        let Some(id) = directory.rsplit('/').next().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let json = read_if_exists(root, &format!("{directory}/ep_config.json"))?;
        let endpoint = json.and_then(|text| endpoint_file::json(id, &text));
        // Until 1.15 the header alone, of which the compiler was the other reader.
        let endpoint = match endpoint {
            Some(endpoint) => Some(endpoint),
            None => read_if_exists(root, &format!("{directory}/ep_config.h"))?
                .and_then(|text| endpoint_file::header(id, &text)),
        };
        found.extend(endpoint);
    }
    Ok(found)
}
