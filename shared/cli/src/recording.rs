//! A folder of recorded command output; see [`kcilium_core::decode::recorded`].

use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
};

use kcilium_core::{
    decode::recorded::{self, Files},
    facts::Facts,
};

/// The largest file that is read, bytes. `kubectl get pods -A -o json` of a large cluster is the
/// largest there is.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// Deepest folder that a recording has: `NODE/cni/FILE`.
const MAX_DEPTH: usize = 3;
/// The same of a host's own files: `NODE/host/var/lib/rancher/k3s/agent/etc/containerd/FILE`.
const MAX_HOST_DEPTH: usize = 10;

/// Why a folder could not be read as a recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// A folder or a file of the recording could not be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is larger than any recording has.
    #[error("{} is larger than {} MiB", path.display(), MAX_FILE_BYTES >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// No file has a name that a recording knows.
    #[error(
        "{} is not a recording: it has no file such as NODE/ip-j-route.json or api/ciliumnodes.json",
        path.display()
    )]
    Empty {
        /// The folder.
        path: PathBuf,
    },
}

/// Reads a recording.
///
/// # Errors
/// When the folder cannot be read, or holds no recording. Files that are missing, or that cannot be
/// decoded, are no error: the facts they would give are unavailable.
pub fn read(folder: &Path) -> Result<Facts, RecordingError> {
    let mut files = Files::new();
    read_folder(folder, "", MAX_DEPTH, &mut files)?;
    if files.is_empty() {
        return Err(RecordingError::Empty { path: folder.to_owned() });
    }
    Ok(recorded::facts(&files, |yaml| {
        serde_saphyr::from_str(yaml).map_err(|error| error.to_string())
    }))
}

fn read_folder(
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut Files,
) -> Result<(), RecordingError> {
    let unreadable = |source| RecordingError::Unreadable { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        // Recordings name their files in ASCII; others are not part of one.
        let Ok(name) = entry.file_name().into_string() else { continue };
        let relative = format!("{prefix}{name}");
        let path = entry.path();
        if path.is_dir() {
            let is_host = depth + 1 == MAX_DEPTH && name == "host";
            let depth = if is_host { MAX_HOST_DEPTH } else { depth };
            if depth > 1 {
                read_folder(&path, &format!("{relative}/"), depth - 1, files)?;
            }
        } else if recorded::is_part(&relative) && path.is_file() {
            files.insert(relative, read_file(&path)?);
        }
    }
    Ok(())
}

/// Text of a file; bytes that are not UTF-8 are replaced, and fail in the decoder with their place.
fn read_file(path: &Path) -> Result<String, RecordingError> {
    let unreadable = |source| RecordingError::Unreadable { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(RecordingError::TooLarge { path: path.to_owned() });
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
