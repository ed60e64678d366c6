//! `snapshot FILE`: facts to a file.

use kcilium_cli::{
    Exit, Failure, KubernetesFlags,
    progress::Visibility,
    snapshot_file::{self, Overwrite, SnapshotFileError},
};

use crate::{args::Snapshot, source};

/// Writes a snapshot.
pub(crate) fn run(wish: &Snapshot, kubernetes: &KubernetesFlags) -> Result<Exit, Failure> {
    let facts = source::read(&wish.source, kubernetes, Visibility::OnTerminal)?;
    let overwrite = if wish.force { Overwrite::Replace } else { Overwrite::Refuse };
    snapshot_file::write(&wish.file, &facts, overwrite).map_err(failure)?;
    Ok(Exit::Fine)
}

fn failure(error: SnapshotFileError) -> Failure {
    let exists = matches!(error, SnapshotFileError::Exists { .. });
    let failure = Failure::from(error);
    if exists { failure.hint("--force replaces it") } else { failure }
}
