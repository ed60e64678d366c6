//! A file with all that belongs to it.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};

use kcilium_core::leftovers::{HostState, Leftover, Plan};
use serde::{Deserialize, Serialize};

use super::store;
use crate::host::HostRoot;

/// Configurations are written by hand.
const LIMIT: u64 = 16 * 1024 * 1024;

/// A file as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SavedFile {
    /// Its path on the host. The copy is below `files/`.
    pub(super) path: String,
    /// Permissions.
    mode: u32,
    /// Owner.
    uid: u32,
    /// Group.
    gid: u32,
    /// Where a symbolic link led; such a file has no copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<PathBuf>,
}

/// Files that a plan takes, and that can be put back.
pub(super) fn of_plan(plan: &Plan) -> impl Iterator<Item = &str> {
    plan.items.iter().filter_map(|item| match &item.what {
        Leftover::CniConfiguration { path }
        | Leftover::CniBackup { path, .. }
        | Leftover::CniResult { path }
        | Leftover::File { path } => Some(path.as_str()),
        _ => None,
    })
}

/// Files beside them: other CNI configurations, and what is doubtful.
pub(super) fn beside<'a>(state: &'a HostState, plan: &Plan) -> Vec<&'a str> {
    let taken: BTreeSet<&str> = of_plan(plan).collect();
    let cni = state.cni_files.items().iter().map(|file| file.path.as_str());
    let found = state.paths.items().iter().filter(|found| !found.is_directory);
    cni.chain(found.map(|found| found.path.as_str())).filter(|path| !taken.contains(path)).collect()
}

impl SavedFile {
    /// Copies a file into a keepsake.
    pub(super) fn save(root: &HostRoot, path: &str, keepsake: &Path) -> io::Result<Self> {
        let place = place(root, path)?;
        let metadata = place.symlink_metadata()?;
        let target = metadata.is_symlink().then(|| place.read_link()).transpose()?;
        if target.is_none() {
            let copy = copy_of(keepsake, path);
            let bytes = store::read(&place, LIMIT)?;
            make_parents(keepsake, path)?;
            store::write(&copy, &bytes)?;
        }
        let mode = metadata.mode() & 0o7777;
        Ok(Self { path: path.into(), mode, uid: metadata.uid(), gid: metadata.gid(), target })
    }

    /// Whether a path holds now what was saved.
    pub(super) fn is_as_saved(&self, root: &HostRoot, keepsake: &Path, path: &str) -> bool {
        let Ok(place) = place(root, path) else {
            return false;
        };
        if let Some(target) = &self.target {
            return place.read_link().is_ok_and(|now| now == *target);
        }
        let is_link = place.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        let copy = store::read(&copy_of(keepsake, &self.path), LIMIT);
        let now = store::read(&place, LIMIT);
        !is_link && matches!((copy, now), (Ok(copy), Ok(now)) if copy == now)
    }

    /// Puts the file back under its name, if nothing is there.
    pub(super) fn put_back(&self, root: &HostRoot, keepsake: &Path) -> io::Result<()> {
        let place = place(root, &self.path)?;
        let parent = place.parent().unwrap_or(&place);
        fs::create_dir_all(parent)?;
        if let Some(target) = &self.target {
            symlink(target, &place)?;
            return store::sync(parent);
        }
        let bytes = store::read(&copy_of(keepsake, &self.path), LIMIT)?;
        // CNI plugins are looked for in all files that end in `.conf`: this one does not yet.
        let mut name = place.file_name().unwrap_or_default().to_owned();
        name.push(".kcilium-undo");
        let temporary = place.with_file_name(name);
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        store::write(&temporary, &bytes)?;
        let written = chown(&temporary, Some(self.uid), Some(self.gid))
            .and_then(|()| fs::set_permissions(&temporary, Permissions::from_mode(self.mode)))
            // Fails where something is there by now, which a renaming would replace.
            .and_then(|()| fs::hard_link(&temporary, &place));
        fs::remove_file(&temporary)?;
        written?;
        store::sync(parent)
    }
}

/// Where a file is; a symbolic link is not followed to what it stands for.
pub(super) fn place(root: &HostRoot, path: &str) -> io::Result<PathBuf> {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    if name.is_empty() || name == ".." || name == "." {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file's name"));
    }
    Ok(root.locate(if directory.is_empty() { "/" } else { directory })?.join(name))
}

/// `path` comes from the host's directories, or from a keepsake that only root writes.
fn copy_of(keepsake: &Path, path: &str) -> PathBuf {
    let mut copy = keepsake.join(FILES);
    copy.extend(path.split('/').filter(|part| !part.is_empty() && *part != ".."));
    copy
}

const FILES: &str = "files";

fn make_parents(keepsake: &Path, path: &str) -> io::Result<()> {
    let copy = copy_of(keepsake, path);
    let Some(parent) = copy.parent().and_then(|parent| parent.strip_prefix(keepsake).ok()) else {
        return Ok(());
    };
    let mut place = keepsake.to_owned();
    for part in parent {
        place.push(part);
        match store::make_directory(&place) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
