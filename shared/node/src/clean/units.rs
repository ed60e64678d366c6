//! A unit of systemd's. It is not stopped: what it mounted is everybody's by now.

use std::path::Path;

use kcilium_core::leftovers::Outcome;
use rustix::fs::FileType;

use super::files;
use crate::files::list_if_exists;
use crate::host::HostRoot;

/// Where `systemctl enable` puts its links.
const ENABLED: &str = "/etc/systemd/system";
/// How the directories with these links are called, after the unit that wants the others.
const WANTING: [&str; 2] = ["wants", "requires"];

/// Whether a file is a unit.
pub(super) fn is_unit(path: &str) -> bool {
    path.contains("/systemd/system/")
}

/// Disables a unit and deletes it, in this order: links that lead nowhere say no more whose they were.
pub(super) fn unit(root: &HostRoot, path: &str) -> Outcome {
    let directories = match list_if_exists(root, ENABLED) {
        Ok(paths) => paths.into_iter().filter(|path| is_wanting(path)),
        Err(why) => return Outcome::failed(why.to_string()),
    };
    let name = path.rsplit('/').next().unwrap_or_default();
    for directory in directories {
        let outcome = files::with(root, &format!("{directory}/{name}"), |entry, kind| match kind {
            FileType::Symlink => Ok(entry.unlink()),
            _ => Err(Outcome::kept("it is no link")),
        });
        if let Outcome::Failed { why } = outcome {
            return Outcome::failed(format!("{directory}/{name}: {why}"));
        }
    }
    files::file(root, path)
}

fn is_wanting(path: &str) -> bool {
    let extension = Path::new(path).extension().and_then(std::ffi::OsStr::to_str);
    extension.is_some_and(|extension| WANTING.contains(&extension))
}
