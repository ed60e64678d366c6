//! The host's files for the decoders that choose what they read.

use std::io;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use kcilium_core::decode::host::HostFiles;
use kcilium_core::facts::Unavailable;

use super::read::{is_absent, list, open_regular, read_limited, read_regular};
use crate::host::HostRoot;
use crate::unavailable::unavailable;

/// Enough for the list of a distribution's modules, which has some thousand lines, bytes.
const LIMIT: u64 = 8 * 1024 * 1024;

impl HostFiles for HostRoot {
    fn text(&self, path: &str) -> Result<Option<String>, Unavailable> {
        let read = self.locate(path).and_then(|place| text(self, path, &place));
        match read {
            Ok(text) => Ok(Some(text)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(unavailable(path, &error)),
        }
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, Unavailable> {
        match list(self, folder) {
            Ok(names) => Ok(names),
            Err(error) if is_absent(&error) => Ok(Vec::new()),
            Err(error) => Err(unavailable(folder, &error)),
        }
    }
}

fn text(root: &HostRoot, path: &str, place: &Path) -> io::Result<String> {
    if is_null(root, place) {
        return Ok(String::new());
    }
    if !has_gzip(path) {
        return read_regular(place, LIMIT);
    }
    read_limited(MultiGzDecoder::new(open_regular(place.to_owned())?), LIMIT)
}

fn has_gzip(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "gz")
}

/// How administrators switch off a file that a package brings.
fn is_null(root: &HostRoot, place: &Path) -> bool {
    let null = Path::new("/dev/null");
    place == root.path().join("dev/null") || place.canonicalize().is_ok_and(|end| end == null)
}
