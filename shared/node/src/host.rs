//! The host to look at.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

use kcilium_core::facts::NodeName;
use rustix::io::Errno;

use crate::files::{SMALL, read_text};

/// As many symbolic links as the kernel follows in one path.
const MAX_SYMLINKS: u32 = 40;

/// Where this host's files are: `/` on the host itself; the mount point of the host's root in a
/// container; a folder in tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRoot(PathBuf);

impl HostRoot {
    /// The directory that the host sees as `/`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where this process finds what the host calls `path`. Symbolic links are followed as the host
    /// follows them: an absolute one starts again at the host's root, not at this process's.
    ///
    /// # Errors
    /// When a directory on the way cannot be read, or the links run in a circle. That the last part
    /// does not exist is no error.
    pub(crate) fn locate(&self, path: &str) -> io::Result<PathBuf> {
        if self.0 == Path::new("/") {
            return Ok(path.into());
        }
        let mut pending = VecDeque::new();
        prepend(&mut pending, Path::new(path));
        let mut found = Vec::new();
        let mut symlinks = 0;
        while let Some(part) = pending.pop_front() {
            if part == ".." {
                found.pop();
                continue;
            }
            found.push(part);
            let here = self.join(&found);
            if !is_symlink(&here)? {
                continue;
            }
            symlinks += 1;
            if symlinks > MAX_SYMLINKS {
                return Err(Errno::LOOP.into());
            }
            let target = here.read_link()?;
            found.pop();
            if target.is_absolute() {
                found.clear();
            }
            prepend(&mut pending, &target);
        }
        Ok(self.join(&found))
    }

    fn join(&self, parts: &[OsString]) -> PathBuf {
        let mut path = self.0.clone();
        path.extend(parts);
        path
    }
}

fn prepend(pending: &mut VecDeque<OsString>, path: &Path) {
    for part in path.components().rev() {
        if matches!(part, Component::Normal(_) | Component::ParentDir) {
            pending.push_front(part.as_os_str().into());
        }
    }
}

fn is_symlink(path: &Path) -> io::Result<bool> {
    match path.symlink_metadata() {
        Ok(metadata) => Ok(metadata.is_symlink()),
        // Whoever opens it will say so better.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

impl Default for HostRoot {
    fn default() -> Self {
        Self::new("/")
    }
}

/// A host: where its files are, and what it is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    root: HostRoot,
    name: Option<NodeName>,
}

impl Host {
    /// A host whose name is read from its files.
    pub fn new(root: HostRoot) -> Self {
        Self { root, name: None }
    }

    /// The name that Kubernetes knows the host by, where the caller was told.
    #[must_use]
    pub fn with_name(self, name: NodeName) -> Self {
        Self { name: Some(name), ..self }
    }

    /// Where the host's files are.
    pub fn root(&self) -> &HostRoot {
        &self.root
    }

    /// The name given, else the one in the host's `/etc/hostname`, else the running kernel's.
    ///
    /// Names that are not given are in lower case, as the kubelet registers them.
    pub fn node_name(&self) -> NodeName {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let name = hostname_file(&self.root)
            .unwrap_or_else(|| rustix::system::uname().nodename().to_string_lossy().into_owned());
        NodeName::from(name.to_lowercase())
    }
}

/// Whether this process may change what belongs to root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn hostname_file(root: &HostRoot) -> Option<String> {
    let text = read_text(root, "/etc/hostname", SMALL).ok()?;
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_within_the_root() {
        let root = tempfile::tempdir().unwrap();
        let host = HostRoot::new(root.path());
        fs::create_dir_all(root.path().join("etc/static")).unwrap();
        fs::create_dir_all(root.path().join("run/resolve")).unwrap();
        symlink("/run/resolve/stub.conf", root.path().join("etc/static/resolv.conf")).unwrap();
        symlink("static/resolv.conf", root.path().join("etc/resolv.conf")).unwrap();
        symlink("../../../../run", root.path().join("etc/up")).unwrap();

        let located = |path| host.locate(path).unwrap();
        assert_eq!(located("/etc/resolv.conf"), root.path().join("run/resolve/stub.conf"));
        assert_eq!(located("/etc/up/resolve"), root.path().join("run/resolve"));
        assert_eq!(located("/etc/none/at/all"), root.path().join("etc/none/at/all"));
        assert_eq!(located("/../etc/./static"), root.path().join("etc/static"));
    }

    #[test]
    fn links_in_a_circle_are_an_error() {
        let root = tempfile::tempdir().unwrap();
        symlink("b", root.path().join("a")).unwrap();
        symlink("a", root.path().join("b")).unwrap();
        let error = HostRoot::new(root.path()).locate("/a").unwrap_err();
        assert_eq!(Errno::from_io_error(&error), Some(Errno::LOOP));
    }

    #[test]
    fn the_name_comes_from_the_caller_then_the_file_then_the_kernel() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::new(HostRoot::new(root.path()));
        let kernel = rustix::system::uname().nodename().to_str().unwrap().to_lowercase();
        assert_eq!(host.node_name(), NodeName::from(kernel));

        fs::create_dir(root.path().join("etc")).unwrap();
        fs::write(root.path().join("etc/hostname"), "# the second\n\nNode2\n").unwrap();
        assert_eq!(host.node_name(), NodeName::from("node2"));
        assert_eq!(host.with_name("other".into()).node_name(), NodeName::from("other"));
    }
}
