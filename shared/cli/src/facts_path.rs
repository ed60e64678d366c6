//! What `--from` names: a snapshot file, or a folder of recorded command output.

use std::{io::IsTerminal as _, path::Path};

use kcilium_core::facts::Facts;

use crate::{
    Failure,
    progress::{Spinner, Visibility},
    recording, snapshot_file,
};

/// Reads the facts; `-` is a snapshot on standard input.
///
/// # Errors
/// When there is neither at that path.
pub fn read(path: &Path, progress: Visibility) -> Result<Facts, Failure> {
    if path.is_dir() {
        return Ok(recording::read(path)?);
    }
    // A spinner over a terminal that is being typed into would be in the way.
    let is_typed = path == Path::new("-") && std::io::stdin().is_terminal();
    let progress = if is_typed { Visibility::Never } else { progress };
    let _spinner = Spinner::start(format!("reading {}", path.display()), progress);
    Ok(snapshot_file::read(path)?)
}
