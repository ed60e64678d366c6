//! What `--from` names: a snapshot file, an archive of `cilium sysdump`, or a folder of recorded
//! command output.

use std::{io::IsTerminal as _, path::Path};

use kcilium_core::facts::Facts;

use crate::{
    Failure,
    progress::{Spinner, Visibility},
    recording, snapshot_file, sysdump,
};

/// Reads the facts; `-` is a snapshot on standard input.
///
/// # Errors
/// When there is none of these at that path.
pub fn read(path: &Path, progress: Visibility) -> Result<Facts, Failure> {
    if path.is_dir() {
        return Ok(recording::read(path)?);
    }
    // A spinner over a terminal that is being typed into would be in the way.
    let is_typed = path == Path::new("-") && std::io::stdin().is_terminal();
    let progress = if is_typed { Visibility::Never } else { progress };
    let _spinner = Spinner::start(format!("reading {}", path.display()), progress);
    Ok(if sysdump::is_archive(path) { sysdump::read(path)? } else { snapshot_file::read(path)? })
}
