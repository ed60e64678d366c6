//! systemd-networkd: `networkd.conf` and its drop-ins.

use super::{HostFiles, drop_in, ini};
use crate::facts::{ForeignSetting, Networkd, Unavailable};

/// In the order of systemd: the first `networkd.conf` counts, and then all drop-ins.
const FOLDERS: [&str; 5] =
    ["/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd"];

pub(super) fn settings(files: &impl HostFiles) -> Result<Networkd, Unavailable> {
    let mut found =
        Networkd { routes: ForeignSetting::default(), rules: ForeignSetting::default() };
    for folder in FOLDERS {
        let path = format!("{folder}/networkd.conf");
        if let Some(text) = files.text(&path)? {
            read(&mut found, &path, &text);
            break;
        }
    }
    let folders = FOLDERS.map(|folder| format!("{folder}/networkd.conf.d"));
    for path in drop_in::paths(files, &folders.each_ref().map(String::as_str))? {
        if let Some(text) = files.text(&path)? {
            read(&mut found, &path, &text);
        }
    }
    Ok(found)
}

fn read(found: &mut Networkd, path: &str, text: &str) {
    for entry in ini::entries(text).filter(|entry| entry.section == "Network") {
        let setting = match entry.key {
            "ManageForeignRoutes" => &mut found.routes,
            "ManageForeignRoutingPolicyRules" => &mut found.rules,
            _ => continue,
        };
        if let Some(manages) = ini::boolean(entry.value) {
            *setting = ForeignSetting { manages: Some(manages), file: Some(path.to_owned()) };
        }
    }
}
