//! What is kept of a host before the first thing is taken away from it, and putting it back.
//!
//! A [`Keepsake`] is a directory: `keepsake.json` has the plan and everything that was seen, `files/`
//! the files as they were, `iptables-*.txt` and `ipset.txt` what these programs print. It is written
//! under another name, read back, and only then called what it is called: what has a name is whole.
//!
//! Keepsakes lie in [`DIRECTORY`]: it survives a restart, unlike `/run` and `/tmp`; hosts whose `/etc`
//! and `/usr` cannot be written have it; and no plan reaches into it, unlike `/var/lib/cilium`. Only
//! root reads it, because configurations of CNI plugins may hold tokens.

mod error;
mod keep;
mod saved_file;
mod store;
mod undo;

use std::path::PathBuf;

use kcilium_core::facts::Unavailable;
use kcilium_core::leftovers::{HostState, Plan};
use serde::{Deserialize, Serialize};

pub use error::KeepsakeError;
pub use keep::Keep;
pub use undo::{Return, Returning, Undoing, undo};

use saved_file::SavedFile;

use crate::host::HostRoot;

/// Where keepsakes lie on a host unless the caller says otherwise.
pub const DIRECTORY: &str = "/var/lib/kcilium";

const CONTENT: &str = "keepsake.json";
const DONE: &str = "done";
const SETS: &str = "ipset.txt";
/// The program that keeps sets of addresses.
const IPSET: &str = "ipset";
/// Counts up when older programs would misread it.
const VERSION: u32 = 1;
/// Far more than any node has, bytes.
const LIMIT: u64 = 512 * 1024 * 1024;

/// A host as it was before a clean.
#[derive(Debug)]
pub struct Keepsake {
    place: PathBuf,
    path: String,
    content: Content,
}

/// What `keepsake.json` holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    version: u32,
    host: String,
    plan: Plan,
    state: HostState,
    files: Vec<SavedFile>,
    /// What could not be saved, and need not be for the plan.
    missing: Vec<Unavailable>,
}

impl Keepsake {
    /// Opens one by its path on the host.
    ///
    /// # Errors
    /// When it cannot be read, is of a newer version, or of another host.
    pub fn open(host: &crate::Host, path: &str) -> Result<Self, KeepsakeError> {
        let place = host.root().locate(path).map_err(KeepsakeError::about(path))?;
        let keepsake = Self::read(place, path.to_owned())?;
        let name = host.node_name().to_string();
        if keepsake.content.host != name {
            let of = keepsake.content.host;
            return Err(KeepsakeError::OfAnotherHost { path: path.into(), of, name });
        }
        Ok(keepsake)
    }

    fn read(place: PathBuf, path: String) -> Result<Self, KeepsakeError> {
        let text = store::read(&place.join(CONTENT), LIMIT)
            .map_err(KeepsakeError::about(format!("{path}/{CONTENT}")))?;
        let unreadable = |why: String| KeepsakeError::Unreadable { path: path.clone(), why };
        let content: Content =
            serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        if content.version != VERSION {
            return Err(unreadable(format!("it is of version {}", content.version)));
        }
        Ok(Self { place, path, content })
    }

    /// Its path on the host.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What was to be taken away.
    pub fn plan(&self) -> &Plan {
        &self.content.plan
    }

    /// What could not be saved.
    pub fn missing(&self) -> &[Unavailable] {
        &self.content.missing
    }

    /// Notes that the clean came to its end: what begins after that begins anew.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn finish(&self) -> Result<(), KeepsakeError> {
        let place = self.place.join(DONE);
        if place.exists() {
            return Ok(());
        }
        store::write(&place, b"")
            .and_then(|()| store::sync(&self.place))
            .map_err(KeepsakeError::about(format!("{}/{DONE}", self.path)))
    }

    fn is_done(&self) -> bool {
        self.place.join(DONE).exists()
    }

    /// Whether all that a plan takes is in here, as it is now.
    fn covers(&self, root: &HostRoot, plan: &Plan) -> bool {
        let kept = &self.content.plan.items;
        let kept: Vec<_> = kept.iter().map(|item| item.what.identity()).collect();
        let mut items = plan.items.iter().map(|item| item.what.identity());
        let is_kept = items.all(|item| kept.contains(&item));
        is_kept
            && saved_file::of_plan(plan).all(|path| {
                self.file(path).is_some_and(|file| file.is_as_saved(root, &self.place, path))
            })
    }

    fn file(&self, path: &str) -> Option<&SavedFile> {
        self.content.files.iter().find(|file| file.path == path)
    }
}
