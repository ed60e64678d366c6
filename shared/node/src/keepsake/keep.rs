//! The directory that keepsakes lie in.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use kcilium_core::facts::{Family, Unavailable};
use kcilium_core::leftovers::{HostState, Leftover, Plan};
use rustix::fs::{FlockOperation, flock};

use super::saved_file::{SavedFile, beside, of_plan};
use super::{CONTENT, Content, IPSET, Keepsake, KeepsakeError, SETS, VERSION, store};
use crate::host::{Host, HostRoot};
use crate::iptables::{output, program};
use crate::unavailable::plain;

/// What a keepsake is called while it is written.
const PARTIAL: &str = ".partial";
const LOCK: &str = ".lock";

/// The directory, held by this run alone until it is dropped.
#[derive(Debug)]
pub struct Keep<'a> {
    host: &'a Host,
    place: PathBuf,
    path: String,
    _lock: File,
}

impl<'a> Keep<'a> {
    /// Opens the directory, which is made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made, others than root can write into it, or another run holds it.
    pub fn open(host: &'a Host, path: &str) -> Result<Self, KeepsakeError> {
        let path = path.trim_end_matches('/').to_owned();
        let place = host.root().locate(&path).map_err(KeepsakeError::about(&path))?;
        Self::prepare(&place, &path)?;
        let lock = lock(&place, &path)?;
        let keep = Self { host, place, path, _lock: lock };
        keep.sweep().map_err(KeepsakeError::about(&keep.path))?;
        Ok(keep)
    }

    fn prepare(place: &Path, path: &str) -> Result<(), KeepsakeError> {
        let not_made = |error| KeepsakeError::about(path)(error);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).map_err(not_made)?;
        }
        match store::make_directory(place) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(KeepsakeError::about(path)(error));
            }
            _ => {}
        }
        let metadata = place.symlink_metadata().map_err(KeepsakeError::about(path))?;
        let why = if !metadata.is_dir() {
            "it is no directory"
        } else if metadata.uid() != rustix::process::geteuid().as_raw() {
            "it belongs to another user"
        } else if metadata.mode() & 0o022 != 0 {
            "other users can write into it"
        } else {
            return Ok(());
        };
        Err(KeepsakeError::Unsafe { path: path.into(), why: why.into() })
    }

    /// Removes what runs that were killed had begun to write.
    fn sweep(&self) -> io::Result<()> {
        for name in self.names()? {
            if name.starts_with('.') && name.ends_with(PARTIAL) {
                fs::remove_dir_all(self.place.join(name))?;
            }
        }
        Ok(())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in self.place.read_dir()? {
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort_unstable();
        Ok(names)
    }

    /// The keepsake of a run that did not come to its end, if it has all that a plan takes: the
    /// first one, because later ones were made of a host that was half clean.
    ///
    /// # Errors
    /// When the directory cannot be read. What cannot be read in it is no keepsake.
    pub fn unfinished(&self, plan: &Plan) -> Result<Option<Keepsake>, KeepsakeError> {
        let names = self.names().map_err(KeepsakeError::about(&self.path))?;
        let mut keepsakes = names.iter().filter(|name| !name.starts_with('.')).filter_map(|name| {
            let path = format!("{}/{name}", self.path);
            Keepsake::read(self.place.join(name), path).ok()
        });
        let name = self.host.node_name().to_string();
        Ok(keepsakes.find(|keepsake| {
            !keepsake.is_done()
                && keepsake.content.host == name
                && keepsake.covers(self.host.root(), plan)
        }))
    }

    /// The keepsake of a run that did not come to its end, else a new one.
    ///
    /// # Errors
    /// As of [`unfinished`](Self::unfinished) and [`save`](Self::save).
    pub fn begin(
        &self,
        name: &str,
        state: &HostState,
        plan: &Plan,
    ) -> Result<Keepsake, KeepsakeError> {
        match self.unfinished(plan)? {
            Some(keepsake) => Ok(keepsake),
            None => self.save(name, state, plan),
        }
    }

    /// Keeps everything that a plan takes and that can be put back, and reads it back. `name` is
    /// what it is to be called; where there is one, a number is added.
    ///
    /// # Errors
    /// When anything of it cannot be kept: then nothing may be taken away.
    pub fn save(
        &self,
        name: &str,
        state: &HostState,
        plan: &Plan,
    ) -> Result<Keepsake, KeepsakeError> {
        let partial = self.place.join(format!(".{name}{PARTIAL}"));
        store::make_directory(&partial).map_err(KeepsakeError::about(&self.path))?;
        let saved = self.write(&partial, state, plan).and_then(|content| {
            let (place, path) = self.rename(&partial, name)?;
            Ok(Keepsake { place, path, content })
        });
        if saved.is_err() {
            // A later run does the same.
            let _ = fs::remove_dir_all(&partial);
        }
        saved
    }

    fn write(
        &self,
        partial: &Path,
        state: &HostState,
        plan: &Plan,
    ) -> Result<Content, KeepsakeError> {
        let root = self.host.root();
        let mut files = Vec::new();
        for path in of_plan(plan) {
            let file = SavedFile::save(root, path, partial).map_err(KeepsakeError::about(path))?;
            files.push(file);
        }
        let mut missing = Vec::new();
        for path in beside(state, plan) {
            match SavedFile::save(root, path, partial) {
                Ok(file) => files.push(file),
                Err(error) => missing.push(Unavailable::failed(path, plain(&error))),
            }
        }
        for ruleset in &state.netfilter {
            let stem = match ruleset.family {
                Family::V4 => "iptables",
                Family::V6 => "ip6tables",
            };
            let name = format!("{stem}-{}-save.txt", ruleset.backend);
            if let Some(text) = ruleset.text.known() {
                self.put(partial, &name, text.as_bytes())?;
            }
        }
        if plan.items.iter().any(|item| matches!(item.what, Leftover::Set { .. })) {
            match sets(root) {
                Ok(text) => self.put(partial, SETS, text.as_bytes())?,
                Err(why) => missing.push(why),
            }
        }
        let content = Content {
            version: VERSION,
            host: self.host.node_name().to_string(),
            plan: plan.clone(),
            state: state.clone(),
            files,
            missing,
        };
        // Plain data always has a form in JSON.
        let text = serde_json::to_vec(&content).unwrap_or_default();
        self.put(partial, CONTENT, &text)?;
        self.check(partial, &content)?;
        Ok(content)
    }

    fn put(&self, partial: &Path, name: &str, bytes: &[u8]) -> Result<(), KeepsakeError> {
        let about = || format!("{}/{name}", self.path);
        store::write(&partial.join(name), bytes).map_err(KeepsakeError::about(about()))
    }

    /// What was written must be what is read: a full disk shows late on some file systems.
    fn check(&self, partial: &Path, content: &Content) -> Result<(), KeepsakeError> {
        let again = Keepsake::read(partial.to_owned(), self.path.clone())?;
        let path = || self.path.clone();
        if again.content.plan != content.plan || again.content.files != content.files {
            return Err(KeepsakeError::NotAsWritten { path: path() });
        }
        for file in &content.files {
            if !file.is_as_saved(self.host.root(), partial, &file.path) {
                return Err(KeepsakeError::NotAsWritten { path: file.path.clone() });
            }
        }
        Ok(())
    }

    fn rename(&self, partial: &Path, name: &str) -> Result<(PathBuf, String), KeepsakeError> {
        let names = std::iter::once(name.to_owned());
        let mut names = names.chain((2..).map(|number| format!("{name}-{number}")));
        let free = names.find(|name| !self.place.join(name).exists());
        let name = free.unwrap_or_else(|| name.to_owned());
        let (place, path) = (self.place.join(&name), format!("{}/{name}", self.path));
        sync_all(partial)
            .and_then(|()| fs::rename(partial, &place))
            .and_then(|()| store::sync(&self.place))
            .map_err(KeepsakeError::about(&path))?;
        Ok((place, path))
    }
}

fn lock(place: &Path, path: &str) -> Result<File, KeepsakeError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(place.join(LOCK))
        .map_err(KeepsakeError::about(format!("{path}/{LOCK}")))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(KeepsakeError::Locked { path: path.into() }),
        Err(error) => Err(KeepsakeError::about(format!("{path}/{LOCK}"))(error.into())),
    }
}

/// Brings all directories of a tree to the disk; files are there already.
fn sync_all(directory: &Path) -> io::Result<()> {
    for entry in directory.read_dir()? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_all(&entry.path())?;
        }
    }
    store::sync(directory)
}

/// What is in the sets.
fn sets(root: &HostRoot) -> Result<String, Unavailable> {
    let mut command = program(root, IPSET)
        .ok_or_else(|| Unavailable::failed(IPSET, "not installed, so sets cannot be saved"))?;
    output(command.arg("save"), IPSET, "")
}
