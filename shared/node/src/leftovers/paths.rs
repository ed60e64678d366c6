//! Mounts, directories, files of configuration, names of network namespaces.

use std::io;

use kcilium_core::facts::Unavailable;
use kcilium_core::leftovers::{FOUND_PATHS, FoundPath, Mount};

use crate::files::{list_if_exists, read_if_exists, read_text};
use crate::host::HostRoot;
use crate::unavailable::unavailable;

/// What `ip netns` shows.
pub(super) fn network_namespaces(root: &HostRoot) -> Result<Vec<String>, Unavailable> {
    const DIRECTORY: &str = "/run/netns";

    let paths = list_if_exists(root, DIRECTORY)?;
    let name = |path: String| path.rsplit('/').next().unwrap_or_default().to_owned();
    Ok(paths.into_iter().map(name).collect())
}

/// Mounts below the host's root, as this process sees them.
pub(crate) fn mounts(root: &HostRoot) -> Result<Vec<Mount>, Unavailable> {
    /// Every mount has its line, and nodes have thousands.
    const LIMIT: u64 = 64 * 1024 * 1024;
    const MOUNTS: &str = "/proc/thread-self/mountinfo";

    // Of this process, not of the host's first: what counts is what is mounted where files are
    // looked for.
    let text = read_text(&HostRoot::default(), MOUNTS, LIMIT)?;
    let prefix = root.path().to_string_lossy().trim_end_matches('/').to_owned();
    Ok(text.lines().filter_map(|line| mount(line, &prefix)).collect())
}

/// Number, parent, device, root, place, options, …, `-`, type, source, options.
fn mount(line: &str, prefix: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let place = unescaped(before.split(' ').nth(4)?);
    let path = place.strip_prefix(prefix).filter(|path| path.starts_with('/'))?.to_owned();
    Some(Mount { path, filesystem: after.split(' ').next()?.to_owned() })
}

/// The kernel writes blanks and backslashes as octal numbers.
fn unescaped(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

/// Those paths of interest that exist.
pub(super) fn found(root: &HostRoot) -> Result<Vec<FoundPath>, Unavailable> {
    let mut found = Vec::new();
    for path in FOUND_PATHS {
        let place = root.locate(path).map_err(|error| unavailable(path, &error))?;
        let is_directory = match place.metadata() {
            Ok(metadata) => metadata.is_dir(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(unavailable(path, &error)),
        };
        let text = if is_directory { None } else { read_if_exists(root, path).ok().flatten() };
        found.push(FoundPath { path: path.to_owned(), is_directory, text });
    }
    Ok(found)
}
