//! NetworkManager: its configuration, and what it wrote down about devices.

use super::{HostFiles, drop_in, ini};
use crate::facts::{DeviceState, NetworkManager, Unavailable};

const MAIN: &str = "/etc/NetworkManager/NetworkManager.conf";
/// Read before the main file: those of packages and of this boot.
const BEFORE: [&str; 3] =
    ["/run/NetworkManager/conf.d", "/usr/lib/NetworkManager/conf.d", "/lib/NetworkManager/conf.d"];
const AFTER: &str = "/etc/NetworkManager/conf.d";
/// One file for each device, called by its index.
const STATES: &str = "/run/NetworkManager/devices";
/// Devices of which the state is read: a node has as many as it has pods.
const MOST_DEVICES: usize = 2000;

pub(super) fn settings(files: &impl HostFiles) -> Result<NetworkManager, Unavailable> {
    let mut found = NetworkManager::default();
    let own = drop_in::paths(files, &[AFTER])?;
    // A file of the administrator hides a package's of the same name.
    let hidden: Vec<&str> = own.iter().map(|path| name(path)).collect();
    let mut before = drop_in::paths(files, &BEFORE)?;
    before.retain(|path| !hidden.contains(&name(path)));
    for path in
        before.iter().map(String::as_str).chain([MAIN]).chain(own.iter().map(String::as_str))
    {
        if let Some(text) = files.text(path)? {
            read(&mut found.unmanaged, &text);
        }
    }
    found.devices = states(files)?;
    Ok(found)
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `unmanaged-devices=A;B`, with `+=` and `-=` for additions to what earlier files say.
fn read(unmanaged: &mut Vec<String>, text: &str) {
    for entry in ini::entries(text).filter(|entry| entry.section == "keyfile") {
        let specs = entry.value.split([';', ',']).map(str::trim).filter(|spec| !spec.is_empty());
        let specs = specs.map(str::to_owned);
        match entry.key {
            "unmanaged-devices" => *unmanaged = specs.collect(),
            "unmanaged-devices+" => unmanaged.extend(specs),
            "unmanaged-devices-" => {
                let gone: Vec<String> = specs.collect();
                unmanaged.retain(|spec| !gone.contains(spec));
            }
            _ => {}
        }
    }
}

fn states(files: &impl HostFiles) -> Result<Vec<DeviceState>, Unavailable> {
    let names = files.names(STATES)?;
    let mut indexes: Vec<u32> = names.iter().filter_map(|name| name.parse().ok()).collect();
    if indexes.len() > MOST_DEVICES {
        return Err(Unavailable::failed(STATES, format!("more than {MOST_DEVICES} devices")));
    }
    indexes.sort_unstable();
    let mut found = Vec::with_capacity(indexes.len());
    for index in indexes {
        let Some(text) = files.text(&format!("{STATES}/{index}"))? else { continue };
        // GLib writes booleans in these two words. Without the key it leaves the device alone, and
        // nobody told it to.
        let managed = ini::entries(&text)
            .any(|it| (it.section, it.key, it.value) == ("device", "managed", "true"));
        found.push(DeviceState { index, managed });
    }
    Ok(found)
}
